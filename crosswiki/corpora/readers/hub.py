"""The corpus kind `hub`: a data set on the Hugging Face hub, streamed: nothing of it is kept but the articles."""

import time
from collections.abc import Iterator
from functools import cache, partial
from typing import Any, cast

from crosswiki.corpora.pairs import PAIR
from crosswiki.corpora.parts import Article, Bad, Part
from crosswiki.corpora.readers.records import text_of
from crosswiki.corpora.readers.web import ATTEMPTS, BUSY, retry_after
from crosswiki.pipeline.errors import UserError
from crosswiki.pipeline.paths import user_path
from crosswiki.pipeline.presets import HubPreset


def parts(preset: HubPreset, language: str) -> Iterator[Part]:
    """A part for each of the data set's files.

    Raises:
        UserError: the hub cannot be reached, or has no such data set, configuration or column.
    """
    dataset = _dataset(preset, language)
    for number in range(dataset.num_shards):
        name = f"{number:05d}-of-{dataset.num_shards:05d}"
        reached = (number + 1) / dataset.num_shards
        yield Part(name, partial(_read_shard, preset, language, number, dataset.num_shards), 0, reached)


def _read_shard(preset: HubPreset, language: str, number: int, count: int) -> Iterator[Article | Bad]:
    wanted = {name: column for name, column in preset.columns.model_dump().items() if column is not None}
    where = f"{preset.dataset}: file {number + 1} of {count}"
    try:
        for place, row in enumerate(_dataset(preset, language).shard(num_shards=count, index=number), 1):
            if place == 1 and (absent := [column for column in wanted.values() if column not in row]):
                raise UserError(f"{preset.dataset}: no column {absent[0]!r}; it has {', '.join(row)}")
            try:
                values = {name: text_of(row[column], name) for name, column in wanted.items()}
            except ValueError as error:
                yield Bad(f"{where}: row {place}", str(error))
                continue
            if missing := [name for name in ("id", "text", PAIR) if name in wanted and values[name] is None]:
                yield Bad(f"{where}: row {place}", f"no {wanted[missing[0]]}")
            else:
                yield Article(**cast("Any", {"title": None} | values))
    except (OSError, ValueError) as error:  # also what pyarrow and the hub's client raise
        raise UserError(f"{where}: cannot be read ({_line(error)}); what has come is kept") from error


def _dataset(preset: HubPreset, language: str) -> Any:
    name = preset.dataset.replace("{language}", language)
    folder = user_path(name)
    configuration = preset.configuration and preset.configuration.replace("{language}", language)
    return _load(str(folder) if folder.is_dir() else name, configuration, preset.revision, preset.split)


@cache
def _load(name: str, configuration: str | None, revision: str | None, split: str) -> Any:
    import datasets

    _be_patient()
    datasets.utils.logging.set_verbosity_error()
    datasets.disable_progress_bars()
    try:
        return datasets.load_dataset(name, configuration, revision=revision, split=split, streaming=True)
    except (OSError, ValueError, datasets.exceptions.DatasetsError) as error:
        raise UserError(f"{name}, {configuration}: cannot be had from the hub ({_line(error)})") from error


def _line(error: Exception) -> str:
    return " ".join(str(error).split())[:300]


@cache
def _be_patient() -> None:
    """Ask the hub again when it is busy: its own client gives up at once on some of its requests."""
    import httpx2
    import huggingface_hub

    class Patient(httpx2.HTTPTransport):
        def handle_request(self, request: httpx2.Request) -> httpx2.Response:
            for attempt in range(ATTEMPTS):
                wait = 0.5 * 2**attempt
                try:
                    answer = super().handle_request(request)
                    answer.read()  # files come in pieces of a few MB; a connection that dies in one does so here
                    if answer.status_code not in BUSY or attempt == ATTEMPTS - 1:
                        return answer
                    asked = retry_after(answer.headers)
                    wait = wait if asked is None else asked
                    answer.close()
                except httpx2.TransportError as error:
                    # No connection at all is no bad luck: the network is away, or a server that only counts is.
                    if attempt == ATTEMPTS - 1 or isinstance(error, httpx2.ConnectError):
                        raise
                time.sleep(min(300.0, wait))
            raise AssertionError("the last attempt returns or raises")

    huggingface_hub.set_client_factory(
        lambda: httpx2.Client(transport=Patient(), follow_redirects=True, timeout=httpx2.Timeout(60, read=120))
    )
