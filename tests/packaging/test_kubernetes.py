"""deploy/kubernetes: each field is one that Kubernetes or KubeRay knows, and all fits our code and itself."""

from __future__ import annotations

import copy
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import jsonschema
import kubernetes_validate
import pytest
import yaml

from gradio_app.base.data_folder import Folders
from gradio_app.base.settings import Settings, describe
from gradio_app.commands import worker as worker_mode
from gradio_app.machine import weights
from gradio_app.model_server import sglang_flags, sizing
from gradio_app.workers.cluster import ray_process
from tests.packaging.kuberay_schema import KUSTOMIZATION, RAY_CLUSTER

ROOT = Path(__file__).parents[2]
DEPLOY = ROOT / "deploy" / "kubernetes"
#: the oldest and the newest that are checked; ContainerResource metrics came to stay in 1.30
VERSIONS = ("1.30", "1.37")
OWN = {"RayCluster": RAY_CLUSTER, "Kustomization": KUSTOMIZATION}
KNOWN = {name for row in describe() for name in row["env"].split(", ")}


def documents(folder: str = "") -> Iterator[tuple[str, dict[str, Any]]]:
    for path in sorted((DEPLOY / folder).rglob("*.yaml")):
        for document in yaml.safe_load_all(path.read_text("utf-8")):
            yield path.name, document


ALL = list(documents())
IDS = [f"{name}-{document['kind']}" for name, document in ALL]


def of_kind(kind: str, folder: str = "") -> list[dict[str, Any]]:
    return [document for _, document in documents(folder) if document["kind"] == kind]


def cluster() -> dict[str, Any]:
    (found,) = of_kind("RayCluster")
    return found


def groups() -> dict[str, dict[str, Any]]:
    return {group["groupName"]: group for group in cluster()["spec"]["workerGroupSpecs"]}


def head() -> dict[str, Any]:
    return cluster()["spec"]["headGroupSpec"]["template"]


TEMPLATES = {"head": head(), **{name: group["template"] for name, group in groups().items()}}


def check(document: dict[str, Any], versions: tuple[str, ...] = VERSIONS) -> None:
    """Raises ``jsonschema.ValidationError`` for a field or value that is not known."""
    schema = OWN.get(document["kind"])
    if schema is None:
        for version in versions:
            kubernetes_validate.validate(document, version, strict=True)
        return
    jsonschema.validate(document, schema, cls=jsonschema.Draft202012Validator)
    if document["kind"] == "RayCluster":
        spec = document["spec"]
        for template in (group["template"] for group in (spec["headGroupSpec"], *spec["workerGroupSpecs"])):
            check(
                {"apiVersion": "v1", "kind": "PodTemplate", "metadata": {"name": "a"}, "template": template}
            )


def container(template: dict[str, Any], name: str) -> dict[str, Any]:
    return next(one for one in template["spec"]["containers"] if one["name"] == name)


def environment(one: dict[str, Any]) -> dict[str, str]:
    """Its variables; those from a secret as ``SECRET/KEY``."""
    found: dict[str, str] = {}
    for item in one["env"]:
        secret = item.get("valueFrom", {}).get("secretKeyRef")
        found[item["name"]] = f"{secret['name']}/{secret['key']}" if secret else item["value"]
    return found


@pytest.mark.parametrize("document", [document for _, document in ALL], ids=IDS)
def test_every_field_is_known(document: dict[str, Any]) -> None:
    check(document)


def places(node: Any, path: tuple[str | int, ...] = ()) -> Iterator[tuple[str | int, ...]]:
    """The way to every field with a name of its own (not a label, an annotation, a limit or a parameter)."""
    free = {"labels", "matchLabels", "annotations", "limits", "requests", "rayStartParams", "selector"}
    for key, value in node.items() if isinstance(node, dict) else enumerate(node):
        if isinstance(node, dict) and not free & set(path):
            yield (*path, key)
        if isinstance(value, dict | list):
            yield from places(value, (*path, key))


