"""What a worker that a document has taken over can still do: nothing that it has no need of."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from gradio_app.base.errors import TaskTimeout
from gradio_app.machine import sandbox
from gradio_app.workers.pool import WorkerPool
from tests.documents import paper_pdf
from tests.live import ROOT, LiveServer

pytestmark = [pytest.mark.integration, pytest.mark.anyio]

PROBING = ROOT / "tests" / "fakes" / "probing_worker.py"
DENIED = ("EACCES", "EPERM")


@pytest.fixture(autouse=True)
def the_kernel_can() -> None:
    if missing := sandbox.missing():
        pytest.skip(f"this kernel has no {', no '.join(missing)}")


@pytest.fixture(autouse=True)
def probing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("gradio_app.workers.launch.PROGRAM", (str(PROBING),))


class Data:
    """A data folder and a home with something to steal in it."""

    def __init__(self, root: Path) -> None:
        self.run, self.tmp, self.sources = root / "data/run", root / "data/tmp", root / "data/sources"
        self.database, self.key = root / "data/queue.db", root / "home/.ssh/id_ed25519"
        for path in (self.run / "secret", self.sources / "abc", self.tmp / "job/document.pdf"):
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text("content")
        self.key.parent.mkdir(parents=True)
        for path in (self.database, self.key):
            path.write_text("secret")

    @asynccontextmanager
    async def pool(self, limit: int = 2**31, **how: Any) -> AsyncGenerator[WorkerPool]:
        made = WorkerPool(self.run, limit, reads=(self.sources, self.tmp), **how)
        try:
            yield made
        finally:
            await made.close()

    async def probe(self, pool: WorkerPool, attempts: dict[str, str], **how: Any) -> dict[str, Any]:
        return await pool.run("probe", {"attempts": attempts}, seconds=60, **how)


@pytest.fixture
def data(tmp_path: Path) -> Data:
    return Data(tmp_path)


async def test_files(data: Data, tmp_path: Path) -> None:
    neighbour = tmp_path / "data/run/worker-other"
    neighbour.mkdir()
    (neighbour / "page").write_text("of somebody else")
    forbidden = {
        "read the queue": f"open({str(data.database)!r})",
        "write the queue": f"open({str(data.database)!r}, 'r+')",
        "cut the queue": f"os.truncate({str(data.database)!r}, 0)",
        "delete the queue": f"os.unlink({str(data.database)!r})",
        "read the secret": f"open({str(data.run / 'secret')!r})",
        "read a key": f"open({str(data.key)!r})",
        "list a home": f"os.listdir({str(data.key.parent)!r})",
        "follow a link": f"os.symlink({str(data.key)!r}, 'link'); open('link')",
        "read passwords": "open('/etc/shadow')",
        "read another's": f"open({str(neighbour / 'page')!r})",
        "write an upload": f"open({str(data.sources / 'abc')!r}, 'a')",
        "delete an upload": f"os.unlink({str(data.sources / 'abc')!r})",
        "write to /tmp": "open('/tmp/probe', 'w')",
        "write our code": f"open({str(ROOT / 'gradio_app' / 'probe.py')!r}, 'w')",
        "write packages": f"open({sys.prefix + '/probe'!r}, 'w')",
        "make a device": "os.mknod('disk', 0o60600, os.makedev(7, 0))",
        "write beside an upload": f"open({str(data.tmp / 'job/out')!r}, 'w')",
        "write to the upload of its job": f"open({str(data.tmp / 'job/document.pdf')!r}, 'a')",
        "share memory": "open('/dev/shm/probe', 'w')",
        "look into the server": "open(f'/proc/{os.getppid()}/environ').read()",
        "write the server's memory": "open(f'/proc/{os.getppid()}/mem', 'r+b')",
        "end the server": f"os.kill(os.getppid(), {int(signal.SIGTERM)})",
        "ask whether it is there": "os.kill(os.getppid(), 0)",
    }
    allowed = {
        "an upload": f"result = open({str(data.sources / 'abc')!r}).read()",
        "its job": f"result = open({str(data.tmp / 'job/document.pdf')!r}).read()",
        "its home": "open('note', 'w').write(os.path.expanduser('~')); result = open('note').read()",
        "its folder": "import tempfile; result = os.path.dirname(tempfile.mkstemp()[1])",
        "threads": "import threading; t = threading.Thread(target=print); t.start(); t.join()",
        "nothing": "open('/dev/null', 'w').write('x')",
        "fonts": "result = os.path.isdir('/usr/share') and len(os.listdir('/usr/share')) > 0",
    }
    async with data.pool() as pool:
        met = await data.probe(pool, forbidden)
        assert {name: error for name, error in met.items() if error not in DENIED} == {}
        met = await data.probe(pool, allowed)
    home = met["its home"]
    assert home.startswith(f"{data.run}/worker-") and not home.startswith(str(neighbour))
    assert met == {
        "an upload": "content",
        "its job": "content",
        "its home": home,
        "its folder": f"{home}/job/tmp",
        "threads": "done",
        "nothing": "done",
        "fonts": True,
    }
    assert data.database.read_text() == "secret" and (data.sources / "abc").read_text() == "content"


SOCKETS = {
    "IPv4": "import socket; socket.socket()",
    "UDP": "import socket; socket.socket(type=socket.SOCK_DGRAM).sendto(b'x', ('127.0.0.1', 53))",
    "IPv6": "import socket; socket.socket(socket.AF_INET6)",
}
NEVER = {
    "raw packets": "import socket; socket.socket(socket.AF_PACKET, socket.SOCK_RAW)",
    "virtual machines": "import socket; socket.socket(socket.AF_VSOCK)",
    "local": "import socket; socket.socket(socket.AF_UNIX).connect('/run/docker.sock')",
    "log": "import socket; socket.socketpair(type=socket.SOCK_DGRAM)[0].sendto(b'x', '/dev/log')",
}


async def test_no_network_where_no_model_is_asked(data: Data) -> None:
    pair = {"pair": "import socket; a, b = socket.socketpair(); a.send(b'x'); result = len(b.recv(9))"}
    async with data.pool() as pool:
        met = await data.probe(pool, SOCKETS | NEVER | pair)
    assert met.pop("pair") == 1, "what Python's own loops wake themselves with"
    assert {name: error for name, error in met.items() if error not in DENIED} == {}


async def test_workers_that_ask_a_model_are_others(data: Data) -> None:
    with socket.create_server(("127.0.0.1", 0)) as model, socket.create_server(("127.0.0.1", 0)) as other:
        port, elsewhere = model.getsockname()[1], other.getsockname()[1]
        connect = {"model": f"import socket; socket.create_connection(('127.0.0.1', {port})).send(b'x')"}
        beyond = {
            "another port": f"import socket; socket.create_connection(('127.0.0.1', {elsewhere}))",
            "listen": "import socket; socket.create_server(('127.0.0.1', 0))",
            "UDP": SOCKETS["UDP"],
        }
        me = {"me": "result = os.getpid()"}
        server = f"http://127.0.0.1:{port}"
        async with data.pool() as pool:
            first = (await data.probe(pool, me))["me"]
            met = await data.probe(pool, connect | beyond | NEVER | me, server=server)
            assert met.pop("model") == "done"
            second = met.pop("me")
            assert {name: error for name, error in met.items() if error not in DENIED} == {}
            assert first != second
            assert (await data.probe(pool, me))["me"] == first, "each is used again for its kind"
            assert (await data.probe(pool, me, server=server))["me"] == second
            third = await data.probe(pool, me | connect, server=f"http://127.0.0.1:{elsewhere}")
            assert third["me"] not in (first, second) and third["model"] in DENIED
            names = {"name": "import socket; result = socket.getaddrinfo('localhost', 80)[0][4][1]"}
            assert (await data.probe(pool, names, server=f"http://localhost:{port}"))["name"] == 80
            key = {"key": f"open({str(data.key)!r})"}
            assert (await data.probe(pool, key, server=server))["key"] in DENIED


async def test_it_can_be_left_open(data: Data) -> None:
    """Where a driver cannot work so; the limits stay."""
    attempts = {"key": f"open({str(data.key)!r})", "socket": SOCKETS["IPv4"]}
    core = {"core": "import resource; result = resource.getrlimit(resource.RLIMIT_CORE)"}
    async with data.pool(confined="off") as pool:
        met = await data.probe(pool, attempts | core)
    assert met == {"key": "done", "socket": "done", "core": [0, 0]}


@pytest.mark.parametrize("setting", ["model_dir", "builtin_models"])
async def test_weights_that_are_links_to_another_disk(data: Data, tmp_path: Path, setting: str) -> None:
    weights, disk = tmp_path / "models", tmp_path / "disk/weights.onnx"
    for folder in (weights / "small", disk.parent):
        folder.mkdir(parents=True)
    disk.write_text("numbers")
    (weights / "small/weights.onnx").symlink_to(disk)
    (weights / "small/circle").symlink_to(weights / "small")
    attempts = {
        "read": f"result = open({str(weights / 'small/weights.onnx')!r}).read()",
        "write": f"open({str(disk)!r}, 'a')",
        "lock": f"os.mkdir({str(weights / '.locks')!r})",
    }
    more: dict[str, Any] = {setting: str(weights)}
    async with data.pool(**more) as pool:
        met = await data.probe(pool, attempts)
    assert met["read"] == "numbers" and met["write"] in DENIED and met["lock"] in DENIED


async def test_limits(data: Data) -> None:
    attempts = {
        "file": "f = open('large', 'wb'); f.seek(400 << 20); f.write(b'x'); f.flush()",
        "core": "import resource; result = resource.getrlimit(resource.RLIMIT_CORE)",
        "powers": "result = [l for l in open('/proc/self/status') if l.startswith('CapEff')][0].split()[1]",
        "more": "import ctypes; result = ctypes.CDLL(None).prctl(39, 0, 0, 0, 0)",
    }
    async with data.pool(limit=300 << 20) as pool:
        met = await data.probe(pool, attempts)
        assert (met["file"], met["core"], met["more"]) == ("EFBIG", [0, 0], 1)
        assert int(met["powers"], 16) & ~0b100 == 0, "of root's powers only that to read files"
        with pytest.raises(TaskTimeout):
            await data.probe(pool, {"": f"os.kill(os.getpid(), {int(signal.SIGXCPU)})"})


def test_the_kernel_ends_a_job_that_runs_away(data: Data) -> None:
    """Also when nobody is there to do it: this one has no pool."""
    orders = {
        **{"memory": 0, "file": 0, "confined": "auto", "port": 0, "names": False},
        **{"reads": list[str]()},
    }
    job = {"fn": "probe", "args": {"attempts": {"": "while True: pass"}}, "seconds": 0}
    worker = subprocess.Popen(
        [sys.executable, str(PROBING), json.dumps(orders)],
        cwd=data.tmp,
        env={"PYTHONPATH": str(ROOT), "PATH": os.environ["PATH"]},
        stdin=subprocess.PIPE,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )
    assert worker.stdin is not None
    worker.stdin.write(json.dumps(job).encode() + b"\n")
    worker.stdin.flush()
    _, status, used = os.wait4(worker.pid, 0)  # the allowance ends it: this returns
    worker.returncode = os.waitstatus_to_exitcode(status)
    worker.stdin.close()
    assert worker.returncode == -signal.SIGXCPU
    assert used.ru_utime < 60


def descendants(pid: int) -> set[int]:
    """Live processes below one."""
    found, pending = set[int](), [pid]
    while pending:
        try:
            text = Path(f"/proc/{pending[-1]}/task/{pending.pop()}/children").read_text()
        except OSError:
            continue
        pending += (more := [int(child) for child in text.split()])
        found |= set(more)
    return found


SECRETS = {
    "MINERU_APP_TOKEN": "geheim-1",
    "MINERU_APP_SGLANG_API_KEY": "geheim-2",
    "MINERU_API_KEY": "geheim-3",
    "MINERU_VL_API_KEY": "geheim-4",
    "AWS_SECRET_ACCESS_KEY": "geheim-5",
    "OPENAI_API_KEY": "geheim-6",
    "HF_TOKEN": "geheim-7",
    "DATABASE_URL": "postgres://user:geheim-8@host/",
}


@pytest.mark.slow
def test_no_secrets_in_any_process_below_the_server(tmp_path: Path) -> None:
    with LiveServer(tmp_path / "data", env=SECRETS, token="geheim-1") as server:
        assert server.process is not None
        pid = server.process.pid
        assert b"geheim-1" in Path(f"/proc/{pid}/environ").read_bytes(), "the server itself has them"
        task_id = server.submit("paper.pdf", paper_pdf(30))
        seen = dict[int, bytes]()
        while server.task(task_id)["status"] not in ("completed", "failed"):
            for child in descendants(pid):
                try:
                    texts = [Path(f"/proc/{child}/{name}").read_bytes() for name in ("environ", "cmdline")]
                except OSError:
                    continue
                seen[child] = b"".join(texts)
        assert server.task(task_id)["status"] == "completed"
    workers = [text for text in seen.values() if b"gradio_app.workers.main" in text]
    assert workers
    assert [text for text in seen.values() if b"geheim" in text] == []


def test_a_kernel_without_these_locks_is_told_once(tmp_path: Path) -> None:
    """Stands for an old kernel: a filter that refuses Landlock, as containers have it."""
    script = (
        "import json; from gradio_app.machine import sandbox\n"
        "sandbox.landlock.version = lambda: 0\n"
        "print(json.dumps([sandbox.missing(), sandbox.confine([], [])]))"
    )
    done = subprocess.run([sys.executable, "-c", script], cwd=ROOT, capture_output=True, text=True)
    assert json.loads(done.stdout) == [["landlock"], ["seccomp"]], done.stderr
