"""Kill the pipeline with kill -9 at random moments, go on each time, and compare the end with an undisturbed run's.

`python -m tests.drill` uses the tiny trio, `--default` the real corpus and model (hours). A run goes on as `make repro`
does: a lock file that was cut off is mended, then `dvc repro`. When a run gets to its end before it is killed, all
that it made is removed, and the next one begins from nothing. Half of the moments are drawn from the time that a run
takes, half from the second in which DVC keeps what a stage has made, as a run is in a stage nearly always.
"""

import argparse
import hashlib
import os
import random
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

import psutil

from crosswiki.pipeline.forks import warm_python
from crosswiki.pipeline.locks import mend_locks
from crosswiki.pipeline.outputs import remove
from crosswiki.pipeline.tracking import MLFLOW_DEFAULTS
from tests.tiny import ROOT, clean_environment, clone, run

MADE = ("metrics", "dvc.lock", ".checkpoints", ".dvc/cache", ".dvc/tmp")  # and what is in data/ and models/
KEPT = (".git", ".dvc", "mlruns", "mlflow.db", ".mlflow.lock")  # git's and DVC's, and what changes from run to run
ONE_THREAD_OFFLINE = ("OMP_NUM_THREADS", "HF_HUB_OFFLINE")  # which tests set


@dataclass
class Drill:
    """A project, and what was seen of it."""

    folder: Path
    environment: Mapping[str, str]
    longest: float  # seconds until a run is killed, at most
    generator: random.Random
    kills: int = 0
    mended: int = 0
    ends: int = 0

    def go_on(self, *, disturbed: bool = True) -> bool:
        """Run the pipeline; whether it got to its end before it was killed."""
        for line in mend_locks(self.folder):
            self.mended += 1
            print(f"drill: {line}", file=sys.stderr)
        with tempfile.NamedTemporaryFile("w+") as said:
            dvc = subprocess.Popen(
                ["dvc", "repro"],
                cwd=self.folder,
                env=dict(self.environment),
                stdout=said,
                stderr=said,
                start_new_session=True,
            )
            try:
                status = dvc.wait(self._moment(Path(said.name), dvc) if disturbed else None)
            except subprocess.TimeoutExpired:
                self._kill(dvc)
                last = Path(said.name).read_text().split("\n\n")[-1].strip().partition("\n")[0]
                print(f"drill: kill {self.kills}: {last or 'DVC starts'}", file=sys.stderr)
                return False
            if status:
                raise SystemExit(
                    f"drill: after {self.kills} kills dvc repro ends with {status}:\n{Path(said.name).read_text()}"
                )
        self.ends += 1
        return True

    def _moment(self, said: Path, dvc: "subprocess.Popen[bytes]") -> float:
        """Seconds until the kill; if DVC shall be hit while it writes, wait until it does."""
        if self.generator.random() < 0.5:
            return self.generator.uniform(0, self.longest)
        stages, seconds = self.generator.randint(1, 3), self.generator.uniform(0, 1)
        while said.read_text().count("Updating lock file") < stages and dvc.poll() is None:
            time.sleep(0.01)
        return seconds

    def _kill(self, dvc: "subprocess.Popen[bytes]") -> None:
        """Kill DVC and all that it started at once, then the forks that stand for its stages."""
        os.killpg(dvc.pid, signal.SIGKILL)
        dvc.wait()
        quiet = 0
        while quiet < 3:  # a fork that was asked for just before comes a moment later
            stages = [process for process in psutil.Process().children(recursive=True) if _is_fork(process)]
            for stage in stages:
                with suppress(psutil.NoSuchProcess):
                    stage.kill()
            psutil.wait_procs(stages, timeout=30)
            quiet = 0 if stages else quiet + 1
            time.sleep(0.1)
        self.kills += 1

    def forget(self) -> None:
        """Remove all that a run has made, DVC's cache too."""
        kept = [self.folder / name for name in ("data/corpora", "models/tiny")]
        for path in [*self.folder.glob("data/*"), *self.folder.glob("models/*"), *map(self.folder.joinpath, MADE)]:
            if path not in kept:
                remove(path)
        run(self.folder, "git", "checkout", "-q", "--", ".")


