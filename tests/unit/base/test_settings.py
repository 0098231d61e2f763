"""Settings: where values come from, what they may be, and that each is explained."""

from __future__ import annotations

import os
from dataclasses import FrozenInstanceError, fields
from ipaddress import ip_network
from pathlib import Path
from typing import Any

import pytest

from gradio_app.__main__ import main
from gradio_app.base.settings import (
    SECRETS,
    Settings,
    SettingsInvalid,
    describe,
    flag_name,
    older_names,
)

MB, GB, DAY = 2**20, 2**30, 86400.0
CORES = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()

#: name -> default; what the documents say
DEFAULTS: dict[str, Any] = {
    "host": "127.0.0.1",
    "port": 7860,
    "data_dir": Path("data"),
    "watch_dir": "",
    "root_path": "",
    "token": "",
    "admin_token": "",
    "users": "",
    "allowed_hosts": frozenset(),
    "allowed_origins": frozenset(),
    "share_cache": False,
    "trusted_proxies": (),
    "trusted_clients": (),
    "max_requests_per_minute": 3000,
    "max_file_size": 200 * MB,
    "max_files": 100,
    "fetch_addresses": frozenset(),
    "max_pages": 1000,
    "document_comments": True,
    "main_content_only": False,
    "max_queue_per_user": 1000,
    "workers": CORES,
    "worker_jail": "auto",
    "worker_memory_limit": 2 * GB,
    "shard_pages_flash": 64,
    "task_timeout": 900.0,
    "retention": 7 * DAY,
    "disk_reserve": 1 * GB,
    "shard_pages_vlm": 8,
    "climb_share": 1.0,
    "workers_vlm": 4,
    "engine": "auto",
    "sglang_python": "",
    "sglang_url": "",
    "sglang_api_key": "",
    "reader": "mineru",
    "sglang_args": "",
    "gpu": "auto",
    "engine_replicas": 1,
    "gpu_share": 0.0,
    "gpu_profile": "auto",
    "gpu_memory": 0,
    "gpu_idle_timeout": 60.0,
    "gpu_release_timeout": 600.0,
    "engine_patience": 300.0,
    "model_source": "auto",
    "model_dir": "",
    "builtin_models": "",
    "ray_address": "",
    "ray_token": "",
    "log_level": "INFO",
    "log_format": "text",
}

#: name -> a text as a person types it, and what it means
GIVEN: dict[str, tuple[str, Any]] = {
    "host": ("0.0.0.0", "0.0.0.0"),
    "port": ("0", 0),
    "data_dir": ("/srv/papers", Path("/srv/papers")),
    "watch_dir": ("/srv/inbox", "/srv/inbox"),
    "root_path": ("/mineru", "/mineru"),
    "token": ("secret", "secret"),
    "admin_token": ("secret", "secret"),
    "users": ("/srv/users.txt", "/srv/users.txt"),
    "allowed_hosts": ("Papers.lan, 10.0.0.5,", frozenset({"papers.lan", "10.0.0.5"})),
    "allowed_origins": ("https://Papers.lan/,app://x", frozenset({"https://papers.lan", "app://x"})),
    "share_cache": ("On", True),
    "trusted_proxies": ("10.0.0.0/8, ::1", (ip_network("10.0.0.0/8"), ip_network("::1"))),
    "trusted_clients": ("10.0.0.5,192.168.1.0/24", (ip_network("10.0.0.5"), ip_network("192.168.1.0/24"))),
    "max_requests_per_minute": ("60", 60),
    "max_file_size": ("1.5gb", 1536 * MB),
    "max_files": ("3", 3),
    "fetch_addresses": ("public, Files.lan", frozenset({"public", "files.lan"})),
    "max_pages": ("20", 20),
    "document_comments": ("off", False),
    "main_content_only": ("on", True),
    "max_queue_per_user": ("7", 7),
    "workers": ("5", 5),
    "worker_jail": ("off", "off"),
    "worker_memory_limit": ("512m", 512 * MB),
    "shard_pages_flash": ("8", 8),
    "task_timeout": ("90", 90.0),
    "retention": ("12h", DAY / 2),
    "disk_reserve": ("0", 0),
    "shard_pages_vlm": ("4", 4),
    "climb_share": ("0.5", 0.5),
    "workers_vlm": ("6", 6),
    "engine": ("Remote", "remote"),
    "sglang_python": ("/opt/sglang/bin/python", "/opt/sglang/bin/python"),
    "sglang_url": ("http://gpu:30000", "http://gpu:30000"),
    "sglang_api_key": ("secret", "secret"),
    "reader": ("DeepSeek-OCR-2", "deepseek-ocr-2"),
    "sglang_args": ("--device cpu", "--device cpu"),
    "gpu": ("0, 2,02", "0,2"),
    "engine_replicas": ("2", 2),
    "gpu_share": ("0.4", 0.4),
    "gpu_profile": ("12GB", "12gb"),
    "gpu_memory": ("8", 8 * 1024 * MB),
    "gpu_idle_timeout": ("2m", 120.0),
    "gpu_release_timeout": ("0", 0.0),
    "engine_patience": ("20", 20.0),
    "model_source": ("modelscope", "modelscope"),
    "model_dir": ("/srv/models", "/srv/models"),
    "builtin_models": ("/srv/onnx", "/srv/onnx"),
    "ray_address": ("start", "start"),
    "ray_token": ("secret", "secret"),
    "log_level": (" Debug ", "DEBUG"),
    "log_format": (" JSON ", "json"),
}

