"""What runs beside the service: alarms and dashboard, checked by Prometheus' own tool; the system unit."""

from __future__ import annotations

import configparser
import json
import re
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml

from gradio_app.base.settings import describe

ROOT = Path(__file__).parents[2]
EXAMPLES = ROOT / "docs" / "examples"
ALERTS = EXAMPLES / "alerts.yml"
DASHBOARD: dict[str, Any] = json.loads((EXAMPLES / "grafana.json").read_text("utf-8"))


def promtool(*arguments: str) -> None:
    tool = shutil.which("promtool")
    assert tool, "make test-tools installs it"
    done = subprocess.run([tool, *arguments], capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


def queries() -> list[str]:
    """What the panels ask for, the variable filled in."""
    targets = [target for panel in DASHBOARD["panels"] for target in panel["targets"]]
    return [target["expr"].replace("$instance", ".*") for target in targets]


def rules() -> list[dict[str, Any]]:
    return yaml.safe_load(ALERTS.read_text("utf-8"))["groups"][0]["rules"]


def test_each_alarm_fires_when_it_should(tmp_path: Path) -> None:
    text = (ROOT / "tests" / "data" / "alerts_test.yml").read_text("utf-8")
    tested = set(re.findall(r"alertname: (\w+)", text))
    assert {rule["alert"] for rule in rules()} == tested
    (tmp_path / "test.yml").write_text(text.replace("ALERTS", str(ALERTS)))
    promtool("check", "rules", str(ALERTS))
    promtool("test", "rules", str(tmp_path / "test.yml"))


def test_each_alarm_says_what_to_do() -> None:
    for rule in rules():
        assert rule["annotations"]["what_to_do"].endswith("."), rule["alert"]
        assert rule["labels"]["severity"] in ("warning", "critical")


def test_the_dashboard_asks_what_prometheus_understands(tmp_path: Path) -> None:
    recorded = [{"record": f"panel:{number}", "expr": query} for number, query in enumerate(queries())]
    (tmp_path / "rules.yml").write_text(yaml.safe_dump({"groups": [{"name": "panels", "rules": recorded}]}))
    promtool("check", "rules", str(tmp_path / "rules.yml"))
    places = [tuple(panel["gridPos"][key] for key in "xy") for panel in DASHBOARD["panels"]]
    assert len(set(places)) == len(places) and all(panel["title"] for panel in DASHBOARD["panels"])


def test_nothing_is_asked_for_that_is_not_told() -> None:
    source = (ROOT / "gradio_app" / "web" / "metrics.py").read_text("utf-8")
    told = {f"mineru_app_{name}" for name in re.findall(r'_(?:gauge|counter)\("(\w+)"', source)}
    told |= {f"mineru_app_card_{name}" for name in ("used_bytes", "total_bytes", "load", "temperature")}
    asked = set(re.findall(r"mineru_app_\w+", " ".join([*queries(), *(rule["expr"] for rule in rules())])))
    assert {name.removesuffix("_total") for name in asked} - told == set()


def test_the_system_service_starts_what_is_there() -> None:
    unit = configparser.ConfigParser(strict=False, interpolation=None)
    unit.optionxform = str  # type: ignore[assignment, method-assign]
    unit.read(EXAMPLES / "mineru-optimized.service")
    assert unit.sections() == ["Unit", "Service", "Install"]
    service = unit["Service"]
    program, mode = service["ExecStart"].split()
    assert Path(program).name == "start_mineru_optimized.sh" and mode == "gradio"
    assert (ROOT / Path(program).name).is_file()
    assert str(Path(program).parent) == service["WorkingDirectory"] in service["ReadWritePaths"]
    known = {name for row in describe() for name in row["env"].split(", ")}
    given = dict(part.split("=", 1) for part in service["Environment"].split())
    assert given.keys() <= known and given["MINERU_APP_DATA_DIR"] in service["ReadWritePaths"]
    assert float(service["TimeoutStopSec"]) > 5


@pytest.mark.parametrize(
    "name",
    ["alerts.yml", "grafana.json", "mineru-optimized.service", "mineru-worker.service", "nginx.conf"],
)
def test_each_example_is_named_in_the_documents(name: str) -> None:
    documents = "".join(
        path.read_text("utf-8") for path in [*ROOT.glob("*.md"), *(ROOT / "docs").glob("*.md")]
    )
    assert f"examples/{name}" in documents
