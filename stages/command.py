"""What every stage script shares: its arguments, its first and last line, and how it ends when something is wrong."""

import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from stages.errors import UserError
from stages.parameters import ROLES, Parameters, Role, Section
from stages.tracking import Run, tracked


def command(main: Callable[..., Any]) -> None:
    """Run a stage script: one line and status 2 for what a person can put right, status 130 for Ctrl-C.

    A `main` with a parameter takes a role from the command line.
    """
    takes_role = main.__code__.co_argcount - len(main.__defaults__ or ()) > 0
    try:
        if takes_role:
            main(_role(sys.argv[1:]))
        elif len(sys.argv) > 1:
            raise UserError(f"{sys.argv[0]}: takes no arguments, found {' '.join(sys.argv[1:])}")
        else:
            main()
    except UserError as error:
        print(error, file=sys.stderr)
        sys.exit(2)
    except KeyboardInterrupt:
        sys.exit(130)


def _role(arguments: list[str]) -> Role:
    for role in ROLES:
        if arguments == [role]:
            return role
    raise UserError(f"role: found '{' '.join(arguments)}'; one of {', '.join(ROLES)} is needed")


@contextmanager
def stage(name: str, params: Parameters, section: Section | None, role: Role | None = None) -> Iterator[Run]:
    """Frame a stage's work: a line when it starts, a line when it ends, and its run in MLflow.

    Yields:
        The stage's run, for metrics, pictures and tags.
    """
    full_name = f"{name}@{role}" if role else name
    started = time.perf_counter()
    print(f"{full_name}: starts", flush=True)
    own = {"seed": params.seed, "corpus": params.corpus, **(section.model_dump() if section else {})}
    with tracked(name, role=role, params=own, everything=params.model_dump()) as run:
        yield run
    print(f"{full_name}: done in {time.perf_counter() - started:.1f} s", flush=True)