#: older environment name -> setting
OLDER = {
    "HOST": "host",
    "PORT": "port",
    "MAX_CONVERT_PAGES": "max_pages",
    "MINERU_VIRTUAL_VRAM_SIZE": "gpu_memory",
    "GPU_IDLE_TIMEOUT": "gpu_idle_timeout",
    "GPU_MEMORY_UTILIZATION": "gpu_share",
    "MINERU_MODEL_SOURCE": "model_source",
}

#: any text will do there
ANY_TEXT = {
    "root_path",
    "token",
    "model_dir",
    "admin_token",
    "ray_address",
    "ray_token",
}
ANY_TEXT |= {"sglang_python", "sglang_url", "sglang_api_key", "sglang_args"}

#: two more good texts of settings that take no numbers
OTHER = {"model_source": ("huggingface", "local"), "gpu_share": ("0.3", "0.5")}

BAD = {
    "reader": ["", "nobody", "../mineru", "dots mocr"],
    "port": ["http", "-1", "65536", "1.5", ""],
    "data_dir": ["~nobody-has-this-name/data"],
    "watch_dir": ["~nobody-has-this-name/inbox"],
    "users": ["~nobody-has-this-name/users.txt"],
    "builtin_models": ["~nobody-has-this-name/models"],
    "host": ["[::1]:80", "http://0.0.0.0", "localhost:7860", "[localhost]"],
    "allowed_hosts": ["*", "*.*.lan", "a b", "https://x/y", "x:99999", "-x", "lan,*"],
    "allowed_origins": ["*", "null", "papers.lan", "https://x/y", "https://*.lan", "https://a@b"],
    "share_cache": ["maybe", "1"],
    "trusted_proxies": ["localhost", "10.0.0.0/33", "10.0.0.1/8", "127.0.0.1;::1"],
    "trusted_clients": ["ragflow", "10.0.0.0/33", "10.0.0.1/8"],
    "max_requests_per_minute": ["-1", "many"],
    "max_file_size": ["lots", "5 parsecs", "-1", "9" * 400],
    "max_files": ["0", "-3", "many"],
    "fetch_addresses": ["a b", "*"],
    "max_pages": ["0", "9" * 5000],
    "document_comments": ["x"],
    "main_content_only": ["x"],
    "max_queue_per_user": ["0"],
    "workers": ["-1", "257", "two"],
    "worker_jail": ["maybe", "true"],
    "worker_memory_limit": ["2 tons"],
    "shard_pages_flash": ["7"],
    "task_timeout": ["soon"],
    "retention": ["7 years", "1d2h"],
    "disk_reserve": ["-1gb"],
    "shard_pages_vlm": ["0"],
    "climb_share": ["2", "-0.1", "half"],
    "workers_vlm": ["0", "65"],
    "engine": ["vllm", "local"],
    "gpu": ["first", "-1", "0,", "0-1", "all,0"],
    "engine_replicas": ["0", "9", "some"],
    "gpu_share": ["1.1", "-0.1", "nan", "40%"],
    "gpu_profile": ["9gb", "min"],
    "gpu_memory": ["big"],
    "gpu_idle_timeout": ["-1"],
    "gpu_release_timeout": ["never"],
    "engine_patience": ["long"],
    "model_source": ["s3"],
    "log_level": ["loud", ""],
    "log_format": ["xml", ""],
}


