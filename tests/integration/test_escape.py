"""Escapes that a document may try from a worker that it has taken over: each call, and each odd result."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from gradio_app.base.errors import AppError, DiskFull, FileTooLarge, WorkerCrashed
from gradio_app.machine import sandbox, seccomp
from gradio_app.workers.pool import WorkerPool
from tests.live import ROOT

pytestmark = [pytest.mark.integration, pytest.mark.anyio]

PROBING = ROOT / "tests" / "fakes" / "probing_worker.py"
CALL = (
    "import ctypes; c = ctypes.CDLL(None, use_errno=True); result = c.syscall({})\n"
    "if result == -1: raise OSError(ctypes.get_errno(), 'refused')"
)
HERE = os.uname().machine == "aarch64"


@pytest.fixture(autouse=True)
def probing(monkeypatch: pytest.MonkeyPatch) -> None:
    if missing := sandbox.missing():
        pytest.skip(f"this kernel has no {', no '.join(missing)}")
    monkeypatch.setattr("gradio_app.workers.launch.PROGRAM", (str(PROBING),))


async def tried(folder: Path, attempts: dict[str, str], **how: Any) -> dict[str, Any]:
    """The attempts of one worker: what each met."""
    pool = WorkerPool(folder / "run", 2**31, **{"reads": (folder,), **how})
    try:
        return await pool.run("probe", {"attempts": attempts}, seconds=60)
    finally:
        await pool.close()


async def test_every_forbidden_call_by_its_number(tmp_path: Path) -> None:
    numbers = {name: both[HERE] for name, both in seccomp.REFUSED.items() if both[HERE] >= 0}
    assert len(numbers) > 80
    met = await tried(tmp_path, {name: CALL.format(f"{n}, 0, 0, 0, 0") for name, n in numbers.items()})
    assert {name: error for name, error in met.items() if error != "EPERM"} == {}


@pytest.fixture
def neighbour() -> Any:
    """A process of the same user."""
    with subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE) as process:
        yield process
        process.kill()


async def test_nothing_of_other_processes_is_changed(
    tmp_path: Path, neighbour: subprocess.Popen[bytes]
) -> None:
    other = neighbour.pid
    niceness = os.getpriority(os.PRIO_PROCESS, other)
    met = await tried(
        tmp_path,
        {
            "stop it by a limit": f"import resource; resource.prlimit({other}, resource.RLIMIT_CPU, (1, 1))",
            "read its limits": f"import resource; resource.prlimit({other}, resource.RLIMIT_AS)",
            "nice": f"os.setpriority(os.PRIO_PROCESS, {other}, 19)",
            "nice of all of this user": "os.setpriority(os.PRIO_USER, 0, 19)",
            "one processor": f"os.sched_setaffinity({other}, [0])",
            "policy": f"os.sched_setscheduler({other}, os.SCHED_BATCH, os.sched_param(0))",
            "kill": f"os.kill({other}, {int(signal.SIGKILL)})",
            "kill all": f"os.kill(-1, {int(signal.SIGTERM)})",
            "ask for it": f"os.kill({other}, 0)",
            "by a descriptor": f"import signal; signal.pidfd_send_signal(os.pidfd_open({other}), 9)",
            "by a pipe": f"import fcntl; r, w = os.pipe(); fcntl.fcntl(r, fcntl.F_SETOWN, {other})",
            "its memory": f"open('/proc/{other}/mem', 'r+b')",
            "its limits in proc": f"open('/proc/{other}/oom_score_adj', 'w')",
            "watch its files": "import ctypes, fcntl; fcntl.fcntl(os.open('.', os.O_RDONLY), 1026, 0x3F)",
            "outlive the server": CALL.format(f"{167 if HERE else 157}, 1, 0, 0, 0, 0"),
        },
    )
    assert {name: error for name, error in met.items() if error not in ("EPERM", "EACCES")} == {}
    assert neighbour.poll() is None and os.getpriority(os.PRIO_PROCESS, other) == niceness


async def test_no_process_is_started_and_none_stays(tmp_path: Path) -> None:
    clone = {"x86_64": 56, "aarch64": 220}[os.uname().machine]
    met = await tried(
        tmp_path,
        {
            "fork": "os.fork()",
            "program": "import subprocess; subprocess.run(['/bin/true'])",
            "shell": "os.posix_spawn('/bin/sh', ['sh', '-c', 'true'], {})",
            "exec": "os.execv('/bin/true', ['true'])",
            "clone": CALL.format(f"{clone}, {int(signal.SIGCHLD)}, 0, 0, 0, 0"),
            "user namespace": CALL.format(f"{clone}, {0x10000000 | int(signal.SIGCHLD)}, 0, 0, 0, 0"),
            "a session of its own": "os.setsid()",
            "a group of its own": "os.setpgid(0, 0)",
            "from memory": "os.memfd_create('program')",
        },
    )
    assert {name: error for name, error in met.items() if error != "EPERM"} == {}
    met = await tried(tmp_path, {"clone3": CALL.format("435, 0, 0"), "spare": "result = os.nice(0)"})
    assert met["clone3"] == "ENOSYS" and isinstance(met["spare"], int)


async def test_metadata_of_files_stays(tmp_path: Path) -> None:
    upload = tmp_path / "upload"
    upload.write_text("x")
    upload.chmod(0o600)
    before = upload.stat()
    name = repr(str(upload))
    met = await tried(
        tmp_path,
        {
            "mode": f"os.chmod({name}, 0o4755)",
            "mode by descriptor": f"os.fchmod(os.open({name}, os.O_RDONLY), 0o666)",
            "owner": f"os.chown({name}, 12345, 12345)",
            "times": f"os.utime({name}, (1, 1))",
            "attribute": f"os.setxattr({name}, 'user.note', b'x')",
            "flags": f"import fcntl; fcntl.ioctl(os.open({name}, os.O_RDONLY), 0x40086602, b'\\0' * 8)",
            "seal": f"import fcntl; fcntl.ioctl(os.open({name}, os.O_RDONLY), 0x40806685, bytes(128))",
            "version": f"import fcntl; fcntl.ioctl(os.open({name}, os.O_RDONLY), 0x40087602, bytes(8))",
            "encrypt a folder": "import fcntl; fcntl.ioctl(os.open('job/tmp', 0), 0x800C6613, bytes(12))",
            "hard link": f"os.link({name}, 'mine')",
            "link": f"os.symlink({name}, 'mine')",
        },
    )
    assert {name: error for name, error in met.items() if error not in ("EPERM", "EACCES")} == {}
    after = upload.stat()
    assert (after.st_mode, after.st_mtime_ns, after.st_ctime_ns) == (
        before.st_mode,
        before.st_mtime_ns,
        before.st_ctime_ns,
    )


async def test_nobody_waits_for_a_file_that_it_may_read(tmp_path: Path) -> None:
    """A lease on an upload of somebody else would have each reader wait for 45 seconds, or fail."""
    upload = tmp_path / "upload"
    upload.write_text("of somebody else")
    hold = (
        f"import fcntl, signal; signal.signal(signal.SIGIO, signal.SIG_IGN); sys.held = open({str(upload)!r})"
    )
    pool = WorkerPool(tmp_path / "run", 2**31, reads=(tmp_path,))
    try:
        leases = {
            "to write": f"{hold}; fcntl.fcntl(sys.held, 1024, 1)",
            "to read": f"{hold}; fcntl.fcntl(sys.held, 1024, 0)",
        }
        met = await pool.run("probe", {"attempts": leases}, seconds=60)
        os.close(os.open(upload, os.O_RDONLY | os.O_NONBLOCK))
        assert set(met.values()) == {"EPERM"}
    finally:
        await pool.close()


ODD = {
    "a name that leads elsewhere on Windows": r"open(f'{out}/..\\..\\run.exe', 'w').close()",
    "a name that is no text": "open(os.fsencode(out) + b'/\\xff.jpg', 'w').close()",
    "a name of several lines": "open(f'{out}/a\\nb', 'w').close()",
    "a name that is markup": "open(f'{out}/<img src=x>', 'w').close()",
    "a link to a file": "os.symlink('/etc/hostname', f'{out}/document.md')",
    "a link to a folder": "os.symlink('/etc', f'{out}/images')",
    "a hard link": "open('other', 'w').close(); os.link('other', f'{out}/document.md')",
    "a pipe": "os.mkfifo(f'{out}/pages')",
    "a socket": "import socket; os.chdir(out); socket.socket(socket.AF_UNIX).bind('s')",
    "a program of its owner": "os.close(os.open(f'{out}/run', os.O_CREAT | os.O_WRONLY, 0o4700))",
}


@pytest.mark.parametrize("what", ODD)
async def test_a_result_with_more_than_files_is_not_kept(tmp_path: Path, what: str) -> None:
    """Where the kernel has no locks, or one of them has a hole: the parent looks for itself."""
    pool, out = WorkerPool(tmp_path / "run", 2**31, confined="off"), tmp_path / "out"
    try:
        with pytest.raises(WorkerCrashed, match="what is no result"):
            await pool.run(
                "probe", {"attempts": {"leave": f"os.mkdir(out); {ODD[what]}"}}, seconds=60, out=out
            )
        assert not out.exists() and pool.pids == [], "the worker that did it is gone"
    finally:
        await pool.close()


async def test_a_data_folder_that_a_group_shares(tmp_path: Path) -> None:
    """Folders below one with the set-group-ID bit have it, too."""
    tmp_path.chmod(0o2770)
    pool, out = WorkerPool(tmp_path / "run", 2**31), tmp_path / "out"
    try:
        attempts = {"leave": "os.makedirs(f'{out}/images'); open(f'{out}/document.md', 'w').close()"}
        await pool.run("probe", {"attempts": attempts}, seconds=60, out=out)
        assert sorted(path.name for path in out.iterdir()) == ["document.md", "images"]
    finally:
        await pool.close()


async def test_the_result_itself_is_a_link(tmp_path: Path) -> None:
    secret, out = tmp_path / "secret", tmp_path / "out"
    secret.mkdir()
    (secret / "key").write_text("geheim")
    pool = WorkerPool(tmp_path / "run", 2**31, confined="off")
    try:
        with pytest.raises(WorkerCrashed, match="what is no result"):
            attempts = {"leave": f"os.symlink({str(secret)!r}, out)"}
            await pool.run("probe", {"attempts": attempts}, seconds=60, out=out)
        assert not out.is_symlink() and (secret / "key").read_text() == "geheim"
    finally:
        await pool.close()


async def test_what_was_kept_is_out_of_reach(tmp_path: Path) -> None:
    """Also for one that holds the folder open: results of others, and its own of before."""
    pool, out = WorkerPool(tmp_path / "run", 2**31, reads=(tmp_path,)), tmp_path / "out"
    leave = "os.mkdir(out); open(f'{out}/document.md', 'w').write('mine'); sys.d = os.open(out, 0)"
    later = {
        "by its name": f"open({str(out / 'document.md')!r}, 'w')",
        "by the open folder": "os.open('document.md', os.O_WRONLY, dir_fd=sys.d)",
        "a new name": "os.open('images', os.O_WRONLY | os.O_CREAT, dir_fd=sys.d)",
        "delete": "os.unlink('document.md', dir_fd=sys.d)",
    }
    leave += "; sys.f = open(f'{out}/document.md', 'a')"
    still_open = {"more of it": "sys.f.write('!'); sys.f.flush(); sys.f.truncate(2**30)"}
    try:
        await pool.run("probe", {"attempts": {"leave": leave}}, seconds=60, out=out)
        met = await pool.run("probe", {"attempts": later}, seconds=60)
        assert set(met.values()) <= {"EACCES", "EPERM", "EXDEV", "ENOENT"}, met
        await pool.run("probe", {"attempts": still_open}, seconds=60)
        assert (out / "document.md").read_text() == "mine"
    finally:
        await pool.close()


def failing(code: str) -> dict[str, Any]:
    """A job that reports a fault of the machine."""
    raising = f"from gradio_app.base.errors import from_code; raise from_code({code!r}, 'The disk is full.')"
    return {"attempts": {"": raising}}


async def test_a_document_that_fills_the_disk_itself_fails(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Else it would be tried for ever, and everybody else would wait with it each time."""
    pool = WorkerPool(tmp_path / "run", 2**31)
    try:
        monkeypatch.setattr("gradio_app.workers.answer._is_faulty", lambda _folder: True)
        with pytest.raises(DiskFull):
            await pool.run("probe", failing("disk_full"), seconds=60)
        monkeypatch.setattr("gradio_app.workers.pool.is_larger", lambda _folder, _limit: True)
        with pytest.raises(FileTooLarge):
            await pool.run("probe", failing("disk_full"), seconds=60)
    finally:
        await pool.close()


