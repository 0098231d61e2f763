"""compose.cluster.yaml and the unit of a machine: valid, as safe as the others, and what our code expects."""

from __future__ import annotations

import configparser
import copy
import json
import re
import subprocess
import tomllib
from pathlib import Path
from typing import Any

import jsonschema
import pytest
import yaml

from gradio_app.base.data_folder import Folders
from gradio_app.base.settings import Settings, describe
from gradio_app.commands import worker as worker_mode
from gradio_app.workers.cluster import ray_process
from tests.packaging.compose_schema import COMPOSE

ROOT = Path(__file__).parents[2]
KNOWN = {name for row in describe() for name in row["env"].split(", ")}
PASSWORD = "${MINERU_APP_RAY_TOKEN:?put a password into .env}"


@pytest.fixture(scope="module")
def compose() -> dict[str, Any]:
    return yaml.safe_load((ROOT / "compose.cluster.yaml").read_text("utf-8"))


@pytest.fixture(scope="module")
def head(compose: dict[str, Any]) -> dict[str, Any]:
    return compose["services"]["head"]


@pytest.fixture(scope="module")
def worker(compose: dict[str, Any]) -> dict[str, Any]:
    return compose["services"]["worker"]


def check(compose: dict[str, Any]) -> None:
    jsonschema.validate(compose, COMPOSE, cls=jsonschema.Draft202012Validator)


def test_the_file_follows_the_specification(compose: dict[str, Any]) -> None:
    check(compose)


@pytest.mark.parametrize(
    ("service", "right", "wrong"), [("worker", "read_only", "readonly"), ("head", "networks", "network")]
)
def test_a_misspelt_field_is_found(compose: dict[str, Any], service: str, right: str, wrong: str) -> None:
    faulty = copy.deepcopy(compose)
    faulty["services"][service][wrong] = faulty["services"][service].pop(right)
    with pytest.raises(jsonschema.ValidationError, match=wrong):
        check(faulty)


@pytest.mark.parametrize("name", ["head", "worker"])
def test_each_container_may_do_nothing_it_need_not(compose: dict[str, Any], name: str) -> None:
    service = compose["services"][name]
    assert service["user"] == "10001:10001" and service["read_only"] is True
    assert service["cap_drop"] == ["ALL"] and service["security_opt"] == ["no-new-privileges:true"]
    limits = service["deploy"]["resources"]["limits"]
    assert {"cpus", "memory", "pids"} <= limits.keys()
    assert limits["cpus"] == service["environment"]["MINERU_APP_WORKERS"]


@pytest.mark.parametrize("name", ["head", "worker"])
def test_the_object_store_of_ray_has_room(compose: dict[str, Any], name: str) -> None:
    size = compose["services"][name]["shm_size"]
    assert size.endswith("m") and int(size[:-1]) * 2**20 > 1.25 * ray_process.OBJECT_STORE


def test_a_password_has_to_be_given_and_is_the_same(head: dict[str, Any], worker: dict[str, Any]) -> None:
    for service in (head, worker):
        assert service["environment"]["MINERU_APP_RAY_TOKEN"] == PASSWORD
        assert service["environment"].keys() <= KNOWN


def test_the_image_has_ray(head: dict[str, Any], worker: dict[str, Any]) -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))
    extra = head["build"]["args"]["EXTRAS"]
    assert worker["build"] == head["build"] and worker["image"] == head["image"]
    assert any(line.startswith("ray==") for line in project["project"]["optional-dependencies"][extra])
    dockerfile = (ROOT / "Dockerfile").read_text("utf-8")
    assert "ARG EXTRAS=\n" in dockerfile
    (packages,) = re.findall(r'-c constraints\.txt -e "(.*)"\n', dockerfile)
    for given, meant in (("", "."), (extra, f".[{extra}]")):  # as the shell of the build fills it in
        done = subprocess.run(
            ["sh", "-c", f'echo "{packages}"'],
            env={"EXTRAS": given},
            capture_output=True,
            text=True,
            check=True,
        )
        assert done.stdout.strip() == meant


def test_the_machines_join_where_the_head_begins_a_cluster(
    compose: dict[str, Any], head: dict[str, Any], worker: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in KNOWN:
        monkeypatch.delenv(name, raising=False)
    started = ray_process.parse_address(Settings.load(head["command"]).ray_address)
    flags = worker_mode._parser().parse_args(worker["command"])
    joined = ray_process.parse_address(flags.address)
    assert started.ours and not joined.ours and joined.port == started.port
    assert joined.host in compose["services"]
    assert worker["entrypoint"] == ["python", "-P", "-m", "gradio_app", "worker"]
    given = {name for name in worker["environment"] if name != "MINERU_APP_RAY_TOKEN"}
    assert given <= {f"MINERU_APP_{name.upper()}" for name in worker_mode.OURS}


def test_machines_reach_the_head_and_nothing_else(
    compose: dict[str, Any], head: dict[str, Any], worker: dict[str, Any]
) -> None:
    assert worker["networks"] == ["cluster"] and compose["networks"]["cluster"] == {"internal": True}
    assert set(head["networks"]) == {"default", "cluster"}
    assert "ports" not in worker and head["ports"] == ["${MINERU_APP_PUBLISH:-127.0.0.1:7860}:7860"]


def test_containers_of_the_same_service_share_no_data_folder(
    compose: dict[str, Any], worker: dict[str, Any]
) -> None:
    folder = worker["environment"]["MINERU_APP_DATA_DIR"]
    assert f"VOLUME {folder}\n" in (ROOT / "Dockerfile").read_text("utf-8"), "each container gets its own"
    mounts = {mount.split(":")[0]: mount.split(":")[1] for mount in worker["volumes"]}
    assert folder not in mounts.values() and mounts.keys() <= compose["volumes"].keys()


def test_a_machine_is_healthy_when_the_head_has_taken_it(worker: dict[str, Any], tmp_path: Path) -> None:
    *command, file = worker["healthcheck"]["test"][1:]
    folders = Folders(Path(worker["environment"]["MINERU_APP_DATA_DIR"]))
    assert file == str(folders.run / "node.json")
    note = tmp_path / "node.json"  # as Node writes it
    for state, code in (("ready", 0), ("refused", 1)):
        note.write_text(json.dumps({"state": state, "text": "It is not ready."}))
        assert subprocess.run([*command, str(note)], check=False).returncode == code
    note.unlink()
    assert subprocess.run([*command, str(note)], capture_output=True, check=False).returncode == 2


def test_the_unit_of_a_machine_starts_what_is_there() -> None:
    unit = configparser.ConfigParser(strict=False, interpolation=None)
    unit.optionxform = str  # type: ignore[assignment, method-assign]
    unit.read(ROOT / "docs" / "examples" / "mineru-worker.service")
    assert unit.sections() == ["Unit", "Service", "Install"]
    service = unit["Service"]
    program, mode, *flags = service["ExecStart"].split()
    assert Path(program).name == "start_mineru_optimized.sh" and mode == "worker"
    assert ray_process.parse_address(worker_mode._parser().parse_args(flags).address).port == ray_process.PORT
    given = dict(part.split("=", 1) for part in service["Environment"].split())
    assert given.keys() <= KNOWN
    assert given["MINERU_APP_DATA_DIR"] in service["ReadWritePaths"]
    assert str(Path(program).parent) == service["WorkingDirectory"] in service["ReadWritePaths"]
    assert service["RestartPreventExitStatus"] == "3", "what the mode worker ends with when it is refused"
    assert float(service["TimeoutStopSec"]) > worker_mode.GRACE