def test_the_defaults_are_those_of_the_documents() -> None:
    assert {spec.name: getattr(Settings.load([], {}), spec.name) for spec in fields(Settings)} == DEFAULTS


def test_making_them_without_loading_gives_the_defaults_too() -> None:
    assert Settings() == Settings.load([], {})


def test_the_tables_of_this_test_are_complete() -> None:
    assert GIVEN.keys() == DEFAULTS.keys()
    assert BAD.keys() == DEFAULTS.keys() - ANY_TEXT


@pytest.mark.parametrize(("name", "text", "value"), [(name, *pair) for name, pair in GIVEN.items()])
def test_each_setting_can_be_a_flag_or_a_variable(name: str, text: str, value: Any) -> None:
    expected = Settings(**{name: value})
    assert Settings.load([flag_name(name), text], {}) == expected
    assert Settings.load([f"{flag_name(name)}={text}"], {}) == expected
    assert Settings.load([], {f"MINERU_APP_{name.upper()}": text}) == expected
    assert expected != Settings()


@pytest.mark.parametrize(("older", "name"), OLDER.items())
def test_older_names_keep_working(older: str, name: str) -> None:
    text, value = GIVEN[name]
    assert Settings.load([], {older: text}) == Settings(**{name: value})


@pytest.mark.parametrize(("older", "name"), OLDER.items())
def test_a_flag_beats_the_variable_and_that_the_older_name(older: str, name: str) -> None:
    text, other = GIVEN[name][0], OTHER.get(name, ("1", "2"))
    env = {older: other[1], f"MINERU_APP_{name.upper()}": other[0]}

    def plain(value: str) -> Any:
        return getattr(Settings.load([flag_name(name), value], {}), name)

    assert getattr(Settings.load([flag_name(name), text], env), name) == plain(text)
    assert getattr(Settings.load([], env), name) == plain(other[0])
    assert getattr(Settings.load([], {older: other[1]}), name) == plain(other[1])


def test_an_empty_variable_counts_as_not_set() -> None:
    assert Settings.load([], {"MINERU_APP_PORT": "", "PORT": "81"}).port == 81
    assert Settings.load([], {"MINERU_APP_PORT": "", "PORT": ""}).port == 7860


def test_an_empty_flag_counts_as_set() -> None:
    assert Settings.load(["--token", ""], {"MINERU_APP_TOKEN": "secret"}).token == ""


@pytest.mark.parametrize("name", SECRETS)
def test_a_secret_can_be_in_a_file(name: str, tmp_path: Path) -> None:
    file, variable = tmp_path / "secret", f"MINERU_APP_{name.upper()}"
    file.write_text("from the file\n")
    values: dict[str, Any] = {name: "from the file"}
    of_file = Settings(**values)
    assert Settings.load([f"{flag_name(name)}-file", str(file)], {variable: "of before"}) == of_file
    assert Settings.load([], {f"{variable}_FILE": str(file)}) == of_file
    assert getattr(Settings.load([], {f"{variable}_FILE": str(file), variable: "near"}), name) == "near"
    assert (
        getattr(Settings.load([flag_name(name), "typed"], {f"{variable}_FILE": str(file)}), name) == "typed"
    )


