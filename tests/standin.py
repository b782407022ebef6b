"""A local server that stands in for Wikipedia's Action API, the Hugging Face hub and a dump server.

It answers as their documentation says, for the articles of the tiny trio: continuation, redirects, normalised titles,
errors inside a reply of status 200, Range and If-Range. Asked to fail, every n-th request meets one of the troubles
that the real ones have.
"""

import hashlib
import io
import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from itertools import cycle
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit

import pyarrow
import pyarrow.parquet

TRIO = Path(__file__).parent / "trio"
TROUBLES = ("500", "429", "html", "cut", "maxlag", "503")
COMMIT = "b04c8d1ceb2f5cd4588862100d08de323dccfbaa"
LIST = "Vital articles/Level 4"
PAGES = {  # of the list, by the trio's topic
    "Biology": "Biology and health sciences",
    "Geography": "Geography",
    "History": "History",
    "Technology": "Technology",
}


def trio(language: str) -> list[dict[str, Any]]:
    """A language's articles, each with its number and Wikidata item."""
    lines = (TRIO / f"{language}.jsonl").read_text(encoding="utf-8").splitlines()
    rows = [json.loads(line) for line in lines]
    return [{**row, "number": 100 + place, "item": item_of(row["concept"])} for place, row in enumerate(rows)]


def item_of(concept: str) -> str:
    return "Q" + str(int(hashlib.sha256(concept.encode()).hexdigest()[:6], 16))


class Standin:
    """What the server knows, what it was asked, and how often it fails."""

    def __init__(self, files: dict[str, bytes] | None = None, fail_every: int = 0, only: str = "") -> None:
        self.files = files or {}
        self.fail_every = fail_every
        self.troubles = cycle((only,) if only else TROUBLES)
        self.asked: list[str] = []
        self.lock = threading.Lock()
        self.articles = {language: trio(language) for language in ("en", "zh", "ru")}
        for language, rows in self.articles.items():
            for shard, some in enumerate((rows[::2], rows[1::2])):
                buffer = io.BytesIO()
                columns = {
                    "id": [str(row["number"]) for row in some],
                    "url": ["" for _ in some],
                    "title": [row["title"] for row in some],
                    "text": [row["text"] for row in some],
                }
                pyarrow.parquet.write_table(pyarrow.table(columns), buffer)
                self.files[f"20231101.{language}/train-{shard:05d}-of-00002.parquet"] = buffer.getvalue()
        configs = "".join(
            f"- config_name: 20231101.{language}\n  data_files:\n"
            f"  - split: train\n    path: 20231101.{language}/train-*\n"
            for language in self.articles
        )
        self.files["README.md"] = f"---\nconfigs:\n{configs}---\n".encode()

    def trouble(self, path: str) -> str | None:
        with self.lock:
            self.asked.append(path)
            return next(self.troubles) if self.fail_every and len(self.asked) % self.fail_every == 0 else None

    # ------------------------------------------------------------------------------------------- the Action API

    def action(self, language: str, asked: dict[str, str]) -> dict[str, Any]:
        """Answer an Action API query, formatversion 2."""
        if asked.get("action") != "query" or asked.get("formatversion") != "2":
            return {"error": {"code": "badvalue", "info": "Unrecognized value for parameter"}}
        if asked.get("list") == "allpages":
            names = [f"Wikipedia:{LIST}/{name}" for name in [*sorted(PAGES.values()), "Removed"]]
            start = int(asked.get("apcontinue", "0"))
            pages = [{"pageid": 9000 + i, "ns": 4, "title": name} for i, name in enumerate(names)]
            more = {"continue": {"apcontinue": str(start + 2), "continue": "-||"}} if start + 2 < len(pages) else {}
            return {**more, "query": {"allpages": pages[start : start + 2]}}
        titles = asked["titles"].split("|")
        if len(titles) > 50:
            return {"error": {"code": "toomanyvalues", "info": "Too many values supplied"}}
        if asked["prop"] == "links":
            return self._links(titles, int(asked.get("plcontinue", "0")))
        return self._pages(language, asked, titles)

    def _links(self, titles: list[str], start: int) -> dict[str, Any]:
        every = [
            (title, row["title"])
            for title in titles
            for row in self.articles["en"]
            if row["topic"] and title.endswith("/" + PAGES[row["topic"]])
        ]
        pages = [
            {
                "ns": 4,
                "title": title,
                "links": [{"ns": 0, "title": t} for o, t in every[start : start + 7] if o == title],
            }
            for title in titles
        ]
        more = {"continue": {"plcontinue": str(start + 7), "continue": "||"}} if start + 7 < len(every) else {}
        return {**more, "query": {"pages": pages}}

    def _pages(self, language: str, asked: dict[str, str], titles: list[str]) -> dict[str, Any]:
        known = {row["title"]: row for row in self.articles[language]}
        pages: list[dict[str, Any]] = []
        for title in titles:
            row = known.get(title)
            if row is None:
                pages.append({"ns": 0, "title": title, "missing": True})
                continue
            page: dict[str, Any] = {"pageid": row["number"], "ns": 0, "title": title}
            if "pageprops" in asked["prop"]:
                page["pageprops"] = {"wikibase_item": row["item"]}
            if "langlinks" in asked["prop"]:
                other = [o["title"] for o in self.articles[asked["lllang"]] if o["concept"] == row["concept"]]
                page["langlinks"] = [{"lang": asked["lllang"], "title": title} for title in other]
            if "extracts" in asked["prop"]:
                page["extract"] = row["text"]
            pages.append(page)
        return {"batchcomplete": True, "query": {"pages": pages}}

    # ---------------------------------------------------------------------------------------------------- the hub

    def hub(self, path: str, body: dict[str, list[str]]) -> Any:
        """Answer the hub's API: what a data set is, and which files it has."""
        names = [name for name in self.files if name == "README.md" or name.startswith("20231101.")]
        if "/tree/" in path:
            folder = unquote(path.partition("/tree/")[2].partition("/")[2])
            if folder:
                return [self._entry(name) for name in names if name.startswith(folder + "/")]
            folders = sorted({name.partition("/")[0] for name in names if "/" in name})
            return [self._entry("README.md")] + [
                {"type": "directory", "path": folder, "oid": "0" * 40, "size": 0} for folder in folders
            ]
        if "/paths-info/" in path:
            return [self._entry(name) for name in names if name in body.get("paths", [])] + [
                {"type": "directory", "path": p, "oid": "0" * 40, "size": 0}
                for p in body.get("paths", [])
                if any(name.startswith(p + "/") for name in names)
            ]
        return {
            "_id": "1",
            "id": "wikimedia/wikipedia",
            "sha": COMMIT,
            "private": False,
            "gated": False,
            "disabled": False,
            "tags": [],
            "downloads": 0,
            "likes": 0,
            "siblings": [{"rfilename": name} for name in names],
        }

    def _entry(self, name: str) -> dict[str, Any]:
        content = self.files[name]
        return {"type": "file", "path": name, "oid": hashlib.sha1(content).hexdigest(), "size": len(content)}  # noqa: S324


