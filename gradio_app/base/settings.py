"""Settings: one frozen table of name, default and help, read from flags and the environment."""

from __future__ import annotations

import argparse
import ipaddress
import os
import re
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import Field, dataclass, field, fields
from functools import cache
from pathlib import Path
from typing import Any, NoReturn

from gradio_app.base.host_names import host_patterns, listen_host, origins

Network = ipaddress.IPv4Network | ipaddress.IPv6Network
ENV_PREFIX = "MINERU_APP_"
#: older names that other programs use too -> variables of which one must be there for the name to be ours
_ONLY_WITH = {"WORKERS": ("CUDA_MPS_PIPE_DIRECTORY", "CUDA_MPS_LOG_DIRECTORY", "GPU_MEMORY_UTILIZATION")}

#: settings that are secrets: each has a second flag and variable (``--token-file``) for a file that holds it
SECRETS = ("token", "admin_token", "sglang_api_key", "ray_token")

_SIZE_UNITS = {"": 1, "b": 1, "k": 2**10, "kb": 2**10, "m": 2**20, "mb": 2**20, "g": 2**30, "gb": 2**30}
_TIME_UNITS = {"": 1, "s": 1, "m": 60, "min": 60, "h": 3600, "d": 86400, "w": 604800}


class SettingsInvalid(Exception):
    """A flag is unknown, or a setting has a bad value; the text names both, and what is expected instead."""


class _Parser(argparse.ArgumentParser):
    def error(self, message: str) -> NoReturn:
        raise SettingsInvalid(message)


def parse_size(text: str) -> int:
    """Bytes from ``200mb``, ``1gb`` or a plain number (powers of 1024)."""
    return int(_with_unit(text, _SIZE_UNITS, "a size such as 200mb or 2gb"))


def parse_duration(text: str) -> float:
    """Seconds from ``90``, ``10m``, ``12h`` or ``7d``."""
    return _with_unit(text, _TIME_UNITS, "a time such as 90s, 10m, 12h or 7d")


def _with_unit(text: str, units: Mapping[str, int], what: str) -> float:
    match = re.fullmatch(r"\s*(\d+(?:\.\d+)?)\s*([a-z]*)\s*", text.lower())
    if match is None or match[2] not in units:
        raise ValueError(f"expected {what}, not {text!r}")
    return float(match[1]) * units[match[2]]


def _whole(minimum: int, maximum: int | None = None) -> Callable[[str], int]:
    def parse(text: str) -> int:
        value = int(text)
        if value < minimum or (maximum is not None and value > maximum):
            upper = "" if maximum is None else f" and at most {maximum}"
            raise ValueError(f"must be at least {minimum}{upper}, not {value}")
        return value

    return parse


def _one_of(*choices: str) -> Callable[[str], str]:
    def parse(text: str) -> str:
        value = text.strip().lower()
        if value not in choices:
            raise ValueError(f"expected one of {', '.join(choices)}, not {text!r}")
        return value

    return parse


def _jail(text: str) -> str:
    value = _one_of("auto", "required", "off", "on")(text)
    return "auto" if value == "on" else value  # as it was called before


def _cards(text: str) -> str:
    value = "".join(text.lower().split())
    numbers = value.split(",")
    if value in ("auto", "all"):
        return value
    if not all(number.isdecimal() for number in numbers):
        raise ValueError(f"expected auto, all, the number of a card, or several such as 0,2, not {text!r}")
    return ",".join(dict.fromkeys(str(int(number)) for number in numbers))


def _share(text: str) -> float:
    value = float(text)
    if not 0 <= value <= 1:
        raise ValueError(f"expected a share such as 0.4, or 0, not {text!r}")
    return value


def parse_gigabytes(text: str) -> int:
    """Bytes from ``8`` (gigabytes, as MinerU writes the size of a card) or ``8gb``."""
    return parse_size(text if re.search("[a-z]", text.lower()) else text + "gb")


def _log_level(text: str) -> str:
    return _one_of("trace", "debug", "info", "warning", "error")(text).upper()


def _switch(text: str) -> bool:
    return _one_of("on", "off")(text) == "on"