def _is_fork(process: psutil.Process) -> bool:
    """Whether a process stands for a stage: see crosswiki/pipeline/forks.py."""
    with suppress(psutil.NoSuchProcess):
        return process.ppid() != os.getpid() and process.status() != psutil.STATUS_ZOMBIE
    return False


def results(folder: Path) -> dict[str, str]:
    """A digest of each file, but for what changes from run to run, and for the empty files of locks."""
    files = (path for path in sorted(folder.rglob("*")) if path.is_file() and "__pycache__" not in path.parts)
    names = ((path, path.relative_to(folder)) for path in files)
    others = ((path, name) for path, name in names if not name.parts[0].startswith(KEPT))
    return {str(name): _md5(path) for path, name in others if name.suffix != ".lock" or path.stat().st_size}


def spoilt(folder: Path) -> list[str]:
    """Files of DVC's cache whose content is not what their name says."""
    cache = folder / ".dvc/cache/files/md5"
    found = (path for path in cache.glob("??/*") if path.parent.name + path.name.removesuffix(".dir") != _md5(path))
    return [str(path.relative_to(cache)) for path in found]


def _md5(path: Path) -> str:
    return hashlib.md5(path.read_bytes(), usedforsecurity=False).hexdigest()


@contextmanager
def drilled(default: bool) -> Iterator[tuple[Path, dict[str, str]]]:
    """A clone of the project, and the environment in which its DVC runs."""
    with tempfile.TemporaryDirectory(prefix="drill-") as name:
        folder = Path(name) / "crosswiki"
        settings = {"CROSSWIKI_QUIET": "1", **MLFLOW_DEFAULTS}
        if default:
            run(Path(name), "git", "clone", "--quiet", str(ROOT), str(folder))
            environment = clean_environment(**settings)
            yield folder, {key: value for key, value in environment.items() if key not in ONE_THREAD_OFFLINE}
        else:
            folder.mkdir()
            clone(folder)
            environment = clean_environment(**settings)
            with warm_python(Path(name) / "warm", environment, wait=True) as changes:
                yield folder, {**environment, **changes}


def drill(kills: int, seed: int, default: bool = False, longest: float | None = None) -> Drill:
    """Kill a run so often, and let it end.

    Raises:
        SystemExit: a run did not go on, or its end is another than an undisturbed run's.
    """
    with drilled(default) as (folder, environment):
        one = Drill(folder, environment, longest or 1.0, random.Random(seed))
        started = time.monotonic()
        one.go_on(disturbed=False)
        one.longest = longest or (time.monotonic() - started) / 3
        expected = results(folder)
        one.ends = 0
        one.forget()
        while one.kills < kills:
            if one.go_on():
                _compare(expected, folder, one.kills)
                one.forget()
        one.go_on(disturbed=False)
        _compare(expected, folder, one.kills)
    return one


def _compare(expected: Mapping[str, str], folder: Path, kills: int) -> None:
    found = results(folder)
    others = sorted(name for name in {*found, *expected} if found.get(name) != expected.get(name))
    if others or (others := spoilt(folder)):
        raise SystemExit(f"drill: after {kills} kills, not as an undisturbed run leaves it: {', '.join(others[:5])}")


def main() -> None:
    """Print what was seen, in a line."""
    parser = argparse.ArgumentParser("python -m tests.drill", description=__doc__)
    parser.add_argument("--kills", type=int, help="how often (default: 100, or 10 with --default)")
    parser.add_argument("--seed", type=int, default=1, help="of the moments (default: 1)")
    parser.add_argument("--longest", type=float, help="seconds until a kill, at most (default: a third of a whole run)")
    parser.add_argument("--default", action="store_true", help="the default corpus and model, not the tiny trio")
    arguments = parser.parse_args()
    kills, started = arguments.kills or (10 if arguments.default else 100), time.monotonic()
    seen = drill(kills, arguments.seed, arguments.default, arguments.longest)
    print(
        f"drill: {seen.kills} kills, {seen.ends} runs to the end, each with the files of an undisturbed run, dvc.lock "
        f"among them; {seen.mended} lock files mended; {time.monotonic() - started:.0f} s"
    )


if __name__ == "__main__":
    sys.exit(main())
