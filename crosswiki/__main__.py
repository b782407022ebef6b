"""The command line: `crosswiki COMMAND`, or `python -m crosswiki COMMAND`."""

import argparse
from collections.abc import Sequence

from crosswiki.commands import check, export, neighbours, new, predict, quick, suggest, warm
from crosswiki.pipeline.stage import ending_clearly

COMMANDS = {
    "new": new,
    "check": check,
    "quick": quick,
    "warm": warm,
    "predict": predict,
    "suggest": suggest,
    "neighbours": neighbours,
    "export": export,
}


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the command that the arguments name."""
    parser = argparse.ArgumentParser(
        "crosswiki",
        description="Label texts in one language, classify texts in another. "
        "The pipeline itself is run by `make repro` or `dvc repro`; these commands use and inspect what it made.",
        epilog="crosswiki COMMAND --help explains a command.",
    )
    commands = parser.add_subparsers(title="commands", metavar="COMMAND", required=True)
    for name, module in COMMANDS.items():
        summary = (module.__doc__ or "").partition("\n")[0]
        command = commands.add_parser(name, help=summary, description=module.__doc__)
        module.add_arguments(command)
        command.set_defaults(run=module.run, parser=command)
    given = parser.parse_args(arguments)
    with ending_clearly():
        given.run(given)


if __name__ == "__main__":
    main()