def _networks(text: str) -> tuple[Network, ...]:
    try:
        return tuple(ipaddress.ip_network(part.strip()) for part in text.split(",") if part.strip())
    except ValueError:
        raise ValueError(f"expected addresses such as 127.0.0.1 or 10.0.0.0/8, not {text!r}") from None


def _absolute(text: str) -> str:
    return str(Path(text).expanduser().absolute()) if text else ""


def _path(text: str) -> Path:
    return Path(text).expanduser()


def _knob(default: Any, parse: Callable[[str], Any], text: str, *aliases: str) -> Any:
    """One row: a default as a person would type it, its parser, its help, older environment names."""
    factory = (lambda: parse(default)) if isinstance(default, str) else default
    shown = default if isinstance(default, str) else "number of cores"
    meta = {"parse": parse, "help": text, "aliases": aliases, "shown": shown}
    return field(default_factory=factory, metadata=meta)


def _cores() -> int:
    usable = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    return max(1, usable or 1)


@dataclass(frozen=True, slots=True)
class Settings:
    """All settings; sizes in bytes, times in seconds."""

    host: str = _knob("127.0.0.1", listen_host, "address to listen on; 0.0.0.0 for the whole network", "HOST")
    port: int = _knob("7860", _whole(0, 65535), "port to listen on; 0 takes any free one", "PORT")
    data_dir: Path = _knob("./data", _path, "folder for the queue, uploads and results")  # noqa: RUF009
    watch_dir: str = _knob(
        "", _absolute, "folder whose files are converted automatically; results appear beside them"
    )
    root_path: str = _knob("", str, "path prefix when served behind a reverse proxy, such as /mineru")
    token: str = _knob("", str, "shared access token; empty: generated and printed when needed")
    admin_token: str = _knob(
        "", str, "access token of the administrator; empty: generated with the shared one"
    )
    users: str = _knob("", _absolute, "file of user accounts for sign-in by name; see the users command")
    allowed_hosts: frozenset[str] = _knob(
        "",
        host_patterns,
        "accepted host names, comma-separated, such as papers.lan or *.lan; empty: any with sign-in, else "
        "loopback names",
    )
    allowed_origins: frozenset[str] = _knob(
        "",
        origins,
        "origins of other pages or apps that may use a browser's sign-in, comma-separated",
    )
    share_cache: bool = _knob(
        "off",
        _switch,
        "on: a document that anybody sent before is completed from that result; off: only one's own are",
    )
    trusted_proxies: tuple[Network, ...] = _knob(
        "",
        _networks,
        "reverse proxies whose X-Forwarded headers are believed: addresses or ranges, comma-separated",
    )
    max_requests_per_minute: int = _knob(
        "3000", _whole(0), "requests per minute of one user or address, with sign-in; 0: no limit"
    )
    max_file_size: int = _knob("200mb", parse_size, "largest accepted file")
    max_files: int = _knob("100", _whole(1), "most files in one submission")
    max_pages: int = _knob("1000", _whole(1), "most pages converted of one document", "MAX_CONVERT_PAGES")
    max_queue_per_user: int = _knob("1000", _whole(1), "most unfinished tasks of one user")
    workers: int = _knob(
        _cores,
        _whole(0, 256),
        "shards read at the same time; 0: only other machines of a cluster read",
    )
    worker_jail: str = _knob(
        "auto",
        _jail,
        "sandbox of workers: no network, few files. required: refuse to start without it; off: only if a "
        "driver or library fails in it",
    )
    worker_memory_limit: int = _knob(
        "2gb", parse_size, "memory limit of one worker; above it the worker is stopped"
    )
    shard_pages_flash: int = _knob(
        "64", _whole(8), "pages per shard at tiers flash and basic; a scanned page is a shard of its own"
    )
    task_timeout: float = _knob("15m", parse_duration, "time limit of one shard")
    retention: float = _knob("7d", parse_duration, "time until finished tasks are deleted; 0: never")
    disk_reserve: int = _knob("1gb", parse_size, "free disk space below which new tasks are refused")
    shard_pages_vlm: int = _knob("8", _whole(1), "pages per shard at tiers standard and advanced")
    workers_vlm: int = _knob("4", _whole(1, 64), "shards read with the vision model at the same time")
    engine: str = _knob(
        "auto",
        _one_of("auto", "sglang", "remote", "none"),
        "vision model: sglang starts a server here, remote uses sglang_url, auto chooses by what is there",
    )
    sglang_python: str = _knob("", str, "Python of an environment with SGLang; empty: .venv-sglang")
    sglang_url: str = _knob(
        "",
        str,
        "URL of a model server elsewhere, such as http://gpu:30000; several with commas",
    )
    sglang_api_key: str = _knob("", str, "key of that model server")
    sglang_args: str = _knob("", str, "more flags for SGLang; they override the profile")
    gpu: str = _knob(
        "auto",
        _cards,
        "cards: auto takes the one with most free memory; all or 0,2: one server on each",
    )
    engine_replicas: int = _knob(
        "1", _whole(1, 8), "model servers on one card, by CUDA MPS (start_cuda_mps.sh)", "WORKERS"
    )
    gpu_share: float = _knob(
        "0",
        _share,
        "largest share of a card's memory for one model server, such as 0.4; 0: all that is free",
        "GPU_MEMORY_UTILIZATION",
    )
    gpu_profile: str = _knob(
        "auto",
        _one_of("auto", "8gb", "12gb", "16gb", "24gb", "max"),
        "memory profile of the card; auto: by its size",
    )
    gpu_memory: int = _knob(
        "0", parse_gigabytes, "plan for a card of this many GB; 0: its real size", "MINERU_VIRTUAL_VRAM_SIZE"
    )
    gpu_idle_timeout: float = _knob(
        "60s", parse_duration, "idle time until the model sleeps; 0: never", "GPU_IDLE_TIMEOUT"
    )
    gpu_release_timeout: float = _knob(
        "10m", parse_duration, "idle time until the model server is stopped; 0: never"
    )
    engine_patience: float = _knob(
        "5m", parse_duration, "how long tasks wait for a model server that does not answer"
    )
    model_source: str = _knob(
        "auto",
        _one_of("auto", "huggingface", "modelscope", "local"),
        "source of weights for the models command",
        "MINERU_MODEL_SOURCE",
    )
    model_dir: str = _knob("", str, "folder of model weights; empty: MinerU's own folder")
    builtin_models: str = _knob("", _absolute, "folder of the built-in models; empty: in the environment")
    ray_address: str = _knob(
        "",
        str,
        "address of a Ray cluster, such as head:6379; start: start one here",
    )
    ray_token: str = _knob("", str, "password of the cluster; empty: generated for a cluster started here")
    log_level: str = _knob("info", _log_level, "trace, debug, info, warning or error")
    log_format: str = _knob("text", _one_of("text", "json"), "log lines: plain text, or one JSON object each")

    @classmethod
    def load(cls, argv: Sequence[str] | None = None, env: Mapping[str, str] | None = None) -> Settings:
        """Settings from flags, else ``MINERU_APP_*``, else older names, else defaults.

        Raises ``SettingsInvalid`` for an unknown flag or a bad value. ``--help`` ends with code 0.
        """
        env = os.environ if env is None else env
        flags = vars(_parser().parse_args([] if argv is None else list(argv)))
        values: dict[str, Any] = {}
        for spec in fields(cls):
            source, text = _given(spec, flags, env)
            if text is None:
                continue
            try:
                values[spec.name] = spec.metadata["parse"](text)
            except (ValueError, OverflowError, RuntimeError) as error:
                raise SettingsInvalid(f"{source}: {error}") from None
        return cls(**values)


