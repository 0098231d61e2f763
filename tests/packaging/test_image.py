"""Dockerfile, compose.yaml and compose.gpu.yaml: valid by the rules that we lean on, and as safe as said."""

from __future__ import annotations

import json
import re
import shlex
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import jsonschema
import pytest
import yaml

from gradio_app.base.settings import Settings
from gradio_app.machine import builtin_models, weights
from gradio_app.model_server import sglang_flags, sizing
from tests.packaging.compose_schema import COMPOSE

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def compose() -> dict[str, Any]:
    return yaml.safe_load((ROOT / "compose.yaml").read_text())


@pytest.fixture(scope="module")
def app(compose: dict[str, Any]) -> dict[str, Any]:
    return compose["services"]["app"]


@pytest.fixture(scope="module")
def overlay() -> dict[str, Any]:
    return yaml.safe_load((ROOT / "compose.gpu.yaml").read_text())


@pytest.fixture(scope="module")
def sglang(overlay: dict[str, Any]) -> dict[str, Any]:
    return overlay["services"]["sglang"]


@pytest.fixture(scope="module")
def flags(sglang: dict[str, Any]) -> list[str]:
    """SGLang's flags, as they are when .env has only the key."""
    return shlex.split(filled(sglang["command"], "a-key"))


def filled(text: str, key: str) -> str:
    """The text with the key's variable set, and every other one at its default."""
    text = re.sub(r"\$\{MINERU_APP_SGLANG_API_KEY:\?[^}]+\}", key, text)
    return re.sub(r"\$\{[A-Z_]+:-([^}]*)\}", r"\1", text)


@pytest.fixture(scope="module")
def dockerfile() -> list[tuple[str, str]]:
    """Its instructions in order: name and argument, continued lines joined, comments gone."""
    text = re.sub(r"(?m)^\s*#.*\n", "", (ROOT / "Dockerfile").read_text())
    lines = re.sub(r"\\\n\s*", " ", text).splitlines()
    pairs = [line.split(maxsplit=1) for line in lines if line.strip()]
    return [(name, argument.strip()) for name, argument in pairs]


def said(dockerfile: list[tuple[str, str]], name: str) -> list[str]:
    return [argument for instruction, argument in dockerfile if instruction == name]


def test_compose_follows_the_specification(compose: dict[str, Any]) -> None:
    jsonschema.validate(compose, COMPOSE, cls=jsonschema.Draft202012Validator)


def test_the_service_has_limits(app: dict[str, Any]) -> None:
    limits = app["deploy"]["resources"]["limits"]
    assert {"cpus", "memory", "pids"} <= limits.keys()
    # As many workers as cores: a container sees every core of the machine.
    assert str(app["environment"]["MINERU_APP_WORKERS"]) == limits["cpus"]


def test_the_service_may_do_nothing_it_need_not(app: dict[str, Any]) -> None:
    assert app["user"] == "10001:10001"
    assert app["read_only"] is True
    assert app["cap_drop"] == ["ALL"]
    assert app["security_opt"] == ["no-new-privileges:true"]
    assert any(mount.startswith("/tmp:size=") for mount in app["tmpfs"])


def test_the_service_listens_on_this_machine_only_unless_told(app: dict[str, Any]) -> None:
    assert app["ports"] == ["${MINERU_APP_PUBLISH:-127.0.0.1:7860}:7860"]
    assert app["environment"]["MINERU_APP_HOST"] == "0.0.0.0"


def test_the_data_outlives_the_container(compose: dict[str, Any], app: dict[str, Any]) -> None:
    assert app["volumes"] == ["data:/data"]
    assert "data" in compose["volumes"]
    assert app["environment"]["MINERU_APP_DATA_DIR"] == "/data"


def test_it_comes_back_and_goes_in_time(app: dict[str, Any]) -> None:
    assert app["restart"] == "unless-stopped"
    assert app["init"] is True
    assert app["stop_grace_period"] == "10s"


def test_one_health_check_in_both_files(app: dict[str, Any], dockerfile: list[tuple[str, str]]) -> None:
    (check,) = said(dockerfile, "HEALTHCHECK")
    command = json.loads(check[check.index("CMD") + 3 :])
    assert ["CMD", *command] == app["healthcheck"]["test"]
    assert "http://127.0.0.1:7860/health" in command[-1]
    compile(command[-1], "healthcheck", "exec")


