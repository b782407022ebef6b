"""docs/team.md with real servers: PostgreSQL, MLflow's and SSH's, in a folder of their own, ended after the tests.

Every command of the document is run, with other places and ports.
"""

import os
import re
import shlex
import shutil
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from getpass import getuser
from importlib.metadata import version
from pathlib import Path

import pytest

from tests.documents import Document
from tests.servers import ask, free_port, server
from tests.tiny import ROOT, STAGES, clean_environment, results_alone, run, stages_made

pytestmark = [pytest.mark.services, pytest.mark.timeout(1800)]  # the first test may have to make the finished clone
TEAM = Document(Path("docs/team.md"))
CHAPTERS = re.split(r"^## \d\. ", TEAM.text, flags=re.MULTILINE)[1:]
PROGRAMS, SERVER, RUNS, PUSH, PULL, EXPERIMENT = (
    [
        line
        for block in re.findall(r"^```sh\n(.*?)^```", chapter, re.MULTILINE | re.DOTALL)
        for line in block.splitlines()
    ]
    for chapter in CHAPTERS[:6]
)
AS_POSTGRES = ("runuser", "-u", "postgres", "--")  # it refuses to run as root
SSHD = Path("/usr/sbin/sshd")
SSHD_CONFIG = """
Port {port}
ListenAddress 127.0.0.1
HostKey {folder}/host_key
AuthorizedKeysFile {folder}/id_ed25519.pub
PidFile none
UsePAM no
StrictModes no
PasswordAuthentication no
PermitRootLogin prohibit-password
Subsystem sftp internal-sftp
"""
STEPS = 2500  # more than MLflow takes in one call
RECORDED = ("prepare@source", "prepare@target", "skipgram@target")
# What a worker records, before it registers the classifier: its stages, one after the other.
WORKER = """
import sys
from crosswiki.pipeline.tracking import tracked
for name in sys.argv[2:]:
    stage, role = name.split("@")
    with tracked(stage, role=role, params={"steps": int(sys.argv[1])}, everything={"corpus": "trio"}) as run:
        for step in range(int(sys.argv[1])):
            run.metrics({"loss": 1 / (step + 1)}, step=step)
"""


@dataclass(frozen=True)
class Server:
    """The server of the document, played by a folder of this machine."""

    folder: Path
    mlflow: int  # ports
    tunnel: int

    @property
    def environment(self) -> dict[str, str]:
        """Where this server's programs find PostgreSQL, and SSH its keys."""
        path = os.pathsep.join([str(self.folder / "bin"), str(Path(sys.executable).parent), os.environ["PATH"]])
        return {"PGHOST": str(self.folder / "postgres"), "HOME": str(self.folder), "PATH": path}

    def line(self, command: str) -> str:
        """A command of the document with this server's places and ports."""
        instead = {
            "<user>": getuser(),
            "<server>": "127.0.0.1",
            "<name>": "wording",
            "<folder>": f"{self.folder}/kept",
            "<mounted folder>": f"{self.folder}/mounted",
            "5000:127.0.0.1:5000": f"{self.tunnel}:127.0.0.1:{self.mlflow}",
            "--port 5000": f"--port {self.mlflow}",
            "//127.0.0.1:5000": f"//127.0.0.1:{self.tunnel}",
            "make team": "make --old-file=.venv/ready-team team",  # in the environment that the tests run in
            "mlflow server": "exec mlflow server",
            "ssh -N": "exec ssh -N",
        }
        for words, other in instead.items():
            command = command.replace(words, other)
        return command


def postgres_programs() -> Path | None:
    """The folder of the newest PostgreSQL's programs."""
    found = Path("/usr/lib/postgresql").glob("*/bin/initdb")
    return max((path.parent for path in found), key=lambda path: float(path.parent.name), default=None)