def _given(
    spec: Field[Any], flags: Mapping[str, str | None], env: Mapping[str, str]
) -> tuple[str, str | None]:
    """Where the value of a setting comes from, and its text (None: not given)."""
    flag, file = flags.get(spec.name), flags.get(f"{spec.name}_file")
    if flag is not None:
        return flag_name(spec.name), flag
    if file:
        return flag_name(f"{spec.name}_file"), secret_in(file)
    for name in _variables(spec):
        ours = name not in _ONLY_WITH or any(map(env.get, _ONLY_WITH[name]))
        if env.get(name) and ours:
            return name, env[name]
    if spec.name in SECRETS:
        return spec.name, secret_of(env, ENV_PREFIX + spec.name.upper()) or None
    return spec.name, None


def secret_of(env: Mapping[str, str], variable: str) -> str:
    """A secret from a variable, else from the file that ``variable`` with ``_FILE`` names; empty: neither.

    Raises ``SettingsInvalid`` when that file cannot be read or is empty.
    """
    file = env.get(f"{variable}_FILE")
    return env.get(variable) or (secret_in(file) if file else "")


def secret_in(file: str) -> str:
    """The secret in a file, without white space around it. Raises ``SettingsInvalid`` that names the file."""
    try:
        text = Path(file).expanduser().read_text("utf-8").strip()
    except (OSError, RuntimeError, UnicodeError) as error:
        raise SettingsInvalid(f"The secret in {file} cannot be read: {error}") from None
    if not text:
        # nobody who names a file means a server without a password
        raise SettingsInvalid(f"The file {file} should hold a secret, and is empty.")
    return text


