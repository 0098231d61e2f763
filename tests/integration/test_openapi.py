"""The API keeps to its own description: every operation of /openapi.json, with made-up arguments.

Schemathesis makes the requests and knows the checks. Its plugin for pytest is off (``-p no:schemathesis``)
as it would slow down each start of pytest, so the operations are walked through here.
"""

from __future__ import annotations

import random
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import schemathesis
from hypothesis import HealthCheck, Phase, given, settings
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from tests.documents import paper_pdf, text_pdf
from tests.live import LiveServer

pytestmark = pytest.mark.integration

CHECKS: Any = [
    not_a_server_error,
    status_code_conformance,
    content_type_conformance,
    response_schema_conformance,
]
#: never ends by itself, so that no answer could be judged; tests/integration/test_rest.py reads it
STREAMS = {"GET /api/v1/events"}
EXAMPLES = settings(
    max_examples=8,
    deadline=None,
    derandomize=True,
    database=None,
    phases=[Phase.explicit, Phase.generate],
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.filter_too_much, HealthCheck.data_too_large],
)


def _known(server: LiveServer) -> list[str]:
    """Tasks in different states, for the operations that take one."""
    made = [server.submit("paper.pdf", paper_pdf(2)), server.submit("broken.pdf", b"no pdf at all")]
    for task_id in made:
        server.end(task_id)
    return [*made, server.submit("long.pdf", text_pdf(100), use_cache="false")]


def _try(operation: Any, before: Callable[[Any], None]) -> None:
    @EXAMPLES
    @given(case=operation.as_strategy())
    def call(case: Any) -> None:
        before(case)
        case.call_and_validate(checks=CHECKS, timeout=60)

    call()


def _operations(server: LiveServer) -> dict[str, Any]:
    schema: Any = schemathesis.openapi.from_url(f"{server.url}/openapi.json")
    found = [result.ok() for result in schema.get_all_operations()]
    return {operation.label: operation for operation in found if operation.label not in STREAMS}


@pytest.mark.slow
def test_every_operation_answers_as_described(tmp_path: Path) -> None:
    """On a server of its own: uploads that made-up requests leave behind would count against other tests."""
    with LiveServer(tmp_path / "data", "--workers", "1") as server:
        _try_every_operation(server)


def _try_every_operation(server: LiveServer) -> None:
    faults, rng = dict[str, str](), random.Random(1)
    known = _known(server)

    def nothing(case: Any) -> None:
        # a wait of an hour is within what is described
        case.query = {name: value for name, value in (case.query or {}).items() if name != "wait"}

    def a_real_task(case: Any) -> None:
        nothing(case)
        case.path_parameters["task_id"] = rng.choice(known)

    operations = _operations(server)
    assert len(operations) >= 20
    for label in sorted(operations, key=lambda label: label.startswith("DELETE")):
        ways = [nothing, a_real_task] if "{task_id}" in label else [nothing]
        for way in ways:
            try:
                _try(operations[label], way)
            except (Exception, BaseExceptionGroup) as error:
                inner = error.exceptions if isinstance(error, BaseExceptionGroup) else [error]
                faults[f"{label} ({way.__name__})"] = "\n".join(str(one)[:600] for one in inner)
    assert faults == {}, "\n\n".join(f"{label}:\n{text}" for label, text in faults.items())
    assert server.client.get("/ready", headers={"Accept": "*/*"}).status_code == 200


def test_the_description_names_every_route(server: LiveServer, tmp_path: Path) -> None:
    """What is served but not described could not be tested above."""
    described = set(server.client.get("/openapi.json").json()["paths"])
    asked = {
        "/api/v1/tasks",
        "/api/v1/queue",
        "/health",
        "/ready",
        "/metrics",
        "/gpu/status",
        "/api/v1/events",
    }
    assert asked <= described
