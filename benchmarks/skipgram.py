"""Skip-gram beside gensim: words a second and word similarity, on the source corpus, in one process.

`make bench` after `make repro`. Both train on the same token ids with the hyperparameters of params.yaml, by turns,
`RUNS` times; medians are printed. Similarity is Spearman's correlation on the files that gensim carries.
"""

import statistics
import time
from pathlib import Path

import numpy
import torch
from gensim.models import KeyedVectors, Word2Vec
from gensim.test.utils import datapath

from stages.corpora.vocabulary import load_vocabulary
from stages.devices import choose_device
from stages.embeddings.skipgram import train_skipgram
from stages.parameters import load_parameters

RUNS = 3


def similarity(words: list[str], vectors: numpy.ndarray) -> str:
    """Spearman's correlation on wordsim353 and simlex999."""
    keyed = KeyedVectors(vectors.shape[1])
    keyed.add_vectors(words, vectors)
    files = {"wordsim353": "wordsim353.tsv", "simlex999": "simlex999.txt"}
    scores = {name: keyed.evaluate_word_pairs(datapath(file))[1][0] for name, file in files.items()}
    return ", ".join(f"{name} {score:.3f}" for name, score in scores.items())


def main() -> None:
    """Time both, and print a line for each and their ratio."""
    params = load_parameters()
    own = params.skipgram
    prepared = Path("data/prepared/source")
    vocabulary = load_vocabulary(prepared / "vocabulary.tsv")
    tokens, offsets = numpy.load(prepared / "tokens.npy"), numpy.load(prepared / "offsets.npy")
    documents = numpy.split(tokens, offsets[1:-1])
    sentences = [[vocabulary.words[token] for token in document] for document in documents]
    device, threads = choose_device(params.device), torch.get_num_threads()
    read = len(tokens) * own.epochs
    rates: dict[str, list[float]] = {"crosswiki": [], "gensim": []}
    quality = {}
    for _ in range(RUNS):
        started = time.perf_counter()
        arguments = {**own.model_dump(), "seed": params.seed, "device": device}
        centres, _contexts = train_skipgram(tokens, offsets, vocabulary.counts, **arguments)
        rates["crosswiki"].append(read / (time.perf_counter() - started))
        quality["crosswiki"] = similarity(list(vocabulary.words), centres.numpy())

        model = Word2Vec(
            vector_size=own.dim,
            window=own.window,
            negative=own.negatives,
            ns_exponent=own.noise_exponent,
            sample=own.subsample,
            alpha=own.learning_rate,
            min_alpha=own.learning_rate * 1e-4,
            sg=1,
            min_count=1,
            workers=threads,
            seed=params.seed,
        )
        model.build_vocab(sentences)
        started = time.perf_counter()
        model.train(sentences, total_examples=len(sentences), epochs=own.epochs)
        rates["gensim"].append(read / (time.perf_counter() - started))
        quality["gensim"] = similarity(model.wv.index_to_key, model.wv.vectors)
    for name, measured in rates.items():
        print(f"{name}: {statistics.median(measured):,.0f} words/s, {quality[name]} ({device}, {threads} threads)")
    ratios = [own_rate / other for own_rate, other in zip(*rates.values(), strict=True)]
    print(f"ratio: {statistics.median(ratios):.2f} (of {RUNS} runs: {min(ratios):.2f} to {max(ratios):.2f})")


if __name__ == "__main__":
    main()
