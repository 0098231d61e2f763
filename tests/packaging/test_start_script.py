"""The start script: what it answers, what it passes on, and when it makes the environment."""

from __future__ import annotations

import os
import shutil
import sys
from pathlib import Path

import pytest

from gradio_app.__main__ import MODES
from tests.packaging.start_script import FAKE_PYTHON, ROOT, SCRIPT, House


@pytest.fixture
def house(tmp_path: Path) -> House:
    return House(tmp_path)


def test_the_api_mode_has_an_environment_with_more_in_it(house: House) -> None:
    done = house.start("api", "--port", "8000")
    assert done.code == 0 and "<gradio_app>\n<api>" in done.out
    assert any(".[api]" in call for call in house.uv_calls())
    house.calls.unlink()
    assert [house.start(mode).code for mode in ("api", "gradio")] == [0, 0] and house.uv_calls() == []


@pytest.fixture
def ready(house: House) -> House:
    assert house.start("setup").code == 0
    house.calls.unlink()
    return house


@pytest.mark.parametrize("arguments", [[], ["--help"], ["-h"]])
def test_usage_lists_every_mode(house: House, arguments: list[str]) -> None:
    done = house.start(*arguments)
    assert done.code == 0
    listed = [line.split()[0] for line in done.out.splitlines() if line.startswith("  ")]
    assert listed == [*MODES, "setup", "--gpu", "--cluster", "--dev", "--sglang"]
    assert house.uv_calls() == []


def test_an_unknown_mode_is_refused(house: House) -> None:
    done = house.start("fly", "--fast")
    assert (done.code, done.out) == (2, "")
    assert "no mode 'fly'" in done.err


def test_a_cluster_has_an_environment_with_more_in_it(house: House) -> None:
    done = house.start("worker", "--address", "head:6379")
    assert done.code == 0 and "<gradio_app>\n<worker>" in done.out
    assert any(".[cluster]" in call for call in house.uv_calls())
    house.calls.unlink()
    again = house.start("gradio", "--ray-address", "start")
    assert again.code == 0 and house.uv_calls() == []


@pytest.mark.parametrize("flags", [["--everything"], ["--dev", "--sglang"], ["--gpu", "--dev"]])
def test_setup_takes_one_flag_that_it_knows(house: House, flags: list[str]) -> None:
    done = house.start("setup", *flags)
    assert done.code == 2
    assert " ".join(flags) in done.err
    assert house.uv_calls() == []


@pytest.mark.parametrize("mode", ["gradio", "models", "monitor", "users", "doctor"])
def test_flags_arrive_as_they_were_typed(ready: House, mode: str) -> None:
    flags = ["--name", "two words", "", "a'b\"c", "$HOME", "*", "--help", "line\nbreak"]
    running = ready.popen(mode, *flags)
    done = running.wait_for_end()
    first, rest = done.out.split("\n", 1)
    assert rest == "".join(f"<{argument}>\n" for argument in ["-P", "-m", "gradio_app", mode, *flags])
    assert done.err == ""
    assert f"analytics=False pid={running.process.pid}" in first  # exec: signals reach it
    assert ready.uv_calls() == []


def test_it_starts_from_anywhere_and_through_links(ready: House, tmp_path: Path) -> None:
    links = tmp_path / "links"
    links.mkdir()
    (links / "relative").symlink_to(f"../{ready.root.name}/{SCRIPT}")
    (links / "twice").symlink_to("relative")
    for script, cwd in [
        (str(links / "twice"), "/"),
        ("./relative", str(links)),
        (f"{ready.root.name}/{SCRIPT}", str(tmp_path)),
    ]:
        done = ready.popen("gradio", "x", script=script, cwd=cwd, CDPATH="/usr").wait_for_end()
        assert (done.code, done.err) == (0, "")
        assert f"cwd={cwd} " in done.out  # relative paths among the flags mean what they meant
    assert ready.uv_calls() == []


def test_the_first_start_installs_what_is_pinned(house: House) -> None:
    done = house.start("gradio")
    assert done.code == 0
    assert "Setting up the environment (once, about a minute)..." in done.err
    venv, pip = house.uv_calls()
    assert venv.startswith("venv --python /")
    python = house.root / ".venv/bin/python"
    # compiled at once: a start compiles 2,000 files otherwise, each time where it may not write
    assert pip == f"pip install --compile-bytecode --python {python} -c constraints.txt -e ."


