"""The inner loops of skip-gram on the CPU, compiled by numba; `shards.py` calls them and documents their data.

Arguments have no annotations: numba takes their types from the arrays, float32 in training and float64 in tests.
"""
# ruff: noqa: ANN001, ANN201, ANN202

import math

import numpy
from llvmlite import ir
from numba import njit, types
from numba.core import cgutils
from numba.extending import intrinsic
from numba.np.arrayobj import make_array

LOSS_EVERY = 16  # the loss is measured on every 16th word
AHEAD = 2  # groups between prefetching and reading noise words' rows: about the latency of the memory
LINE = 64  # bytes of a cache line


@intrinsic
def _prefetch(typing_context, matrix, row):
    """Prefetch a row of a matrix into the processor's caches, without waiting for it."""

    def generate(context, builder, signature, arguments):
        array = make_array(signature.args[0])(context, builder, arguments[0])
        shape, strides = (cgutils.unpack_tuple(builder, some) for some in (array.shape, array.strides))
        number = context.cast(builder, arguments[1], signature.args[1], types.intp)
        start = builder.gep(builder.bitcast(array.data, cgutils.voidptr_t), [builder.mul(number, strides[0])])
        word = ir.IntType(32)
        asked = ir.FunctionType(ir.VoidType(), [cgutils.voidptr_t, word, word, word])
        ask = cgutils.get_or_insert_function(builder.module, asked, "llvm.prefetch.p0")
        first, step = (ir.Constant(shape[1].type, size) for size in (0, LINE))
        with cgutils.for_range_slice(builder, first, builder.mul(shape[1], strides[1]), step) as (at, _):
            builder.call(ask, [builder.gep(start, [at]), word(0), word(3), word(1)])  # to read, to stay, data
        return context.get_dummy_value()

    return types.void(matrix, row), generate


@njit(nogil=True, cache=True, inline="always")
def _random(state):
    """Mix a counter into 64 random bits (SplitMix64: Steele, Lea and Flood 2014)."""
    mixed = (state ^ (state >> numpy.uint64(30))) * numpy.uint64(0xBF58476D1CE4E5B9)
    mixed = (mixed ^ (mixed >> numpy.uint64(27))) * numpy.uint64(0x94D049BB133111EB)
    return mixed ^ (mixed >> numpy.uint64(31))


@njit(nogil=True, cache=True, inline="always")
def _counter(seed, place):
    """The state of SplitMix64 for each draw of each seed."""
    return _random(seed) + numpy.uint64(place) * numpy.uint64(0x9E3779B97F4A7C15)


@njit(nogil=True, cache=True)
def keep_words(tokens, ends, keep, window, dynamic, seed, words, first, last):
    """Fill `words`, `first` and `last` (see `Sampled`) with the kept words of `tokens`, and return their number."""
    low, high = numpy.uint64(0xFFFFFFFF), numpy.uint64(32)
    start = kept = 0
    for document in range(len(ends)):
        end = min(ends[document], len(tokens))
        opening = kept
        for place in range(start, end):
            drawn = _random(_counter(seed, place))
            if (drawn >> high) <= keep[tokens[place]]:
                words[kept] = tokens[place]
                first[kept] = 1 + numpy.int64(((drawn & low) * numpy.uint64(window)) >> high) if dynamic else window
                kept += 1
        for place in range(opening, kept):  # the end of the document is known only now
            reach = first[place]
            first[place] = max(opening, place - reach)
            last[place] = min(kept, place + reach + 1)
        start = end
    return kept


@njit(nogil=True, cache=True)
def draw_noise(accept, alias, seed, noise):
    """Fill `noise` with word ids drawn by the tables of `alias_table`."""
    low, high = numpy.uint64(0xFFFFFFFF), numpy.uint64(32)
    for place in range(len(noise)):
        drawn = _random(_counter(seed, place))
        word = numpy.int64(((drawn >> high) * numpy.uint64(len(accept))) >> high)
        noise[place] = word if (drawn & low) <= accept[word] else alias[word]


@njit(nogil=True, cache=True)
def borrow(matrix, ids, places, borrowed):
    """Copy the rows of `ids` into `borrowed`, each once, and replace the ids by their rows in it."""
    taken = 0
    for i in range(len(ids)):
        word = ids[i]
        if places[word] < 0:
            places[word] = taken
            for column in range(matrix.shape[1]):
                borrowed[taken, column] = matrix[word, column]
            taken += 1
        ids[i] = places[word]


