"""The start script and the built-in models: when it fetches them, and that a failure stops nothing."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.packaging.start_script import TABLE, House


@pytest.fixture
def house(tmp_path: Path) -> House:
    """Whose fetching leaves a file, where the environment has its models."""
    made = House(tmp_path)
    made.env["MODELS_MADE"] = str(folder_of(made))
    return made


def folder_of(house: House) -> Path:
    return house.root / ".venv/share/mineru-optimized/models"


@pytest.mark.parametrize("mode", ["setup", "gradio", "api", "worker"])
def test_they_come_with_the_environment_and_once(house: House, mode: str) -> None:
    assert house.start(mode).code == 0
    assert house.fetches.read_text() == "-P -m gradio_app models --source builtin\n"
    assert house.start(mode).code == 0 and house.start("gradio").code == 0
    assert house.model_calls() == 1


@pytest.mark.parametrize("mode", ["doctor", "models", "client", "users", "monitor", "backup", "sglang"])
def test_modes_that_read_nothing_do_not_fetch_them(house: House, mode: str) -> None:
    assert house.start(mode).code == 0
    assert house.model_calls() == 0


def test_an_environment_from_before_they_came_gets_them(house: House) -> None:
    assert house.start("setup").code == 0
    (house.root / ".venv/.ready-models").unlink()
    house.calls.unlink()
    assert house.start("gradio").code == 0
    assert (house.model_calls(), house.uv_calls()) == (2, [])


@pytest.mark.parametrize("change", ["gone", "cut", "folder", "table"])
def test_what_is_gone_cut_or_replaced_by_a_newer_table_is_fetched(house: House, change: str) -> None:
    assert house.start("setup").code == 0
    file = folder_of(house) / "a.onnx"
    match change:
        case "gone":
            file.unlink()
        case "cut":
            file.write_text("1")
        case "folder":
            file.unlink()
            file.parent.rmdir()
        case _:
            with (house.root / TABLE).open("a") as table:
                table.write("# one more model\n")
    for expected in (2, 2):
        assert house.start("gradio").code == 0
        assert house.model_calls() == expected


def test_a_failure_starts_nevertheless_and_is_tried_once_more(house: House) -> None:
    first = house.start("gradio", MODELS_END="1")
    assert first.code == 0 and "<gradio_app>\n<gradio>" in first.out
    assert "The next start tries again." in first.err
    assert house.start("gradio", MODELS_END="1").code == 0
    third = house.start("gradio", MODELS_END="1")  # an air-gapped machine does not wait at each start
    assert (third.code, third.err, house.model_calls()) == (0, "", 2)
    folder_of(house).mkdir(parents=True)
    (folder_of(house) / "a.onnx").touch()  # somebody copied the files: they are checked once
    assert house.start("gradio").code == 0 and house.start("gradio").code == 0
    assert house.model_calls() == 3


def test_a_failure_then_a_success_then_another_failure_has_two_tries_again(house: House) -> None:
    for end, expected in (("1", 1), ("", 2), ("", 2)):
        assert house.start("gradio", MODELS_END=end).code == 0
        assert house.model_calls() == expected
    (folder_of(house) / "a.onnx").unlink()
    for expected in (3, 4, 4):
        assert house.start("gradio", MODELS_END="1").code == 0
        assert house.model_calls() == expected


@pytest.mark.parametrize("code", [130, 143])
def test_ctrl_c_while_they_are_fetched_starts_nothing(house: House, code: int) -> None:
    done = house.start("gradio", MODELS_END=str(code))
    assert (done.code, done.out) == (code, "")
    assert house.start("gradio").code == 0 and house.model_calls() == 2


def test_a_folder_of_ones_own_is_watched_by_variable_and_left_alone_by_flag(
    house: House, tmp_path: Path
) -> None:
    own = tmp_path / "a folder"
    more = {"MODELS_MADE": str(own), "MINERU_APP_BUILTIN_MODELS": str(own)}
    for _ in range(2):
        assert house.start("gradio", **more).code == 0
        assert house.model_calls() == 1
    (own / "a.onnx").unlink()
    assert house.start("gradio", "--builtin-models", str(own), **more).code == 0
    assert house.model_calls() == 1
    assert house.start("gradio", **more).code == 0
    assert house.model_calls() == 2


def test_secrets_do_not_reach_the_fetching(house: House) -> None:
    done = house.start("gradio", "--token", "geheim", FAKE_SHOWS="MINERU_APP_HIDDEN_ARGUMENTS")
    assert "shown=geheim" in done.out
    assert "geheim" not in house.fetches.read_text() and house.model_calls() == 1