def test_the_image_starts_python_itself(dockerfile: list[tuple[str, str]]) -> None:
    (entry,) = said(dockerfile, "ENTRYPOINT")
    assert json.loads(entry) == ["python", "-m", "gradio_app"]
    assert said(dockerfile, "CMD") == ['["gradio"]']
    assert said(dockerfile, "STOPSIGNAL") == ["SIGTERM"]


def test_the_image_is_not_root_and_keeps_its_data_apart(dockerfile: list[tuple[str, str]]) -> None:
    assert said(dockerfile, "USER") == ["10001:10001"]
    names = [name for name, _ in dockerfile]
    assert names.index("USER") < names.index("ENTRYPOINT")
    assert "RUN" not in names[names.index("USER") :]
    assert said(dockerfile, "VOLUME") == ["/data"]
    assert said(dockerfile, "EXPOSE") == ["7860"]
    settings = " ".join(said(dockerfile, "ENV"))
    assert "MINERU_APP_HOST=0.0.0.0" in settings
    assert "MINERU_APP_DATA_DIR=/data" in settings


def test_the_image_installs_what_is_pinned(dockerfile: list[tuple[str, str]]) -> None:
    assert said(dockerfile, "FROM") == ["python:3.12-slim"]
    installs = [run for run in said(dockerfile, "RUN") if "pip install" in run]
    assert installs
    assert all("-c constraints.txt" in run for run in installs)


def test_what_is_copied_is_not_ignored(dockerfile: list[tuple[str, str]]) -> None:
    rules = (ROOT / ".dockerignore").read_text().split()
    sources = {name for copy in said(dockerfile, "COPY") for name in copy.split()[:-1]}
    assert {name.split("/")[0] for name in sources} == {rule[1:] for rule in rules if rule.startswith("!")}
    assert all((ROOT / name).exists() for name in sources)


def test_the_built_in_models_are_in_a_layer_before_the_code(
    dockerfile: list[tuple[str, str]], tmp_path: Path
) -> None:
    """A change of the code does not fetch them again; what fetches them needs one file of ours."""
    packages, table, fetch, code = (
        next(number for number, (_, text) in enumerate(dockerfile) if start in text)
        for start in ("pip install", "builtin_models.py", "fetch(print)", "gradio_app gradio_app")
    )
    assert packages < table < fetch < code
    source, target = dockerfile[table][1].split()
    (tmp_path / target).mkdir(parents=True)
    (tmp_path / "gradio_app/__init__.py").touch()
    shutil.copy(ROOT / source, tmp_path / target)
    (models := tmp_path / "models").mkdir()
    for row in builtin_models.MODELS:
        (models / row.file).symlink_to(builtin_models.folder() / row.file)
    command = shlex.split(dockerfile[fetch][1])
    env = {builtin_models.VARIABLE: str(models)}
    subprocess.run([sys.executable, *command[1:]], cwd=tmp_path, env=env, check=True)


# --- the card: compose.gpu.yaml, laid over compose.yaml. No engine for containers runs it here --------------


def test_the_overlay_follows_the_specification(overlay: dict[str, Any]) -> None:
    jsonschema.validate(overlay, COMPOSE, cls=jsonschema.Draft202012Validator)


def test_every_name_in_the_overlay_is_declared(overlay: dict[str, Any]) -> None:
    for service in overlay["services"].values():
        assert {mount.split(":")[0] for mount in service["volumes"]} <= overlay["volumes"].keys()
        assert set(service["networks"]) <= {"default", *overlay["networks"]}


def test_the_image_of_sglang_is_the_version_that_its_flags_are_checked_against(
    sglang: dict[str, Any], flags: list[str]
) -> None:
    script = (ROOT / "start_mineru_optimized.sh").read_text()
    (version,) = re.findall(r"(?m)^sglang=sglang==(\S+)$", script)
    assert sglang["image"] == f"lmsysorg/sglang:v{version}"
    sglang_flags.check(flags)