@pytest.mark.parametrize("code", ["disk_full", "storage_unavailable", "server_busy", "engine_unavailable"])
async def test_no_document_reports_faults_of_the_machine(tmp_path: Path, code: str) -> None:
    """The queue would hold everybody's work until the fault is over, again and again."""
    pool = WorkerPool(tmp_path / "run", 2**31)
    try:
        with pytest.raises(WorkerCrashed):
            await pool.run("probe", failing(code), seconds=60)
        assert not list((tmp_path / "run").glob("worker-*"))
    finally:
        await pool.close()


@pytest.mark.parametrize("in_the_way", ["open('probe', 'w').close()", "os.mkdir('probe')"])
async def test_no_fault_of_the_disk_is_staged(tmp_path: Path, in_the_way: str) -> None:
    """By a file of the name of what the parent writes to see for itself."""
    pool = WorkerPool(tmp_path / "run", 2**31)
    try:
        [raising] = failing("storage_unavailable")["attempts"].values()
        with pytest.raises(WorkerCrashed):
            await pool.run("probe", {"attempts": {"": f"{in_the_way}; {raising}"}}, seconds=60)
    finally:
        await pool.close()


async def test_holes_count_as_what_they_are_read_as(tmp_path: Path) -> None:
    """A hundred gigabytes that take no room here fill the disk as an archive, a copy or a download."""
    pool, out = WorkerPool(tmp_path / "run", 2**30), tmp_path / "out"
    hole = "os.truncate(os.open(f'{out}/{n}.jpg', os.O_CREAT | os.O_WRONLY), 2**29)"
    holes = f"os.mkdir(out); [{hole} for n in range(9)]"
    try:
        with pytest.raises(FileTooLarge):
            await pool.run("probe", {"attempts": {"": holes}}, seconds=60, out=out)
        assert not out.exists() and [path.name for path in tmp_path.iterdir()] == ["run"]
    finally:
        await pool.close()


