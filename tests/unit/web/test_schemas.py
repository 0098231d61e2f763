"""The shapes that OpenAPI promises are the shapes that records have."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest
from jsonschema import Draft202012Validator
from jsonschema.exceptions import ValidationError
from pydantic import BaseModel

from gradio_app.base import page_readers
from gradio_app.base.errors import BY_CODE, Conflict
from gradio_app.base.options import OCR_MODES, TIERS
from gradio_app.store.states import TaskStatus
from gradio_app.web.api.schemas import (
    ERRORS,
    ErrorBody,
    NoteView,
    Problem,
    QueueView,
    Receipt,
    TaskList,
    TaskView,
)
from gradio_app.web.api.tasks import SUBMISSION
from gradio_app.web.error_answers import problem
from tests.unit.records import a_task

DONE = a_task(status=TaskStatus.COMPLETED, finished_at=1003.0, started_at=1001.0, result_sha256="d1635")
NOTED = replace(
    DONE,
    notes='[{"code": "no_text", "pages": "3", "message": "Page 3 is blank."}]',
    coverage=0.5,
    readers='{"flash": "1-2", "basic": "3"}',
)
BROKEN = a_task(status=TaskStatus.FAILED, error_code="file_corrupt", error_message="Damaged.")


def strictly(model: type[BaseModel], value: dict[str, Any]) -> None:
    """The value has exactly the fields of the model, with their types."""
    assert value.keys() == model.model_fields.keys()
    assert model.model_validate(value, strict=False).model_dump(mode="json") == value


@pytest.mark.parametrize("status", TaskStatus)
def test_a_task_has_the_shape_it_promises_to_everybody(status: TaskStatus) -> None:
    task = a_task(status=status)
    for viewer, admin in (("ann", False), ("bob", False), ("bob", True)):
        strictly(TaskView, task.to_json(viewer, admin))
    strictly(TaskView, task.to_json("ann", False, position=1, eta_seconds=2.5))


def test_errors_and_receipts_have_their_shapes_inside_a_task() -> None:
    strictly(TaskView, BROKEN.to_json("ann", False))
    strictly(ErrorBody, BROKEN.to_json("ann", False)["error"])
    strictly(Receipt, DONE.to_json("ann", False)["receipt"])


def test_notes_and_readers_have_their_shapes() -> None:
    told = NOTED.to_json("ann", False)
    strictly(TaskView, told)
    strictly(NoteView, told["notes"][0])
    assert told["receipt"]["readers"] == {"flash": "1-2", "basic": "3"} and told["tier"] == "basic"
    assert NOTED.to_json("bob", False)["notes"] == []


def test_every_error_has_the_one_shape() -> None:
    for cls in BY_CODE.values():
        strictly(Problem, json.loads(bytes(problem(cls(), {"request_id": "one"}).body)))


def test_every_error_that_a_request_can_get_is_documented() -> None:
    assert {cls.status for cls in BY_CODE.values()} <= ERRORS.keys()
    assert Conflict.status in ERRORS and all(row["model"] is Problem for row in ERRORS.values())


def test_a_list_may_come_with_or_without_the_fields_of_polling() -> None:
    task = DONE.to_json("ann", False)
    for more in (
        {"rev": 3, "next": None},
        {"rev": 3, "deleted": ["t2"], "reset": False, "places": {"t1": [1, 2.5]}},
    ):
        TaskList.model_validate({"tasks": [task], **more})


def test_models_explain_themselves() -> None:
    for model in (ErrorBody, Problem, Receipt, TaskView, TaskList, QueueView):
        assert (model.__doc__ or "").strip().endswith(".")


LONG = {"files": ["x"], "password": "x" * 1001}


def form_schema() -> dict[str, Any]:
    body = SUBMISSION["requestBody"]
    assert body["required"] is True
    return body["content"]["multipart/form-data"]["schema"]


def test_the_form_of_a_submission_is_described() -> None:
    schema = form_schema()
    Draft202012Validator.check_schema(schema)
    options = {"tier", "page_range", "ocr_mode", "priority", "use_cache", "keep_headers", "password"}
    assert set(schema["properties"]) == {"files", *options}
    assert tuple(schema["properties"]["tier"]["enum"]) == (*TIERS, *page_readers.names())
    assert tuple(schema["properties"]["ocr_mode"]["enum"]) == OCR_MODES


def test_the_defaults_of_the_form_are_valid_and_files_are_required() -> None:
    schema = form_schema()
    defaults = {name: spec["default"] for name, spec in schema["properties"].items() if "default" in spec}
    validate = Draft202012Validator(schema).validate
    validate({"files": ["x"], **defaults})
    for bad in ({}, {"files": []}, {"files": ["x"], "priority": 11}, {"files": ["x"], "tier": "turbo"}, LONG):
        with pytest.raises(ValidationError):
            validate(bad)
