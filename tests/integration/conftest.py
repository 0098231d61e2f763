"""What tests of the whole share: servers, a real SGLang on the CPU, and stand-ins for weights."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from gradio_app.web.auth.users import User, hash_key, write
from tests.fakes.sglang import FakeSglang
from tests.live import LiveServer
from tests.sglang_cpu.environment import PYTHON, why_missing
from tests.sglang_cpu.tiny_model import write_tiny_model

#: before the names of those who may sign in: their passwords, and their keys
PASSWORD = "a password of "
KEY = "mo-key-of-"
#: the house's token for everybody
TOKEN = "a-token-for-tests"
PEOPLE = ("alice", "bob", "root")
#: the address from which the house needs no key
TRUSTED = "127.0.0.9"


@pytest.fixture(scope="session")
def _open_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LiveServer]:
    flags = ("--shard-pages-flash", "8", "--max-files", "5", "--max-file-size", "8mb")
    data = tmp_path_factory.mktemp("open") / "data"
    with LiveServer(data, *flags, "--worker-memory-limit", "900mb") as live:
        yield live


@pytest.fixture(scope="module")
def server(_open_server: LiveServer) -> Iterator[LiveServer]:
    """The server on loopback, where nobody signs in; with an empty queue for each file of tests."""
    yield _open_server
    _open_server.clear()


@pytest.fixture(scope="session")
def _guarded_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LiveServer]:
    folder = tmp_path_factory.mktemp("house")
    people = {name: User(name, PASSWORD + name, name == "root", hash_key(KEY + name)) for name in PEOPLE}
    write(folder / "users.txt", people)
    flags = ("--users", str(folder / "users.txt"), "--token", TOKEN, "--max-queue-per-user", "2000")
    flags += ("--trusted-clients", TRUSTED)
    with LiveServer(folder / "data", *flags, "--workers", "1", token=KEY + "alice") as live:
        yield live


@pytest.fixture(scope="module")
def house(_guarded_server: LiveServer) -> Iterator[LiveServer]:
    """The server where people sign in by name, asked by alice; root is its admin."""
    yield _guarded_server
    with _guarded_server.asked_with(KEY + "root") as everything:
        everything.clear()


@pytest.fixture(scope="session")
def fake() -> Iterator[FakeSglang]:
    """The model server of ``vision_server``; a test that gives it faults takes them back."""
    with FakeSglang(slots=8) as running:
        yield running


@pytest.fixture(scope="session")
def _vision_server(
    fake: FakeSglang, stand_in_weights: Path, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[LiveServer]:
    flags = ("--sglang-url", fake.url, "--model-dir", str(stand_in_weights), "--workers", "2")
    data = tmp_path_factory.mktemp("vision") / "data"
    with LiveServer(data, *flags, "--shard-pages-flash", "8") as live:
        yield live


@pytest.fixture(scope="module")
def vision_server(_vision_server: LiveServer) -> Iterator[LiveServer]:
    """The server with a model server elsewhere; with an empty queue for each file of tests."""
    yield _vision_server
    _vision_server.clear()


@pytest.fixture(scope="session")
def real_sglang() -> Path:
    """The Python of a real SGLang that serves on the CPU (``make sglang-cpu``)."""
    if reason := why_missing():
        pytest.skip(f"no real SGLang here: {reason}")
    return PYTHON


@pytest.fixture(scope="session")
def tiny_model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Weights for that SGLang: a model that recites (see ``tiny_model``)."""
    return write_tiny_model(tmp_path_factory.mktemp("models") / "tiny")


@pytest.fixture(scope="session")
def stand_in_weights(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A MINERU_MODEL_BASE_DIR with small models and a folder like the vision model's."""
    from tests.stub_weights import write_small_models, write_vision_model

    folder = tmp_path_factory.mktemp("weights")
    write_small_models(folder)
    write_vision_model(folder)
    return folder
