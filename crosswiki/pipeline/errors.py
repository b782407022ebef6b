"""The one exception that a person is meant to read."""


class UserError(Exception):
    """Something that the person who runs a stage can put right.

    Its message is one line: what is wrong, where, and what to do. A stage that ends in it prints that line
    and exits with status 2 (see `crosswiki.pipeline.stage`).
    """
