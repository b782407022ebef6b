"""Requests that last: repeated with patience when a server is busy, continued where a connection died."""

import contextlib
import hashlib
import json
import os
import time
from collections.abc import Iterator, Mapping
from email.utils import parsedate_to_datetime
from pathlib import Path
from typing import Any

import requests
from tenacity import RetryCallState, Retrying, retry_if_exception_type, stop_after_attempt, wait_exponential_jitter
from tqdm import tqdm

from crosswiki.pipeline.errors import UserError
from crosswiki.pipeline.outputs import write_json

ATTEMPTS = int(os.environ.get("CROSSWIKI_ATTEMPTS", "8"))
USER_AGENT = "crosswiki/0.1 (research pipeline on Wikipedia text; python-requests)"
TIMEOUT = (10, 60)  # seconds to connect, and between two pieces of an answer
_CHUNK = 2**16  # what is lost of a connection that dies
BUSY = (408, 425, 429, 500, 502, 503, 504)


class _TryAgainError(Exception):
    """What may go well next time; `after` is how many seconds the server asks to wait."""

    def __init__(self, why: str, after: float | None = None) -> None:
        super().__init__(why)
        self.after = after


def _patience(state: RetryCallState) -> float:
    """As long as the server asks, or else twice as long each time."""
    error = state.outcome.exception() if state.outcome else None
    if isinstance(error, _TryAgainError) and error.after is not None:
        return min(error.after, 300)
    return wait_exponential_jitter(initial=0.5, max=60)(state)


def _attempts(url: str) -> Iterator[Any]:
    """Attempts at a request, for `with`; the last one's failure becomes one line."""
    retrying = Retrying(
        stop=stop_after_attempt(ATTEMPTS), wait=_patience, retry=retry_if_exception_type(_TryAgainError), reraise=True
    )
    try:
        yield from retrying
    except _TryAgainError as error:
        raise UserError(f"{url}: {error}, {ATTEMPTS} times: try again later; what has come is kept") from error


@contextlib.contextmanager
def _answer(url: str, session: requests.Session, **arguments: Any) -> Iterator[requests.Response]:
    """Open an answer whose status is good; what is not becomes _TryAgainError or a UserError."""
    try:
        with session.get(url, timeout=TIMEOUT, **arguments) as answer:
            if answer.status_code in BUSY:
                raise _TryAgainError(f"HTTP {answer.status_code}", retry_after(answer.headers))
            if answer.status_code >= 400 and answer.status_code != 416:
                hint = "check the address in the preset, its language and date"
                raise UserError(f"{answer.url}: HTTP {answer.status_code}: {hint}")
            yield answer
    except requests.TooManyRedirects as error:
        raise UserError(f"{url}: it redirects without end: check the address in the preset") from error
    except (requests.exceptions.InvalidURL, requests.exceptions.MissingSchema) as error:
        raise UserError(f"{url}: not an address ({error})") from error
    except requests.RequestException as error:
        raise _TryAgainError(f"the connection failed ({type(error).__name__})") from error


def retry_after(headers: Mapping[str, str]) -> float | None:
    """The seconds that a Retry-After header asks for, given as a number or as a date."""
    value = headers.get("Retry-After")
    if value is None:
        return None
    with contextlib.suppress(ValueError):
        return max(0.0, float(value))
    with contextlib.suppress(ValueError):
        return max(0.0, parsedate_to_datetime(value).timestamp() - time.time())
    return None


def session_of(agent: str) -> requests.Session:
    """A connection that stays open and says who asks."""
    session = requests.Session()
    session.headers["User-Agent"] = agent
    session.max_redirects = 10
    return session


def get_json(url: str, params: Mapping[str, str], session: requests.Session) -> Any:
    """Ask for JSON, and ask again while the answer is that the server is busy (MediaWiki's maxlag among them).

    Raises:
        UserError: the answer is an error, no JSON after several attempts, or the server stays away.
    """
    for attempt in _attempts(url):
        with attempt, _answer(url, session, params=params) as answer:
            try:
                value = answer.json()
            except ValueError as error:
                kind = answer.headers.get("Content-Type", "something")
                raise _TryAgainError(f"{kind.partition(';')[0]} instead of JSON") from error
            problem = value.get("error") if isinstance(value, dict) else None
            if problem and problem.get("code") in ("maxlag", "ratelimited", "readonly"):
                raise _TryAgainError(f"the server is busy ({problem['code']})", retry_after(answer.headers) or 5.0)
            if problem:
                raise UserError(f"{answer.url}: {problem.get('code')}: {problem.get('info')}")
            return value
    raise AssertionError("tenacity ends in an exception")