def test_a_changed_lock_installs_again_into_the_same_environment(ready: House) -> None:
    with (ready.root / "constraints.txt").open("a") as lock:
        lock.write("one-more==1.0\n")
    assert ready.start("gradio").code == 0
    assert [call.split()[0] for call in ready.uv_calls()] == ["pip"]


def test_an_environment_that_was_moved_is_made_again(ready: House, tmp_path: Path) -> None:
    moved = tmp_path / "moved"
    ready.root.rename(moved)
    assert ready.start("gradio", script=moved / SCRIPT).code == 0
    assert ready.uv_calls() != []


def test_an_environment_without_its_python_is_made_again(ready: House) -> None:
    (ready.root / ".venv/bin/python").unlink()
    assert ready.start("gradio").code == 0
    assert [call.split()[0] for call in ready.uv_calls()] == ["venv", "pip"]


def test_dev_is_a_stamp_of_its_own_and_covers_the_rest(house: House) -> None:
    assert house.start("setup").code == 0
    assert house.start("setup", "--dev").code == 0
    assert house.start("setup", "--dev").code == 0
    assert house.start("gradio").code == 0
    assert [call.rsplit(maxsplit=1)[1] for call in house.uv_calls() if "pip" in call] == [".", ".[dev]"]


def test_torch_comes_with_a_flag_into_the_same_environment_and_beside_the_tools(house: House) -> None:
    for flag in ("--gpu", "--gpu", "--dev", "--gpu"):
        done = house.start("setup", flag)
        assert done.code == 0
    assert done.err == ""  # the last one found everything there
    assert house.start("gradio").code == 0
    venv, *pips = house.uv_calls()
    assert venv.endswith(" .venv")
    assert [pip.rsplit(" -c ")[1] for pip in pips] == [
        "constraints.txt -e .[gpu]",
        "constraints.txt -e .[dev]",
    ]


def test_a_changed_lock_brings_torch_up_to_date_when_asked(house: House) -> None:
    assert house.start("setup", "--gpu").code == 0
    with (house.root / "constraints.txt").open("a") as lock:
        lock.write("one-more==1.0\n")
    assert house.start("setup", "--gpu").code == 0
    assert [call.rsplit(maxsplit=1)[1] for call in house.uv_calls() if "pip" in call] == [".[gpu]"] * 2


def test_a_failed_install_of_torch_names_the_room_that_it_needs(house: House) -> None:
    done = house.start("setup", "--gpu", UV_FAILS="1")
    assert done.code == 1
    assert "(once, several GB, some minutes)" in done.err
    assert "12 GB free" in done.err
    assert not (house.root / ".venv/.ready-gpu").exists()


def test_sglang_has_an_environment_of_its_own(house: House) -> None:
    first, again = (house.start("setup", "--sglang") for _ in range(2))
    assert (first.code, again.code, again.err) == (0, 0, "")
    assert "SGLang is ready." in first.err
    venv, pip = house.uv_calls()  # the second one did nothing
    assert venv.endswith(" .venv-sglang")
    python = house.root / ".venv-sglang/bin/python"
    assert pip == f"pip install --compile-bytecode --python {python} sglang==0.5.23"
    assert not (house.root / ".venv").exists()


def test_a_failed_install_of_sglang_shows_why_and_can_be_tried_again(house: House) -> None:
    done = house.start("setup", "--sglang", UV_FAILS="1")
    assert done.code == 1
    assert "| no route to the index" in done.err
    assert "15 GB free" in done.err
    assert house.start("setup", "--sglang").code == 0


def test_an_interrupted_install_of_sglang_is_made_again_from_nothing(house: House) -> None:
    house.start("setup", "--sglang", UV_KILLS="1")
    (house.root / ".venv-sglang/half a package").touch()
    assert house.start("setup", "--sglang").code == 0
    assert [call.split()[0] for call in house.uv_calls()] == ["venv", "pip"] * 2
    assert not (house.root / ".venv-sglang/half a package").exists()


def test_an_older_sglang_is_replaced(house: House) -> None:
    assert house.start("setup", "--sglang").code == 0
    (house.root / ".venv-sglang/.ready").write_text("sglang==0.5.22\n")
    assert house.start("setup", "--sglang").code == 0
    assert [call.split()[0] for call in house.uv_calls()] == ["venv", "pip", "pip"]


def test_a_mac_is_told_that_sglang_is_not_for_it(house: House) -> None:
    house.write(house.bin / "uname", "#!/bin/sh\necho Darwin\n")
    done = house.start("setup", "--sglang")
    assert (done.code, house.uv_calls()) == (1, [])
    assert "--sglang-url" in done.err


