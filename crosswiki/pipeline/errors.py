"""The exception for errors that the user can correct."""


class UserError(Exception):
    """An error that the user who runs a stage can correct.

    Its message is one line: what is wrong, where, and what to do. A stage that ends in it prints that line
    and exits with status 2 (see `crosswiki.pipeline.stage`).
    """