FLOODS = {
    "its disk": "[open(f'{n}', 'wb').write(bytes(2**20)) for n in range(400)]; import time; time.sleep(60)",
    "its folder": "[os.mkdir(f'{n}') for n in range(10**6)]",
    "its error channel": "[print('x' * 2**16, file=sys.stderr) for _ in range(10**6)]",
    "one line of it": "[os.write(2, b'x' * 2**16) for _ in range(10**6)]",
    "its answer": "print('x'); os.write(3, b'[' * 2**23) ; os.write(5, b'[' * 2**23)",
}


@pytest.mark.parametrize("what", FLOODS)
async def test_a_worker_that_floods_is_ended(
    tmp_path: Path, what: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("gradio_app.base.files.MOST_ENTRIES", 2000)
    monkeypatch.setattr("gradio_app.workers.pool._ROOM_EVERY", 1)
    pool = WorkerPool(tmp_path / "run", 300 << 20)
    try:
        wanted = FileTooLarge if what in ("its disk", "its folder") else WorkerCrashed
        with pytest.raises(wanted):
            await pool.run("probe", {"attempts": {"flood": FLOODS[what]}}, seconds=60)
        assert pool.pids == [] and not list((tmp_path / "run").glob("worker-*"))
    finally:
        await pool.close()


async def test_folders_deeper_than_any_path_are_cleared(tmp_path: Path) -> None:
    """shutil.rmtree gives up at the interpreter's limit, at each start anew."""
    deep = "[(os.mkdir('d' * 200), os.chdir('d' * 200)) for _ in range(1500)]"
    pool, out = WorkerPool(tmp_path / "run", 2**31), tmp_path / "out"
    try:
        await pool.run("probe", {"attempts": {"deep": f"os.chdir('job'); {deep}"}}, seconds=60)
        with pytest.raises(WorkerCrashed):
            await pool.run(
                "probe", {"attempts": {"": f"os.mkdir(out); os.chdir(out); {deep}"}}, seconds=60, out=out
            )
        assert not out.exists()
    finally:
        await pool.close()
    assert not list((tmp_path / "run").glob("worker-*"))


LIES = {
    "no JSON": "{",
    "deep": "[" * 100_000,
    "not an object": "[]",
    "no memory": '{"result": {}}',
    "memory of nobody": '{"result": {}, "rss": -1}',
    "both": '{"result": {}, "error": {"code": "file_corrupt", "message": ""}, "rss": 1}',
    "neither": '{"rss": 1}',
    "an unknown code": '{"error": {"code": "unauthorized", "message": "Sign in at example.org"}, "rss": 1}',
    "a code of another kind": '{"error": {"code": {}, "message": ""}, "rss": 1}',
    "a huge number": '{"result": {}, "rss": ' + "9" * 5000 + "}",
}


@pytest.mark.parametrize("what", LIES)
async def test_an_answer_that_no_worker_gives(tmp_path: Path, what: str) -> None:
    pool = WorkerPool(tmp_path / "run", 2**31)
    lie = (
        "import contextlib\nfor n in range(3, 12):\n  with contextlib.suppress(OSError): os.write(n, "
        + repr(LIES[what].encode() + b"\n")
        + ")"
    )
    try:
        with pytest.raises(WorkerCrashed):
            await pool.run("probe", {"attempts": {"lie": lie}}, seconds=60)
    finally:
        await pool.close()


async def test_required_means_no_worker_without_locks(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as patch, pytest.raises(AppError, match="no landlock, and worker_jail is"):
        patch.setattr(sandbox, "missing", lambda: ["landlock"])
        await WorkerPool(tmp_path / "run", 2**31, confined="required").warm(1)
    assert await tried(tmp_path, {"alive": "result = 1"}, confined="required") == {"alive": 1}