@pytest.fixture(scope="module")
def programs() -> Path:
    """Debian's packages and those of `make team`; the folder of PostgreSQL's programs."""
    install, make = PROGRAMS
    if os.geteuid() != 0:
        pytest.fail("PostgreSQL is started as a user of its own, which root alone may do")
    if not (SSHD.exists() and postgres_programs()):
        if not shutil.which("apt-get"):
            pytest.fail(f"PostgreSQL or the SSH server is missing; on Debian: {install}")
        options = "apt-get install --yes --no-install-recommends --quiet --quiet"
        run(ROOT, "apt-get", "update", "--quiet", "--quiet")
        run(ROOT, *install.replace("apt-get install", options).split(), DEBIAN_FRONTEND="noninteractive")
    assert "requirements-team.txt" in run(ROOT, "make", "--always-make", "--dry-run", *make.split()[1:]).stdout
    pins = (line for line in (ROOT / "requirements-team.txt").read_text().splitlines() if not line.startswith("#"))
    for name, _, pin in (line.partition("==") for line in pins):
        assert version(name) == pin, f"{name}: make team"
    found = postgres_programs()
    assert found is not None
    return found


@contextmanager
def postgres(programs: Path, folder: Path) -> Iterator[None]:
    """PostgreSQL in a folder, which listens to a socket there, and knows accounts as Debian's does."""
    folder.mkdir()
    shutil.chown(folder, "postgres")
    control = (*AS_POSTGRES, f"{programs}/pg_ctl", "--pgdata", f"{folder}/data", "--silent", "--wait")
    accounts = ("--auth-local=peer", "--auth-host=reject")
    run(folder, *AS_POSTGRES, f"{programs}/initdb", "--pgdata", f"{folder}/data", *accounts)
    settings = f"-c listen_addresses= -c unix_socket_directories={folder}"
    run(folder, *control, "--log", f"{folder}/log", "--options", settings, "start")
    try:
        yield
    finally:
        run(folder, *control, "--mode", "fast", "stop")


@contextmanager
def ssh(folder: Path) -> Iterator[None]:
    """An SSH server with a key of its own, and what a person has in ~/.ssh to reach it as `team`."""
    port = free_port()
    for name in ("host_key", "id_ed25519"):
        run(folder, "ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", name)
    (folder / "sshd_config").write_text(SSHD_CONFIG.format(port=port, folder=folder))
    (folder / "known_hosts").write_text(f"[127.0.0.1]:{port} {(folder / 'host_key.pub').read_text()}")
    (folder / ".ssh").mkdir()
    [block] = TEAM.blocks("text")
    own = (f"Port {port}", f"IdentityFile {folder}/id_ed25519", f"UserKnownHostsFile {folder}/known_hosts")
    config = Server(folder, 0, 0).line(block) + "".join(f"    {line}\n" for line in own)
    (folder / ".ssh" / "config").write_text(config)
    (folder / "bin").mkdir()
    client = folder / "bin" / "ssh"  # OpenSSH's takes the home from the system's list of users, and not from HOME
    client.write_text(f'#!/bin/sh\nexec {shutil.which("ssh")} -o BatchMode=yes -F {folder}/.ssh/config "$@"\n')
    client.chmod(0o755)
    Path("/run/sshd").mkdir(exist_ok=True)  # as Debian's service makes it
    with server(folder, f"exec {SSHD} -D -e -f {folder}/sshd_config"):
        wait_for(port)
        yield


def wait_for(port: int) -> None:
    end = time.monotonic() + 120
    while True:
        try:
            socket.create_connection(("127.0.0.1", port), timeout=5).close()
        except OSError:
            if time.monotonic() > end:
                raise
            time.sleep(0.1)
        else:
            return


@pytest.fixture(scope="module")
def team(programs: Path) -> Iterator[Server]:
    """The server as the document sets it up, and the tunnel to it."""
    *as_root, serve = SERVER
    folder = Path(tempfile.mkdtemp(prefix="team"))  # not pytest's, which PostgreSQL's user may not enter
    folder.chmod(0o755)
    here = Server(folder, free_port(), free_port())
    logs = [folder / name for name in ("mlflow", "tunnel")]
    for log in logs:
        log.mkdir()
    try:
        with postgres(programs, folder / "postgres"), ssh(folder):
            for command in as_root:
                run(folder, "bash", "-ec", here.line(command), **here.environment)
            tunnel = next(line for line in RUNS if line.startswith("ssh "))
            with (
                server(logs[0], here.line(serve), **here.environment),
                server(logs[1], here.line(tunnel), **here.environment),
            ):
                wait_for(here.tunnel)
                assert ask(f"http://127.0.0.1:{here.tunnel}/health", patience=300) == 200
                yield here
    finally:
        shutil.rmtree(folder)