def misspelt(document: dict[str, Any], path: tuple[str | int, ...]) -> dict[str, Any]:
    faulty = copy.deepcopy(document)
    node: Any = faulty
    for step in path[:-1]:
        node = node[step]
    node[f"{path[-1]}x"] = node.pop(path[-1])
    return faulty


@pytest.mark.parametrize("kind", ["RayCluster", "HorizontalPodAutoscaler", "NetworkPolicy", "Ingress"])
def test_a_misspelt_field_is_found_wherever_it_is(kind: str) -> None:
    document = of_kind(kind)[0]
    ways = [path for path in places(document) if path not in (("kind",), ("apiVersion",))]
    for path in ways[:: max(1, len(ways) // 12)]:
        with pytest.raises(jsonschema.ValidationError):
            check(misspelt(document, path), VERSIONS[:1])


@pytest.mark.parametrize(
    ("path", "value"),
    [
        (("spec", "headGroupSpec", "rayStartParams"), {"num-cpus": 0}),
        (("spec", "workerGroupSpecs", 0, "replicas"), "two"),
        (("spec", "headGroupSpec", "template", "spec", "containers", 0, "ports", 0, "containerPort"), "http"),
    ],
)
def test_a_value_of_the_wrong_type_is_found(path: tuple[str | int, ...], value: Any) -> None:
    faulty = copy.deepcopy(cluster())
    node: Any = faulty
    for step in path[:-1]:
        node = node[step]
    node[path[-1]] = value
    with pytest.raises(jsonschema.ValidationError):
        check(faulty, VERSIONS[:1])


@pytest.mark.parametrize("name", TEMPLATES)
def test_each_pod_may_do_nothing_it_need_not(name: str) -> None:
    pod = TEMPLATES[name]["spec"]
    assert pod["securityContext"]["runAsNonRoot"] and pod["securityContext"]["runAsUser"] == 10001
    assert pod["securityContext"]["seccompProfile"] == {"type": "RuntimeDefault"}
    assert pod["automountServiceAccountToken"] is False
    for one in pod["containers"]:
        rights = one["securityContext"]
        assert rights["readOnlyRootFilesystem"] and not rights["allowPrivilegeEscalation"]
        assert rights["capabilities"] == {"drop": ["ALL"]}
        assert {"cpu", "memory"} <= one["resources"]["limits"].keys() & one["resources"]["requests"].keys()
        assert "readinessProbe" in one or "livenessProbe" in one, "else KubeRay puts in one that does not fit"
        assert {mount["name"] for mount in one["volumeMounts"]} <= {
            volume["name"] for volume in pod["volumes"]
        }


@pytest.mark.parametrize("name", TEMPLATES)
def test_the_object_store_of_ray_has_room(name: str) -> None:
    (volume,) = [volume for volume in TEMPLATES[name]["spec"]["volumes"] if volume["name"] == "shm"]
    assert volume["emptyDir"]["medium"] == "Memory"
    assert int(volume["emptyDir"]["sizeLimit"].removesuffix("Gi")) * 2**30 > 1.25 * ray_process.OBJECT_STORE


def test_the_head_begins_the_cluster_that_machines_join(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in KNOWN:
        monkeypatch.delenv(name, raising=False)
    one = container(TEMPLATES["head"], "head")
    for name, value in environment(one).items():
        monkeypatch.setenv(name, value)
    assert one["command"][:5] == ["python", "-P", "-m", "gradio_app", "gradio"]
    settings = Settings.load(one["command"][5:])
    started = ray_process.parse_address(settings.ray_address)
    ports = {port["name"]: port["containerPort"] for port in one["ports"]}
    assert started.ours and ports == {"http": settings.port, "gcs-server": started.port}
    for name in groups():
        command = container(TEMPLATES[name], "worker")["command"]
        assert command[:5] == ["python", "-P", "-m", "gradio_app", "worker"]
        joined = ray_process.parse_address(worker_mode._parser().parse_args(command[5:]).address)
        assert (joined.host, joined.port) == (f"{cluster()['metadata']['name']}-head-svc", started.port)


@pytest.mark.parametrize("name", groups())
def test_machines_get_settings_that_mean_something_there(name: str) -> None:
    given = environment(container(TEMPLATES[name], "worker")).keys()
    assert given <= {f"MINERU_APP_{setting.upper()}" for setting in worker_mode.OURS}


def test_the_version_of_ray_is_that_of_the_lock() -> None:
    assert f"\nray=={cluster()['spec']['rayVersion']}\n" in (ROOT / "constraints.txt").read_text("utf-8")


def test_our_commands_start_ray() -> None:
    assert cluster()["metadata"]["annotations"]["ray.io/overwrite-container-cmd"] == "true"


@pytest.mark.parametrize("name", TEMPLATES)
def test_passwords_come_from_the_secret(name: str) -> None:
    (base,) = of_kind("Kustomization", "base")
    (secret,) = base["secretGenerator"]
    lines = (DEPLOY / "base" / "kustomization.yaml").read_text("utf-8")
    (made,) = re.findall(r"printf '(.*?)'", lines)
    keys = {part.partition("=")[0] for part in made.split("\\n") if part}
    for one in TEMPLATES[name]["spec"]["containers"]:
        for variable, value in environment(one).items():
            if re.search("TOKEN|KEY", variable):
                assert value.removeprefix(f"{secret['name']}/") in keys, variable
    assert f"/deploy/kubernetes/base/{secret['envs'][0]}\n" in (ROOT / ".gitignore").read_text("utf-8")


def test_probes_ask_what_the_service_answers() -> None:
    one = container(TEMPLATES["head"], "head")
    asked = {probe: one[probe]["httpGet"] for probe in ("startupProbe", "livenessProbe", "readinessProbe")}
    assert asked["startupProbe"] == asked["livenessProbe"] == {"path": "/health", "port": "http"}
    assert asked["readinessProbe"] == {"path": "/ready", "port": "http"}
    for name in groups():
        worker = container(TEMPLATES[name], "worker")
        command = worker["readinessProbe"]["exec"]["command"]
        folder = Folders(Path(environment(worker)["MINERU_APP_DATA_DIR"]))
        assert command == ["grep", "-q", '"state": "ready"', str(folder.run / "node.json")]


def test_the_job_fetches_weights_where_machines_look_and_may_call_outside() -> None:
    (job,) = of_kind("Job")
    template = job["spec"]["template"]
    one = container(template, "fetch")
    assert one["command"][-2:] == ["gradio_app", "models"]
    folder = environment(one)["MINERU_APP_MODEL_DIR"]
    for name in TEMPLATES:
        assert (
            environment(container(TEMPLATES[name], "head" if name == "head" else "worker"))[
                "MINERU_APP_MODEL_DIR"
            ]
            == folder
        )
    labels = template["metadata"]["labels"].items()
    for policy in of_kind("NetworkPolicy"):
        assert not policy["spec"]["podSelector"]["matchLabels"].items() <= labels


def test_what_selects_pods_finds_them() -> None:
    (service,) = of_kind("Service")
    assert service["spec"]["selector"]["ray.io/cluster"] == cluster()["metadata"]["name"]
    assert service["spec"]["ports"][0]["targetPort"] == "http"
    labels = {name: template["metadata"]["labels"] for name, template in TEMPLATES.items()}
    for policy in of_kind("NetworkPolicy"):
        wanted = policy["spec"]["podSelector"]["matchLabels"].items()
        found = {name for name, given in labels.items() if wanted <= given.items()}
        assert found == ({"head"} if policy["metadata"]["name"] == "mineru-page" else set(labels))
    (ingress,) = of_kind("Ingress")
    backend = ingress["spec"]["rules"][0]["http"]["paths"][0]["backend"]["service"]
    assert backend == {
        "name": service["metadata"]["name"],
        "port": {"name": service["spec"]["ports"][0]["name"]},
    }


def test_every_volume_that_is_claimed_is_asked_for() -> None:
    claims = {claim["metadata"]["name"] for claim in of_kind("PersistentVolumeClaim")}
    used = {
        volume["persistentVolumeClaim"]["claimName"]
        for template in TEMPLATES.values()
        for volume in template["spec"]["volumes"]
        if "persistentVolumeClaim" in volume
    }
    assert used == claims


def test_sglang_beside_a_machine_is_the_one_of_compose() -> None:
    compose = yaml.safe_load((ROOT / "compose.gpu.yaml").read_text("utf-8"))["services"]["sglang"]
    one = container(TEMPLATES["gpu"], "sglang")
    flags = [part for argument in one["args"] for part in argument.split("=", 1)]
    sglang_flags.check(flags)
    assert one["image"] == compose["image"] and set(sizing.base_flags(guard=False)) <= set(flags)
    ours = {*flags, "$(SGLANG_API_KEY)"}
    assert set(re.sub(r"\$\{[^}]*\}", "", compose["command"]).split()) - ours == {"0.0.0.0"}
    given = environment(container(TEMPLATES["gpu"], "worker"))
    port, model = (sglang_flags.value_of(flags, name) for name in ("--port", "--model-path"))
    assert given["MINERU_APP_SGLANG_URL"] == f"http://127.0.0.1:{port}"
    assert model == f"{given['MINERU_APP_MODEL_DIR']}/{weights.VISION_MODEL}"
    assert given["MINERU_APP_SGLANG_API_KEY"] == environment(one)["SGLANG_API_KEY"]
    assert sizing.environment({}).items() <= environment(one).items()
    assert (
        one["resources"]["limits"]["nvidia.com/gpu"] == one["resources"]["requests"]["nvidia.com/gpu"] == "1"
    )


def test_kustomize_finds_its_files_and_one_image() -> None:
    for name in ("base", "autoscaled", "models"):
        (own,) = of_kind("Kustomization", name)
        assert all((DEPLOY / name / resource).exists() for resource in own["resources"])
        assert own["images"] == of_kind("Kustomization", "base")[0]["images"]
        used = {one["image"] for template in TEMPLATES.values() for one in template["spec"]["containers"]}
        assert own["images"][0]["name"] in used


def test_the_scaled_machines_are_those_of_the_groups() -> None:
    deployments = {one["metadata"]["name"]: one for one in of_kind("Deployment", "autoscaled")}
    assert deployments.keys() == {f"mineru-{name}" for name in groups()}
    for name, group in groups().items():
        spec = deployments[f"mineru-{name}"]["spec"]
        assert spec["template"] == group["template"]
        assert spec["selector"]["matchLabels"].items() <= spec["template"]["metadata"]["labels"].items()
        assert "replicas" not in spec, "each apply would undo what the autoscaler has done"
    for scaler in of_kind("HorizontalPodAutoscaler", "autoscaled"):
        scaled = scaler["spec"]["scaleTargetRef"]["name"]
        (metric,) = scaler["spec"]["metrics"]
        assert container(deployments[scaled]["spec"]["template"], metric["containerResource"]["container"])


def test_there_the_groups_of_the_cluster_are_empty() -> None:
    (own,) = of_kind("Kustomization", "autoscaled")
    patched = copy.deepcopy(cluster())
    for patch in own["patches"]:
        assert patch["target"] == {"group": "ray.io", "version": "v1", "kind": "RayCluster", "name": "mineru"}
        for step in yaml.safe_load(patch["patch"]):
            node: Any = patched
            *way, last = step["path"].strip("/").split("/")
            for key in way:
                node = node[int(key) if key.isdecimal() else key]
            assert step["op"] == "replace" and last in node
            node[last] = step["value"]
    check(patched, VERSIONS[:1])
    assert [group["replicas"] for group in patched["spec"]["workerGroupSpecs"]] == [0, 0]