def test_an_interrupted_install_is_made_again_from_nothing(house: House) -> None:
    house.start("setup", UV_KILLS="1")
    assert (house.root / ".venv/bin/python").exists()
    (house.root / ".venv/half a package").touch()
    done = house.start("gradio")
    assert done.code == 0
    assert "did not finish" in done.err
    assert [call.split()[0] for call in house.uv_calls()] == ["venv", "pip"] * 2
    assert not (house.root / ".venv/half a package").exists()


def test_a_failed_install_shows_why_and_starts_nothing(house: House) -> None:
    done = house.start("gradio", UV_FAILS="1")
    assert (done.code, done.out) == (1, "")
    assert "| no route to the index" in done.err
    assert "Then start again" in done.err
    assert house.start("gradio").code == 0


def test_two_starts_at_once_make_one_environment(house: House) -> None:
    both = [house.popen("gradio", UV_SLEEP="0.3") for _ in range(2)]
    assert [running.wait_for_end().code for running in both] == [0, 0]
    assert [call.split()[0] for call in house.uv_calls()] == ["venv", "pip"]


def test_the_lock_does_not_outlive_the_setup(house: House) -> None:
    house.write(house.bin / "fake_python", FAKE_PYTHON + "exec sleep 20\n")
    running = house.popen("gradio")
    try:
        assert running.process.stdout is not None
        assert running.process.stdout.readline().startswith("cwd=")  # the service is up, and stays
        with (house.root / "pyproject.toml").open("a") as project:
            project.write("\n")
        assert "waiting" not in house.start("setup").err
    finally:
        running.process.kill()
        running.wait_for_end()


def test_no_python_is_said_clearly(house: House, tmp_path: Path) -> None:
    tools = tmp_path / "tools"
    tools.mkdir()
    for name in ("bash", "cat", "cksum", "env", "readlink"):
        found = shutil.which(name)
        assert found is not None
        (tools / name).symlink_to(found)
    house.write(tools / "python3", "#!/bin/sh\nexit 1\n")  # one that is too old
    done = house.start("gradio", PATH=str(tools), PYTHON="")
    assert done.code == 1
    assert "No Python from 3.11" in done.err
    assert "apt install" in done.err
    assert "brew install" in done.err
    assert not (house.root / ".venv").exists()


def test_a_wrong_choice_of_python_is_said_clearly(house: House) -> None:
    done = house.start("gradio", PYTHON="/bin/false")
    assert done.code == 1
    assert "PYTHON=/bin/false" in done.err


def test_a_python_without_venv_names_the_package(house: House) -> None:
    (house.bin / "uv").unlink()
    no_venv = f"""#!/bin/sh
        case $2 in
        *ensurepip*) exit 1 ;;
        *_base_executable*) echo "$0" ;;
        *) exec '{sys.executable}' "$@" ;;
        esac
    """
    house.write(house.bin / "no_venv", no_venv)
    done = house.start("gradio", PYTHON=str(house.bin / "no_venv"))
    assert done.code == 1
    assert "apt install python3-venv" in done.err


def test_without_uv_it_is_pip_that_installs(house: House) -> None:
    (house.bin / "uv").unlink()
    house.write(
        house.bin / "python",
        f"""#!/bin/sh
        case "$*" in
        *_base_executable*) echo "$0" ;;
        "-m venv "*) mkdir -p "$3/bin" && cp "$0" "$3/bin/python" ;;
        "-m pip install"*) echo "$@" >>"$UV_CALLS" ;;
        "-m pip --version") ;;
        -P*) ;;
        *) exec '{sys.executable}' "$@" ;;
        esac
        """,
    )
    done = house.start("gradio", PYTHON=str(house.bin / "python"))
    assert (done.code, house.uv_calls()) == (
        0,
        ["-m pip install --disable-pip-version-check -c constraints.txt -e ."],
    )
    assert house.start("setup", "--sglang", PYTHON=str(house.bin / "python")).code == 0
    assert house.uv_calls()[1:] == ["-m pip install --disable-pip-version-check sglang==0.5.23"]


def test_a_house_that_cannot_be_written_is_said_clearly(house: House) -> None:
    (house.root / ".venv.lock").mkdir()  # as root writes everywhere, a folder is in the way
    done = house.start("gradio")
    assert done.code == 1
    assert f"Cannot write to {house.root}" in done.err


def test_the_script_is_an_executable() -> None:
    assert os.access(ROOT / SCRIPT, os.X_OK)
    assert os.access(ROOT / ".ci/run", os.X_OK)