@contextmanager
def serving(standin: Standin) -> Iterator[str]:
    """Serve on a free port of this machine, and yield the address."""

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            trouble = standin.trouble(self.path)
            if trouble in ("500", "503", "429"):
                self.answer(b"busy", int(trouble), {"Retry-After": "0"})
                return
            if self.path == "/loop":
                self.answer(b"", 302, {"Location": "/loop"})
                return
            where = urlsplit(self.path)
            asked = {key: values[0] for key, values in parse_qs(where.query).items()}
            if where.path.endswith("/api.php"):
                if trouble == "maxlag":
                    lag = {"error": {"code": "maxlag", "info": "Waiting for a database server: 6 seconds lagged"}}
                    self.answer(json.dumps(lag).encode(), headers={"Retry-After": "0"})
                elif trouble == "html":
                    self.answer(b"<html>Our servers are busy</html>", kind="text/html")
                else:
                    reply = json.dumps(standin.action(where.path.split("/")[1], asked)).encode()
                    self.answer(reply, cut=trouble == "cut")
            elif where.path.startswith("/api/"):
                self.answer(json.dumps(standin.hub(where.path, self.body())).encode(), cut=trouble is not None)
            else:
                name = unquote(
                    where.path.partition(f"/resolve/{COMMIT}/")[2] or where.path.partition("/resolve/main/")[2]
                )
                content = standin.files.get(name or where.path.lstrip("/"))
                if content is None:
                    self.answer(b"no such file", 404, {"X-Error-Code": "EntryNotFound"} if name else {})
                else:
                    self.file(content, cut=trouble in ("cut", "html", "maxlag"))

        do_HEAD = do_POST = do_GET

        def body(self) -> dict[str, list[str]]:
            raw = self.rfile.read(int(self.headers.get("Content-Length") or 0)).decode()
            return json.loads(raw) if raw.startswith("{") else parse_qs(raw)

        def file(self, content: bytes, cut: bool) -> None:
            tag = f'"{hashlib.sha256(content).hexdigest()[:16]}"'
            headers = {"ETag": tag, "X-Repo-Commit": COMMIT, "Accept-Ranges": "bytes"}
            wanted = self.headers.get("Range")
            if wanted and self.headers.get("If-Range") in (None, tag):
                first, _, last = wanted.removeprefix("bytes=").partition("-")
                start, end = int(first), min(int(last or len(content) - 1), len(content) - 1)
                if start >= len(content):
                    self.answer(b"", 416, {"Content-Range": f"bytes */{len(content)}"})
                    return
                headers["Content-Range"] = f"bytes {start}-{end}/{len(content)}"
                self.answer(content[start : end + 1], 206, headers, "application/octet-stream", cut)
            else:
                self.answer(content, 200, headers, "application/octet-stream", cut)

        def answer(
            self,
            content: bytes,
            status: int = 200,
            headers: dict[str, str] | None = None,
            kind: str = "application/json",
            cut: bool = False,
        ) -> None:
            self.send_response(status)
            for key, value in {"Content-Type": kind, **(headers or {})}.items():
                self.send_header(key, value)
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            if self.command != "HEAD":
                self.wfile.write(content[: len(content) // 2] if cut else content)
            if cut:
                self.close_connection = True

        def log_message(self, *_: Any) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_address[1]}"
    finally:
        server.shutdown()
        server.server_close()
