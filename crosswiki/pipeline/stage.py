"""The frame of every stage script: arguments, first and last line of output, tracking, and exit status."""

import os
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext
from pathlib import Path
from typing import Any

from crosswiki.pipeline.checked_yaml import Section
from crosswiki.pipeline.errors import UserError
from crosswiki.pipeline.graph import files_of
from crosswiki.pipeline.languages import languages_of
from crosswiki.pipeline.parameter_values import ROLES, Role
from crosswiki.pipeline.parameters import Parameters, load_parameters
from crosswiki.pipeline.ranks import PeerLostError, join, launch, leave, rank, started_by_launcher
from crosswiki.pipeline.tracking import Run, tracked
from crosswiki.pipeline.workers import watch_parent

PATIENCE = 10.0  # seconds that a rank waits to be ended with the others


@contextmanager
def ending_clearly() -> Iterator[None]:
    """End the program with one line and status 2 on a UserError, and with status 130 on Ctrl-C."""
    try:
        yield
    except UserError as error:
        if rank() > 0:  # rank 0 says the same, and the launcher ends this process meanwhile
            time.sleep(PATIENCE)
        print(error, file=sys.stderr)
        sys.exit(2)
    except KeyboardInterrupt:
        sys.exit(130)
    except PeerLostError:  # the launcher knows which one, says so, and ends this process meanwhile
        time.sleep(PATIENCE)
        sys.exit(1)
    except BrokenPipeError:  # the reader, such as `| head`, has closed the pipe
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        sys.exit(141)


def run_stage(main: Callable[..., Any], ranks: bool = False) -> None:
    """Run a stage script; a `main` with a parameter takes a role from the command line.

    With `ranks`, as many processes run it as `processes` in params.yaml says, or as a launcher has started.

    With `--quiet`, or CROSSWIKI_QUIET=1 for all stages of a `dvc repro`, only errors are printed.
    """
    if "--quiet" in sys.argv:
        sys.argv.remove("--quiet")
        os.environ["CROSSWIKI_QUIET"] = "1"
    takes_role = main.__code__.co_argcount - len(main.__defaults__ or ()) > 0
    with ending_clearly(), _with_others() if ranks else nullcontext():
        if takes_role:
            main(_role(sys.argv[1:]))
        elif len(sys.argv) > 1:
            raise UserError(f"{sys.argv[0]}: takes no arguments, found {' '.join(sys.argv[1:])}")
        else:
            main()


@contextmanager
def _with_others() -> Iterator[None]:
    """Be one of several ranks inside the block, if there are to be several."""
    params = load_parameters()
    if started_by_launcher():
        watch_parent(os.getppid())
        join(params.device)
        yield
        leave()
        return
    if params.processes > 1:
        launch(params.processes, params.device)  # which exits
    yield


def _role(arguments: list[str]) -> Role:
    for role in ROLES:
        if arguments == [role]:
            return role
    raise UserError(f"role: found '{' '.join(arguments)}'; one of {', '.join(ROLES)} is needed")


@contextmanager
def stage(name: str, params: Parameters, section: Section | None, role: Role | None = None) -> Iterator[Run]:
    """Run a stage's work with a line at its start and its end, and with a run in MLflow.

    Yields:
        The stage's run, for metrics, pictures and tags.
    """
    full_name = f"{name}@{role}" if role else name
    started = time.perf_counter()
    say(f"{full_name}: starts")
    # Parameters have the same names in a stage's run and in the run of the whole invocation.
    stage_params = {"seed": params.seed, "corpus": params.corpus, **({name: section.model_dump()} if section else {})}
    everything = params.model_dump()
    everything["download"]["languages"] = languages_of(params)
    with tracked(name, role=role, params=stage_params, everything=everything) as run:
        yield run
    made = [
        f"{out} ({_size(Path(out))})"
        for out in files_of(name, role, params.corpus, params.roles).outs
        if Path(out).exists()
    ]
    say(f"{full_name}: {'made ' + ', '.join(made) if made else 'done'} in {time.perf_counter() - started:.1f} s")


def say(line: str) -> None:
    """Print a line, unless CROSSWIKI_QUIET is set."""
    if os.environ.get("CROSSWIKI_QUIET", "") in ("", "0") and rank() == 0:
        print(line, flush=True)


def _size(path: Path) -> str:
    files = path.rglob("*") if path.is_dir() else [path]
    size = sum(file.stat().st_size for file in files if file.is_file())
    return f"{size / 1e6:.1f} MB" if size >= 1e5 else f"{size / 1e3:.1f} kB"