@pytest.mark.parametrize("content", [None, b"", b" \n", b"\xff"])
def test_a_file_without_a_secret_is_refused(content: bytes | None, tmp_path: Path) -> None:
    """A server that was meant to have a password must not run without one."""
    file = tmp_path / "token"
    if content is not None:
        file.write_bytes(content)
    with pytest.raises(SettingsInvalid, match=str(file)):
        Settings.load([], {"MINERU_APP_TOKEN_FILE": str(file)})


def test_the_environment_is_that_of_the_process(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MINERU_APP_MAX_FILES", "9")
    assert Settings.load([]).max_files == 9


def test_a_home_folder_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", "/home/ann")
    assert Settings.load(["--data-dir", "~/papers"], {}).data_dir == Path("/home/ann/papers")


@pytest.mark.parametrize(("name", "text"), [(name, text) for name, texts in BAD.items() for text in texts])
def test_a_bad_value_ends_the_program_and_names_the_setting(
    name: str, text: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as caught:
        main(["doctor", f"{flag_name(name)}={text}"])
    told = capsys.readouterr().err
    assert caught.value.code == 2
    assert f"error: {flag_name(name)}: " in told and "Traceback" not in told


@pytest.mark.parametrize("variable", ["MINERU_APP_PORT", "PORT"])
def test_a_bad_variable_is_named_as_it_was_written(variable: str) -> None:
    told = f"^{variable}: must be at least 0 and at most 65535, not 99999$"
    with pytest.raises(SettingsInvalid, match=told):
        Settings.load([], {variable: "99999"})


@pytest.mark.parametrize("flag", ["--prot=1", "--data=/srv", "7860"])
def test_an_unknown_flag_is_refused_also_when_it_is_the_start_of_one(
    flag: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SettingsInvalid, match="unrecognized arguments"):
        Settings.load([flag], {})
    with pytest.raises(SystemExit, match="2"):
        main(["doctor", flag])
    told = capsys.readouterr().err
    assert told.startswith("usage: ") and "doctor: error: unrecognized arguments" in told


def test_help_tells_of_every_setting_and_ends_well(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit, match="0"):
        Settings.load(["--help"], {})
    told = " ".join(capsys.readouterr().out.split())
    for row in describe():
        assert row["flag"] in told
        assert f"(default: {row['default'] or 'none'})" in told


def test_the_table_for_documents_has_a_full_row_for_each() -> None:
    rows = {row["name"]: row for row in describe()}
    files = {f"{name}_file" for name in SECRETS}
    assert [name for name in rows if name not in files] == [spec.name for spec in fields(Settings)]
    assert files < rows.keys()
    for row in rows.values():
        assert len(row["help"]) > 10 and row["flag"] == flag_name(row["name"])
    assert rows["port"] == {
        "name": "port",
        "flag": "--port",
        "env": "MINERU_APP_PORT, PORT",
        "default": "7860",
        "help": "port to listen on; 0 takes any free one",
    }
    assert rows["workers"]["default"] == "number of cores"


def test_settings_do_not_change() -> None:
    with pytest.raises(FrozenInstanceError):
        Settings().port = 1  # type: ignore[misc]


def test_workers_of_older_deployments_are_replicas_only_where_mps_is_meant() -> None:
    assert Settings.load([], {"WORKERS": "2"}).engine_replicas == 1
    assert older_names({"WORKERS": "2"}) == []
    older = {"WORKERS": "2", "GPU_MEMORY_UTILIZATION": "0.4", "CUDA_MPS_PIPE_DIRECTORY": "/tmp/mps"}
    settings = Settings.load([], older)
    assert (settings.engine_replicas, settings.gpu_share, settings.workers) == (2, 0.4, CORES)
    assert Settings.load([], {**older, "MINERU_APP_ENGINE_REPLICAS": "3"}).engine_replicas == 3
    told = older_names(older)
    assert len(told) == 3 and "WORKERS=2" in told[0] and "engine_replicas" in told[0]
    assert older_names({"MINERU_APP_ENGINE_REPLICAS": "3", "MINERU_APP_GPU_SHARE": "0.4"}) == []