def cached_json(url: str, params: Mapping[str, str], session: requests.Session, cache: Path, pause: float) -> Any:
    """The same, out of the cache on disk if it is there; else asked for, `pause` seconds after the last request."""
    key = hashlib.sha256(json.dumps([url, sorted(params.items())]).encode()).hexdigest()
    path = cache / key[:2] / f"{key}.json"
    if path.is_file():
        with contextlib.suppress(ValueError):
            return json.loads(path.read_text(encoding="utf-8"))
    time.sleep(pause)
    value = get_json(url, params, session)
    write_json(path, value)
    return value


def fetch_file(url: str, path: Path, sha1: str | None = None) -> Path:
    """Fetch a file once; a connection that dies, or a run that is killed, goes on where it was (Range).

    Args:
        url: its address.
        path: where it is to stand.
        sha1: the digest that it must have, as dump servers publish it.

    Raises:
        UserError: it cannot be had, or it is another file.
    """
    if path.is_file():
        if sha1 and (found := file_sha1(path)) != sha1:
            raise UserError(f"{path}: its SHA-1 is {found}, {sha1} is expected: remove it, and it is fetched again")
        return path
    path.parent.mkdir(parents=True, exist_ok=True)
    partial, tag = path.with_name(f".{path.name}.partial"), path.with_name(f".{path.name}.etag.partial")
    session = session_of(USER_AGENT)
    with tqdm(desc=path.name, unit="B", unit_scale=True, disable=None, leave=False, dynamic_ncols=True) as bar:
        for attempt in _attempts(url):
            with attempt:
                _fetch_rest(url, partial, tag, session, bar)
    if sha1 and (found := file_sha1(partial)) != sha1:
        partial.unlink()
        raise UserError(f"{url}: its SHA-1 is {found}, {sha1} is expected: check it in the preset, then try again")
    partial.replace(path)
    tag.unlink(missing_ok=True)
    return path


def _fetch_rest(url: str, partial: Path, tag: Path, session: requests.Session, bar: "tqdm[Any]") -> None:
    start = partial.stat().st_size if partial.is_file() and tag.is_file() else 0
    headers = {"Accept-Encoding": "identity"}
    if start:
        # If-Range: when the file has become another meanwhile, the whole new one comes.
        headers |= {"Range": f"bytes={start}-", "If-Range": tag.read_text(encoding="utf-8")}
    with _answer(url, session, headers=headers, stream=True) as answer:
        if answer.status_code == 416:  # nothing is left, or what is here is longer than what is there
            if answer.headers.get("Content-Range") == f"bytes */{start}":
                return
            partial.unlink()
            raise _TryAgainError("the file has changed on the server")
        if answer.headers.get("Content-Type", "").startswith("text/html"):
            raise UserError(f"{answer.url}: a web page instead of a file: check the address in the preset")
        start = start if answer.status_code == 206 else 0
        length = int(answer.headers.get("Content-Length", 0))
        bar.total, bar.n = start + length or None, start
        tag.write_text(answer.headers.get("ETag") or answer.headers.get("Last-Modified") or "", encoding="utf-8")
        try:
            with partial.open("r+b" if start else "wb") as file:
                file.seek(start)
                for chunk in answer.iter_content(_CHUNK):
                    file.write(chunk)
                    bar.update(len(chunk))
                got = file.tell() - start
        except requests.RequestException:
            raise
        except OSError as error:
            raise UserError(f"{partial}: cannot be written ({error.strerror}): free some space") from error
        if length and got < length:
            raise _TryAgainError(f"the connection ended {length - got:,} bytes too soon")


def file_sha1(path: Path) -> str:
    """A file's SHA-1, 40 hexadecimal digits."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha1").hexdigest()
