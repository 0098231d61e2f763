"""Each family of routes has its shape of errors; all other addresses have ours."""

from __future__ import annotations

import json

import pytest

from gradio_app.base.errors import BY_CODE, AppError, NotFound
from gradio_app.web.compat.errors import in_detail, in_error, in_fields, shape_of
from gradio_app.web.error_answers import problem


@pytest.mark.parametrize(
    ("path", "shape"),
    [
        ("/file_parse", in_detail),
        ("/tasks", in_detail),
        ("/tasks/x/result", in_detail),
        ("/v1/convert/file/async", in_detail),
        ("/v1alpha/convert/source", in_detail),
        ("/v1/status/poll/x", in_detail),
        ("/v1/result/x", in_detail),
        ("/version", in_detail),
        ("/v1/uploads/x/content", in_error),
        ("/v1/convertible", in_error),
        ("/v1", in_error),
        ("/convert", in_fields),
        ("/api/v1/tasks", None),
        ("/tasksx", None),
        ("/v12/tasks", None),
        ("/convert/file", None),
        ("//file_parse", None),
        ("/", None),
    ],
)
def test_the_address_tells_the_shape(path: str, shape: object) -> None:
    assert shape_of(path) is shape


@pytest.mark.parametrize("error", BY_CODE.values(), ids=list(BY_CODE))
def test_every_error_can_be_read_by_every_family(error: type[AppError]) -> None:
    def told(path: str) -> dict[str, object]:
        answer = problem(error(), {"path": f"/prefix{path}", "root_path": "/prefix", "request_id": "r1"})
        assert answer.status_code == error.status
        found = json.loads(bytes(answer.body))
        assert '"request_id":"r1"' in bytes(answer.body).decode()
        return found

    sentence = error().message
    assert told("/file_parse")["detail"] == told("/v1/result/1")["detail"] == sentence
    v1 = told("/v1/parse/jobs")["error"]
    assert isinstance(v1, dict) and (v1["message"], v1["code"]) == (sentence, error.code)
    assert {"type", "param"} < set(v1)
    assert told("/convert")["error"] == sentence
    ours = told("/api/v1/tasks")["error"]
    assert isinstance(ours, dict) and ours["message"] == sentence


def test_the_kind_of_an_error_follows_its_status() -> None:
    assert in_error(NotFound(), "")["error"]["type"] == "invalid_request_error"
    assert in_error(BY_CODE["unauthorized"](), "")["error"]["type"] == "authentication_error"
    assert in_error(BY_CODE["forbidden"](), "")["error"]["type"] == "permission_error"
    assert in_error(AppError(), "")["error"]["type"] == "api_error"