def test_two_machines_record_at_once(team: Server, finished: Path, tmp_path: Path) -> None:
    """Both record stages of 2,500 points each, then register the same classifier; all of it is there afterwards."""
    from mlflow import MlflowClient

    exports = [team.line(line) for line in RUNS if line.startswith("export ")]
    record = f"python worker.py {STEPS} {' '.join(RECORDED)}"
    script = "\n".join([*exports, record, "python -m stages.register"])
    workers = {}
    for name in ("alice", "bob"):
        clone = results_alone(finished, tmp_path / name)
        (clone / "worker.py").write_text(WORKER)
        settings = {"DVC_ROOT": str(clone), "DVC_EXP_NAME": name, "DVC_EXP_BASELINE_REV": "c" * 40}
        variables = clean_environment(**team.environment, **settings, PYTHONPATH=str(clone))
        pipe = subprocess.PIPE
        command = ["bash", "-ec", script]
        workers[name] = subprocess.Popen(command, cwd=clone, env=variables, stdout=pipe, stderr=pipe, text=True)
    answers = {name: worker.communicate() for name, worker in workers.items()}
    for name, (out, error) in answers.items():
        assert workers[name].returncode == 0, out + error
        assert "tracking:" not in error, error

    client = MlflowClient(f"http://127.0.0.1:{team.tunnel}")
    experiment = client.get_experiment_by_name("crosswiki")
    assert experiment is not None
    found = client.search_runs([experiment.experiment_id])
    parents = {one.info.run_name: one for one in found if "mlflow.parentRunId" not in one.data.tags}
    assert len(found) == 2 * (1 + len(RECORDED) + 1)
    assert sorted(parents) == ["alice", "bob"]
    assert {one.info.status for one in found} == {"FINISHED"}
    expected = [(step, 1 / (step + 1)) for step in range(STEPS)]
    for parent in parents.values():
        below = [one for one in found if one.data.tags.get("mlflow.parentRunId") == parent.info.run_id]
        assert sorted(str(one.data.tags["stage"]) for one in below) == ["prepare", "prepare", "register", "skipgram"]
        for one in below:
            if one.data.tags["stage"] != "register":
                points = client.get_metric_history(one.info.run_id, "loss")
                assert sorted((point.step, point.value) for point in points) == expected
        assert parent.data.metrics["evaluation.target.finetuned.accuracy"] >= 0
        kept = client.download_artifacts(parent.info.run_id, "environment/requirements.txt", str(tmp_path))
        assert f"mlflow=={version('mlflow')}" in Path(kept).read_text()

    query = "SELECT count(*) FROM metrics WHERE key = 'loss'"
    counted = run(tmp_path, "psql", "-d", "crosswiki", "-At", "-c", query, **team.environment).stdout
    assert int(counted) == 2 * len(RECORDED) * STEPS  # in PostgreSQL itself

    champion = client.get_model_version_by_alias("crosswiki-zh", "champion")
    assert champion.run_id in {parent.info.run_id for parent in parents.values()}
    text = "长江是中国最长的河流。"
    command = "crosswiki predict --model models:/crosswiki-zh@champion"
    assert command in {f"{code.replace('-fr@', '-zh@')}" for code in TEAM.code()}
    script = "\n".join([*exports, f"{command} {shlex.quote(text)}"])
    clone = tmp_path / "alice"
    assert run(clone, "bash", "-ec", script, **team.environment).stdout.strip()


