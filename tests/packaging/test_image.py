"""Dockerfile and compose.yaml: valid by the rules that we lean on, and as safe as we say."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import jsonschema
import pytest
import yaml

ROOT = Path(__file__).parents[2]

# The parts of the Compose Specification that compose.yaml uses; anything else is a typing error.
DURATION = {"type": "string", "pattern": r"^(\d+(\.\d+)?(us|ms|s|m|h))+$"}
VARIABLE_OR_SIZE = {"type": "string", "pattern": r"^(\$\{[A-Z_]+:-\d+[bkmg]\}|\d+[bkmg])$"}
VARIABLE_OR_NUMBER = {"type": "string", "pattern": r"^(\$\{[A-Z_]+:-[\d.]+\}|[\d.]+)$"}
STRINGS = {"type": "array", "items": {"type": "string"}, "uniqueItems": True}
LIMITS = {
    "type": "object",
    "properties": {
        "cpus": VARIABLE_OR_NUMBER,
        "memory": VARIABLE_OR_SIZE,
        "pids": {"type": "integer", "minimum": 1},
    },
    "additionalProperties": False,
}
HEALTHCHECK = {
    "type": "object",
    "properties": {
        "test": {"type": "array", "prefixItems": [{"enum": ["CMD", "CMD-SHELL", "NONE"]}], "minItems": 1},
        "interval": DURATION,
        "timeout": DURATION,
        "start_period": DURATION,
        "retries": {"type": "integer", "minimum": 1},
    },
    "required": ["test"],
    "additionalProperties": False,
}
SERVICE = {
    "type": "object",
    "properties": {
        "build": {"type": "string"},
        "image": {"type": "string"},
        "init": {"type": "boolean"},
        "user": {"type": "string"},
        "restart": {"type": "string", "pattern": r"^(no|always|unless-stopped|on-failure(:\d+)?)$"},
        "stop_grace_period": DURATION,
        "ports": {**STRINGS, "items": {"type": "string", "pattern": r"^(.+:)?\d+(/(tcp|udp))?$"}},
        "environment": {
            "type": "object",
            "patternProperties": {r"^[A-Z_]+$": {"type": ["string", "number", "null"]}},
            "additionalProperties": False,
        },
        "volumes": {**STRINGS, "items": {"type": "string", "pattern": r"^[^:]+:/[^:]*(:(ro|rw|z|Z))?$"}},
        "read_only": {"type": "boolean"},
        "tmpfs": STRINGS,
        "cap_drop": STRINGS,
        "security_opt": STRINGS,
        "deploy": {
            "type": "object",
            "properties": {
                "resources": {
                    "type": "object",
                    "properties": {"limits": LIMITS, "reservations": LIMITS},
                    "additionalProperties": False,
                }
            },
            "additionalProperties": False,
        },
        "healthcheck": HEALTHCHECK,
    },
    "additionalProperties": False,
}
NAMED = r"^[a-zA-Z0-9._-]+$"
COMPOSE = {
    "$schema": "https://json-schema.org/draft/2020-12/schema",
    "type": "object",
    "properties": {
        "name": {"type": "string", "pattern": r"^[a-z0-9][a-z0-9_-]*$"},
        "services": {"type": "object", "patternProperties": {NAMED: SERVICE}, "additionalProperties": False},
        "volumes": {
            "type": "object",
            "patternProperties": {NAMED: {"type": ["object", "null"]}},
            "additionalProperties": False,
        },
    },
    "required": ["services"],
    "additionalProperties": False,
}


@pytest.fixture(scope="module")
def compose() -> dict[str, Any]:
    return yaml.safe_load((ROOT / "compose.yaml").read_text())


@pytest.fixture(scope="module")
def app(compose: dict[str, Any]) -> dict[str, Any]:
    return compose["services"]["app"]


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
    assert json.loads(entry) == ["python", "-m", "gradio_app.app"]
    assert said(dockerfile, "CMD") == []
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
    assert sources == {rule[1:] for rule in rules if rule.startswith("!")}
    assert all((ROOT / name).exists() for name in sources)
