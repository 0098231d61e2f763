"""compose.mps.yaml, laid over compose.gpu.yaml: two model servers on one card; checked, not run."""

from __future__ import annotations

import shlex
from typing import Any

import jsonschema
import pytest
import yaml

from gradio_app.base.settings import Settings
from gradio_app.model_server import sglang_flags, sizing
from gradio_app.model_server.choose import choose_backends
from tests.packaging.test_image import COMPOSE, ROOT, filled
from tests.packaging.test_mps_script import SCRIPT

SERVERS = ("sglang", "sglang-2")


@pytest.fixture(scope="module")
def mps() -> dict[str, Any]:
    return yaml.safe_load((ROOT / "compose.mps.yaml").read_text())


@pytest.fixture(scope="module")
def card() -> dict[str, Any]:
    """The service that it is laid over, and that its second server extends."""
    return yaml.safe_load((ROOT / "compose.gpu.yaml").read_text())["services"]["sglang"]


def flags(service: dict[str, Any]) -> list[str]:
    return shlex.split(filled(service["command"], "a-key"))


def test_it_follows_the_specification(mps: dict[str, Any]) -> None:
    jsonschema.validate(mps, COMPOSE, cls=jsonschema.Draft202012Validator)
    assert mps["services"]["sglang-2"]["extends"] == {"file": "compose.gpu.yaml", "service": "sglang"}


@pytest.mark.parametrize("name", SERVERS)
def test_each_finds_the_daemon_of_the_script(mps: dict[str, Any], name: str) -> None:
    service = mps["services"][name]
    assert service["ipc"] == "host"
    folders = dict(filled(mount, "").rsplit(":", 1)[::-1] for mount in service["volumes"])
    env = service["environment"]
    told = [env["CUDA_MPS_PIPE_DIRECTORY"], env["CUDA_MPS_LOG_DIRECTORY"]]
    assert [folders[path] for path in told] == ["/tmp/mineru-mps-0/pipe", "/tmp/mineru-mps-0/log"]
    assert "runtime=/tmp/mineru-mps-$(id -u)" in SCRIPT.read_text()


@pytest.mark.parametrize("name", SERVERS)
def test_but_for_its_part_of_the_memory_each_has_the_flags_of_one(
    mps: dict[str, Any], card: dict[str, Any], name: str
) -> None:
    own, usual = flags(mps["services"][name]), flags(card)
    sglang_flags.check(own)
    part = usual.index("--mem-fraction-static") + 1
    assert own[:part] + own[part + 1 :] == usual[:part] + usual[part + 1 :]
    assert mps["services"][name]["command"].endswith(" ${MINERU_APP_SGLANG_ARGS:-}")


@pytest.mark.parametrize("size", [48, 80, 141])
def test_the_parts_are_halves_of_a_large_card(mps: dict[str, Any], size: int) -> None:
    half, whole = size * sizing.GIB // 2, size * sizing.GIB
    first, second = (
        float(sglang_flags.value_of(flags(mps["services"][name]), "--mem-fraction-static") or 0)
        for name in SERVERS
    )
    assert first == pytest.approx(sizing.plan(half, whole, (9, 0), beside=half).fraction, abs=0.01)
    assert second == pytest.approx(sizing.plan(half, half, (9, 0)).fraction, abs=0.01)


def test_the_second_starts_when_the_first_has_taken_its_part(mps: dict[str, Any]) -> None:
    assert mps["services"]["sglang-2"]["depends_on"] == {"sglang": {"condition": "service_healthy"}}


def test_the_page_uses_both(mps: dict[str, Any], monkeypatch: pytest.MonkeyPatch) -> None:
    for name, text in mps["services"]["app"]["environment"].items():
        monkeypatch.setenv(name, text)
    settings = Settings.load([])
    made = choose_backends(settings, settings.data_dir)
    port = sglang_flags.value_of(flags(mps["services"]["sglang"]), "--port")
    assert [backend.name for backend in made] == [f"{name}:{port}" for name in SERVERS]