def test_sglang_has_the_flags_of_every_start_but_never_the_guard(flags: list[str]) -> None:
    # it is not on loopback, and the guard unpickles what clients send
    assert set(sizing.base_flags(guard=False)) <= set(flags)
    assert "--enable-custom-logit-processor" not in flags
    assert sglang_flags.value_of(flags, "--api-key") == "a-key"


def test_its_profile_is_that_of_24_gb(flags: list[str]) -> None:
    size = 24 * sizing.GIB
    plan = sizing.plan(size, size, (8, 9)).flags
    for name in plan[::2]:
        if name != "--max-total-tokens":  # the card's, which nobody knows here
            assert sglang_flags.value_of(flags, name) == sglang_flags.value_of(plan, name)


def test_flags_from_outside_come_last_and_so_win(sglang: dict[str, Any]) -> None:
    assert sglang["command"].endswith(" ${MINERU_APP_SGLANG_ARGS:-}")


def test_nobody_but_the_page_reaches_sglang(overlay: dict[str, Any], sglang: dict[str, Any]) -> None:
    assert "ports" not in sglang
    assert sglang["networks"] == ["engine"]
    assert overlay["networks"]["engine"] == {"internal": True}
    assert set(overlay["services"]["app"]["networks"]) == {"default", "engine"}
    assert sglang["cap_drop"] == ["ALL"]
    assert sglang["security_opt"] == ["no-new-privileges:true"]


def test_a_key_has_to_be_given(overlay: dict[str, Any], sglang: dict[str, Any]) -> None:
    wanted = "${MINERU_APP_SGLANG_API_KEY:?put a key into .env}"
    assert overlay["services"]["app"]["environment"]["MINERU_APP_SGLANG_API_KEY"] == wanted
    assert wanted in sglang["command"]


def test_the_page_takes_its_settings_from_the_overlay(
    overlay: dict[str, Any], flags: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, text in overlay["services"]["app"]["environment"].items():
        monkeypatch.setenv(name, filled(text, "a-key"))
    settings = Settings.load([])
    assert settings.engine == "remote"
    assert settings.sglang_url == f"http://sglang:{sglang_flags.value_of(flags, '--port')}"
    assert settings.sglang_api_key == sglang_flags.value_of(flags, "--api-key")
    assert settings.engine_patience == 900


def test_sglang_reads_the_weights_that_the_page_fetches(
    overlay: dict[str, Any], sglang: dict[str, Any], flags: list[str], dockerfile: list[tuple[str, str]]
) -> None:
    app = overlay["services"]["app"]
    folder = app["environment"]["MINERU_APP_MODEL_DIR"]
    # MinerU locks files beside the weights, so that the page's side has to be writable, and its user's
    assert app["volumes"] == [f"models:{folder}"]
    assert f"models:{folder}:ro" in sglang["volumes"]
    assert any(f"-o 10001 -g 10001 -m 0755 {folder}" in run for run in said(dockerfile, "RUN"))
    assert sglang_flags.value_of(flags, "--model-path") == f"{folder}/{weights.VISION_MODEL}"
    assert sglang_flags.value_of(flags, "--served-model-name") == weights.VISION_MODEL
    assert "run --rm app models" in (ROOT / "compose.gpu.yaml").read_text()


def test_sglang_calls_nothing_outside(sglang: dict[str, Any]) -> None:
    assert sizing.environment({}) == sglang["environment"]


def test_sglang_has_one_card_and_limits(sglang: dict[str, Any]) -> None:
    resources = sglang["deploy"]["resources"]
    (card,) = resources["reservations"]["devices"]
    assert card == {"driver": "nvidia", "device_ids": ["${MINERU_APP_GPU:-0}"], "capabilities": ["gpu"]}
    assert {"memory", "pids"} <= resources["limits"].keys()


def test_the_health_of_sglang_is_asked_for(sglang: dict[str, Any], flags: list[str]) -> None:
    check = sglang["healthcheck"]
    assert f"http://127.0.0.1:{sglang_flags.value_of(flags, '--port')}/health" in check["test"][-1]
    compile(check["test"][-1], "healthcheck", "exec")
    # a first start loads weights and compiles kernels
    assert check["start_period"] == "15m"
