"""Check params.yaml and the corpus preset that it names, before DVC runs anything; silent when all is well.

DVC by itself runs nothing for a key that no stage reads, so a misspelt one would pass unseen.
"""

from stages.command import command
from stages.corpora.presets import language_of, load_preset
from stages.parameters import ROLES, load_parameters


def main() -> None:
    """Raise a UserError for what is wrong."""
    params = load_parameters()
    preset = load_preset(params.corpus)
    for role in ROLES:
        language_of(role, preset, params.download)


if __name__ == "__main__":
    command(main)
