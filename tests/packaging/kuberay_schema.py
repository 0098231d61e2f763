"""The fields of KubeRay's RayCluster (ray.io/v1) that we use, in our own words; any other is a typing error.

Pod templates in it are checked by Kubernetes' own schemas (see ``test_kubernetes``).
"""

from __future__ import annotations

from typing import Any

#: what ``ray start`` is told; KubeRay takes strings only
PARAMETERS = {"type": "object", "additionalProperties": {"type": "string"}}
TEMPLATE: dict[str, Any] = {"type": "object", "required": ["spec"]}
COUNT = {"type": "integer", "minimum": 0}


def _closed(required: list[str], **properties: Any) -> dict[str, Any]:
    return {"type": "object", "properties": properties, "required": required, "additionalProperties": False}


HEAD = _closed(
    ["template"],
    serviceType={"enum": ["ClusterIP", "NodePort", "LoadBalancer"]},
    rayStartParams=PARAMETERS,
    template=TEMPLATE,
)
GROUP = _closed(
    ["groupName", "template"],
    groupName={"type": "string", "pattern": "^[a-z]([-a-z0-9]*[a-z0-9])?$"},
    replicas=COUNT,
    minReplicas=COUNT,
    maxReplicas=COUNT,
    rayStartParams=PARAMETERS,
    template=TEMPLATE,
)
RAY_CLUSTER = _closed(
    ["apiVersion", "kind", "metadata", "spec"],
    apiVersion={"const": "ray.io/v1"},
    kind={"const": "RayCluster"},
    metadata=_closed(
        ["name"],
        name={"type": "string", "pattern": "^[a-z]([-a-z0-9]*[a-z0-9])?$"},
        annotations={"type": "object", "additionalProperties": {"type": "string"}},
    ),
    spec=_closed(
        ["headGroupSpec"],
        rayVersion={"type": "string", "pattern": r"^\d+\.\d+\.\d+$"},
        enableInTreeAutoscaling={"type": "boolean"},
        headGroupSpec=HEAD,
        workerGroupSpecs={"type": "array", "items": GROUP},
    ),
)
KUSTOMIZATION = _closed(
    ["apiVersion", "kind", "resources"],
    apiVersion={"const": "kustomize.config.k8s.io/v1beta1"},
    kind={"const": "Kustomization"},
    namespace={"type": "string"},
    resources={"type": "array", "items": {"type": "string"}},
    images={
        "type": "array",
        "items": _closed(
            ["name"], name={"type": "string"}, newName={"type": "string"}, newTag={"type": "string"}
        ),
    },
    secretGenerator={
        "type": "array",
        "items": _closed(
            ["name"], name={"type": "string"}, envs={"type": "array", "items": {"type": "string"}}
        ),
    },
    generatorOptions=_closed([], disableNameSuffixHash={"type": "boolean"}),
    patches={
        "type": "array",
        "items": _closed(
            ["target", "patch"],
            target=_closed(
                ["kind"],
                group={"type": "string"},
                version={"type": "string"},
                kind={"type": "string"},
                name={"type": "string"},
            ),
            patch={"type": "string"},
        ),
    },
)