@njit(nogil=True, cache=True)
def merge(matrix, start, end, places, borrowed, weights):
    """Add the shards' changes to the rows from `start` to `end`, in the shards' order."""
    change = numpy.empty(matrix.shape[1], matrix.dtype)
    for word in range(start, end):
        change[:] = 0
        moved = False
        for shard in range(len(borrowed)):
            place, rows = places[shard, word], borrowed[shard]
            if place >= 0:
                moved = True
                for column in range(len(change)):
                    change[column] += rows[place, column] - matrix[word, column]
        if moved:
            for column in range(len(change)):
                matrix[word, column] += weights[word] * change[column]


@njit(nogil=True, cache=True, inline="always")
def _softplus(score):
    """−log σ(−score), for scores of any size."""
    return max(score, 0.0) + math.log1p(math.exp(-abs(score)))


@njit(nogil=True, cache=True, fastmath=True, inline="always")
def _score(centre, contexts, rows, scores):
    """Dot products of a centre with rows of `contexts`, four at a time, so that the centre is read once for four."""
    whole = len(rows) // 4 * 4
    for first in range(0, whole, 4):
        a, b, c, d = rows[first], rows[first + 1], rows[first + 2], rows[first + 3]
        zero = centre.dtype.type(0)
        score_a, score_b, score_c, score_d = zero, zero, zero, zero
        for column in range(len(centre)):
            value = centre[column]
            score_a += value * contexts[a, column]
            score_b += value * contexts[b, column]
            score_c += value * contexts[c, column]
            score_d += value * contexts[d, column]
        scores[first], scores[first + 1], scores[first + 2], scores[first + 3] = score_a, score_b, score_c, score_d
    for place in range(whole, len(rows)):
        row, score = rows[place], centre.dtype.type(0)
        for column in range(len(centre)):
            score += centre[column] * contexts[row, column]
        scores[place] = score


@njit(nogil=True, cache=True, fastmath=True, inline="always")
def _mix(contexts, rows, weights, total):
    """Add the weighted sum of rows of `contexts` to `total`, four rows at a time."""
    whole = len(rows) // 4 * 4
    for first in range(0, whole, 4):
        a, b, c, d = rows[first], rows[first + 1], rows[first + 2], rows[first + 3]
        of_a, of_b, of_c, of_d = weights[first], weights[first + 1], weights[first + 2], weights[first + 3]
        for column in range(len(total)):
            total[column] += (
                of_a * contexts[a, column]
                + of_b * contexts[b, column]
                + of_c * contexts[c, column]
                + of_d * contexts[d, column]
            )
    for place in range(whole, len(rows)):
        row, weight = rows[place], weights[place]
        for column in range(len(total)):
            total[column] += weight * contexts[row, column]


@njit(nogil=True, cache=True, fastmath=True, error_model="numpy")
def descend(centres, contexts, rows, words, first, last, noise, negatives, shared, rate):  # noqa: PLR0912
    """Gradient descent on a piece of text; see `shards.descend`."""
    dim = centres.shape[1]
    one, zero = centres.dtype.type(1), centres.dtype.type(0)
    group = numpy.empty(shared + negatives, numpy.int32)
    slope = numpy.empty(shared + negatives, centres.dtype)
    centre, change = numpy.empty(dim, centres.dtype), numpy.empty(dim, centres.dtype)
    loss, pairs, drawn = 0.0, 0, 0
    for place in range(len(words)):
        row, near = rows[place], first[place]
        if place + 1 < len(words):
            _prefetch(centres, rows[place + 1])
            if last[place + 1] < len(words):
                _prefetch(contexts, words[last[place + 1]])
        left, groups = last[place] - first[place] - 1, -(-(last[place] - first[place] - 1) // shared)
        while groups > 0:
            size, filled = left // groups, 0
            for ahead in range(drawn + AHEAD * negatives, min(drawn + (AHEAD + 1) * negatives, len(noise))):
                _prefetch(contexts, noise[ahead])
            left, groups = left - size, groups - 1
            while filled < size:
                if near != place:
                    group[filled] = words[near]
                    filled += 1
                near += 1
            for _ in range(negatives):
                group[filled] = noise[drawn]
                filled, drawn = filled + 1, drawn + 1
            for column in range(dim):
                centre[column] = centres[row, column]
                change[column] = zero
            _score(centre, contexts, group[:filled], slope)
            if place % LOSS_EVERY == 0:
                for member in range(filled):
                    if member < size:
                        loss += _softplus(-slope[member])
                    else:
                        loss += size * _softplus(slope[member])
                pairs += size
            for member in range(filled):
                truth = one / (one + math.exp(-slope[member]))
                slope[member] = rate * (one - truth) if member < size else -rate * size * truth
            _mix(contexts, group[:filled], slope, change)  # before any row changes, as a group may have a word twice
            for member in range(filled):
                other, pull = group[member], slope[member]
                for column in range(dim):
                    contexts[other, column] += pull * centre[column]
            for column in range(dim):
                centres[row, column] += change[column]
    return loss, pairs