def _variables(spec: Field[Any]) -> tuple[str, ...]:
    return (ENV_PREFIX + spec.name.upper(), *spec.metadata["aliases"])


def older_names(env: Mapping[str, str]) -> list[str]:
    """What is understood of the variables of older deployments with CUDA MPS, in sentences for the log."""
    told: list[str] = []
    for spec in fields(Settings):
        source, text = _given(spec, {}, env)
        if spec.name in ("engine_replicas", "gpu_share") and not source.startswith(ENV_PREFIX) and text:
            told.append(f"{source}={text} is understood as the setting {spec.name}.")
    for name in ("CUDA_MPS_PIPE_DIRECTORY", "CUDA_MPS_LOG_DIRECTORY"):
        if env.get(name):
            told.append(f"{name}={env[name]} is handed on to the model servers.")
    return told


def usage() -> str:
    """All flags in short, for who gave a wrong one."""
    return _parser().format_usage()


def flag_name(name: str) -> str:
    """``data_dir`` -> ``--data-dir``."""
    return "--" + name.replace("_", "-")


def describe() -> list[dict[str, str]]:
    """The table for documents and ``--help``: name, flag, variables, default, help."""
    rows: list[dict[str, str]] = []
    for spec in fields(Settings):
        rows.append(_row(spec.name, _variables(spec), spec.metadata["shown"], spec.metadata["help"]))
        if spec.name in SECRETS:
            name = f"{spec.name}_file"
            rows.append(_row(name, (ENV_PREFIX + name.upper(),), "", f"file that holds {spec.name}"))
    return rows


def _row(name: str, variables: Sequence[str], default: str, text: str) -> dict[str, str]:
    return {
        "name": name,
        "flag": flag_name(name),
        "env": ", ".join(variables),
        "default": default,
        "help": text,
    }


@cache  # with its fifty flags it takes as long as all else here
def _parser() -> argparse.ArgumentParser:
    parser = _Parser(
        prog="start_mineru_optimized.sh gradio",
        description="Serve the page, the REST API and the queue.",
        epilog="Every flag can also be set as an environment variable, such as MINERU_APP_DATA_DIR.",
        allow_abbrev=False,
    )
    add_flags(parser, [row["name"] for row in describe()])
    return parser


def add_flags(parser: argparse.ArgumentParser, names: Collection[str], **defaults: str) -> None:
    """Adds the flags of these settings to the parser of a mode, whose ``defaults`` may be others."""
    for row in describe():
        if (name := row["name"]) in names:
            text = f"{row['help']} (default: {defaults.get(name) or row['default'] or 'none'})"
            parser.add_argument(row["flag"], dest=name, metavar=name.upper(), help=text.replace("%", "%%"))


def given_flags(flags: argparse.Namespace, names: Iterable[str]) -> list[str]:
    """Those of these settings that were given to such a parser, as words for ``Settings.load``."""
    return [
        word
        for name in names
        if (text := getattr(flags, name)) is not None
        for word in (flag_name(name), text)
    ]