def pushed_and_pulled(team: Server, finished: Path, folder: Path, place: str) -> tuple[Path, Path]:
    """A finished clone that has pushed its results to a place, and another one that has pulled them."""
    first = Path(shutil.copytree(finished, folder / "first", symlinks=True))
    origin = folder / "origin.git"
    run(folder, "git", "clone", "--quiet", "--bare", str(first), str(origin))
    run(first, "git", "remote", "add", "origin", str(origin))
    run(first, "git", "push", "--quiet", "--set-upstream", "origin", "HEAD")
    remotes = [line for line in PUSH if line.startswith("dvc remote ")]
    assert len(remotes) == 2
    for command in (line for line in PUSH if line not in remotes or place in line):
        run(first, "bash", "-ec", team.line(command), **team.environment)
    clone, pull, _ = PULL
    run(folder, "bash", "-ec", clone.replace("<this repository>", str(origin)))
    second = folder / "crosswiki"
    assert not (second / "models").exists()
    run(second, "bash", "-ec", team.line(pull), **team.environment)
    return first, second


def assert_nothing_runs(team: Server, clone: Path) -> None:
    """`dvc repro` with a `python` that notes that it was started, and fails."""
    witness = clone.parent / "programs"
    witness.mkdir()
    (witness / "python").write_text(f'#!/bin/sh\necho "$@" >> {witness}/runs\nexit 1\n')
    (witness / "python").chmod(0o755)
    path = os.pathsep.join([str(witness), team.environment["PATH"]])
    said = run(clone, "bash", "-ec", PULL[-1], **{**team.environment, "PATH": path}).stdout
    assert said.count("didn't change, skipping") == len(STAGES), said
    assert not (witness / "runs").exists()


@pytest.mark.parametrize(
    ("place", "files"), [("ssh://", "kept/results"), ("<mounted", "mounted")], ids=["ssh", "folder"]
)
def test_another_machine_runs_nothing(team: Server, finished: Path, tmp_path: Path, place: str, files: str) -> None:
    first, second = pushed_and_pulled(team, finished, tmp_path, place)
    kept = [path for path in (team.folder / files).rglob("*") if path.is_file()]
    assert len(kept) > len(STAGES)
    assert len([path for path in kept if "runs" in path.parts]) >= len(STAGES)  # the run-cache
    for name in ("models/target/model.safetensors", "data/prepared/test/articles.parquet", "metrics/report.html"):
        assert (second / name).read_bytes() == (first / name).read_bytes()
    assert_nothing_runs(team, second)
    assert run(second, "git", "status", "--porcelain").stdout == ""


def test_an_experiment_goes_to_another_machine(team: Server, finished: Path, tmp_path: Path) -> None:
    """A change of the report's code, since the report is quickly made."""
    first, second = pushed_and_pulled(team, finished, tmp_path, "ssh://")
    before = (second / "metrics/report.html").read_bytes()
    template = first / "crosswiki/reporting/page.html.jinja"
    template.write_text(template.read_text(encoding="utf-8").replace("<h2>Confusions</h2>", "<h2>Confused</h2>"))
    experiment = ("dvc", "exp", "run", "--name", "wording")
    said = run(first, *experiment, CROSSWIKI_TRACKING="off", **team.environment).stdout
    assert stages_made(said) == ["report"]
    push, pull = EXPERIMENT
    run(first, "bash", "-ec", team.line(push), **team.environment)
    run(second, "bash", "-ec", team.line(pull), **team.environment)
    after = (second / "metrics/report.html").read_bytes()
    assert after == (first / "metrics/report.html").read_bytes()
    assert (b"Confused" in after, b"Confused" in before) == (True, False)
    assert_nothing_runs(team, second)


def test_the_servers_options_for_a_private_network_are_mlflows() -> None:
    options = re.findall(r"`(--[\w-]+)[^`]*`", CHAPTERS[1])
    assert options == ["--host", "--allowed-hosts"]
    described = run(ROOT, "mlflow", "server", "--help").stdout
    assert all(re.search(rf"{option}\b", described) for option in options)


def test_each_command_of_the_document_is_run_above() -> None:
    assert [*PROGRAMS, *SERVER, *RUNS, *PUSH, *PULL, *EXPERIMENT] == TEAM.commands()
    assert {line.split()[0] for line in RUNS} == {"ssh", "export"}
