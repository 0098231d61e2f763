"""Settings: one frozen table of name, default and help, read from flags and the environment."""

from __future__ import annotations

import argparse
import os
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import Field, dataclass, field, fields
from functools import cache
from pathlib import Path
from typing import Any, NoReturn

from gradio_app.base.host_names import fetched_hosts, host_patterns, listen_host, origins
from gradio_app.base.page_readers import known
from gradio_app.base.setting_values import (
    Network,
    absolute,
    cards,
    jail,
    log_level,
    networks,
    one_of,
    parse_duration,
    parse_gigabytes,
    parse_size,
    path,
    share,
    switch,
    whole,
)

ENV_PREFIX = "MINERU_APP_"
#: older names that other programs use too -> variables of which one must be there for the name to be ours
_ONLY_WITH = {"WORKERS": ("CUDA_MPS_PIPE_DIRECTORY", "CUDA_MPS_LOG_DIRECTORY", "GPU_MEMORY_UTILIZATION")}

#: settings that are secrets: each has a second flag and variable (``--token-file``) for a file that holds it
SECRETS = ("token", "admin_token", "sglang_api_key", "ray_token")


class SettingsInvalid(Exception):
    """A flag is unknown, or a setting has a bad value; the text names both, and what is expected instead."""


class _Parser(argparse.ArgumentParser):
    def error(self, message: str) -> NoReturn:
        raise SettingsInvalid(message)


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
    port: int = _knob("7860", whole(0, 65535), "port to listen on; 0 takes any free one", "PORT")
    data_dir: Path = _knob("./data", path, "folder for the queue, uploads and results")  # noqa: RUF009
    watch_dir: str = _knob(
        "", absolute, "folder whose files are converted automatically; results appear beside them"
    )
    root_path: str = _knob("", str, "path prefix when served behind a reverse proxy, such as /mineru")
    token: str = _knob("", str, "shared access token; empty: generated and printed when needed")
    admin_token: str = _knob(
        "", str, "access token of the administrator; empty: generated with the shared one"
    )
    users: str = _knob("", absolute, "file of user accounts for sign-in by name; see the users command")
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
        switch,
        "on: a document that anybody sent before is completed from that result; off: only one's own are",
    )
    trusted_proxies: tuple[Network, ...] = _knob(
        "",
        networks,
        "reverse proxies whose X-Forwarded headers are believed: addresses or ranges, comma-separated",
    )
    trusted_clients: tuple[Network, ...] = _knob(
        "",
        networks,
        "machines that need no key, each an owner of its own: addresses or ranges, comma-separated",
    )
    max_requests_per_minute: int = _knob(
        "3000", whole(0), "requests per minute of one user or address, with sign-in; 0: no limit"
    )
    max_file_size: int = _knob("200mb", parse_size, "largest accepted file")
    max_files: int = _knob("100", whole(1), "most files in one submission")
    fetch_addresses: frozenset[str] = _knob(
        "off",
        fetched_hosts,
        "hosts from which docling's clients may have files fetched by address: off, public (any public "
        "address), or names, which may be private, comma-separated",
    )
    max_pages: int = _knob("1000", whole(1), "most pages converted of one document", "MAX_CONVERT_PAGES")
    document_comments: bool = _knob(
        "on", switch, "comments of reviewers in Office documents are given at the end: on or off"
    )
    main_content_only: bool = _knob(
        "off",
        switch,
        "of web pages only the article, of pages no heads and feet: on; off: all that a person sees",
    )
    max_queue_per_user: int = _knob("1000", whole(1), "most unfinished tasks of one user")
    workers: int = _knob(
        _cores,
        whole(0, 256),
        "shards read at the same time; 0: only other machines of a cluster read",
    )
    worker_jail: str = _knob(
        "auto",
        jail,
        "sandbox of workers: no network, few files. required: refuse to start without it; off: only if a "
        "driver or library fails in it",
    )
    worker_memory_limit: int = _knob(
        "2gb", parse_size, "memory limit of one worker; above it the worker is stopped"
    )
    shard_pages_flash: int = _knob(
        "64", whole(8), "pages per shard at tiers flash and basic; a scanned page is a shard of its own"
    )
    task_timeout: float = _knob("15m", parse_duration, "time limit of one shard")
    retention: float = _knob("7d", parse_duration, "time until finished tasks are deleted; 0: never")
    disk_reserve: int = _knob("1gb", parse_size, "free disk space below which new tasks are refused")
    shard_pages_vlm: int = _knob("8", whole(1), "pages per shard at tiers standard and advanced")
    climb_share: float = _knob(
        "1",
        share,
        "largest share of a document's pages that the vision model reads again at tier auto; 0: it reads all "
        "pages",
    )
    workers_vlm: int = _knob("4", whole(1, 64), "shards read with the vision model at the same time")
    engine: str = _knob(
        "auto",
        one_of("auto", "sglang", "remote", "none"),
        "vision model: sglang starts a server here, remote uses sglang_url, auto chooses by what is there",
    )
    sglang_python: str = _knob("", str, "Python of an environment with SGLang; empty: .venv-sglang")
    sglang_url: str = _knob(
        "",
        str,
        "URL of a model server elsewhere, such as http://gpu:30000; several with commas",
    )
    sglang_api_key: str = _knob("", str, "key of that model server")
    reader: str = _knob(
        "mineru",
        known,
        "page model that the engine serves: mineru, or the name of a reader (see doctor)",
    )
    sglang_args: str = _knob("", str, "more flags for SGLang; they override the profile")
    gpu: str = _knob(
        "auto",
        cards,
        "cards: auto takes the one with most free memory; all or 0,2: one server on each",
    )
    engine_replicas: int = _knob(
        "1", whole(1, 8), "model servers on one card, by CUDA MPS (start_cuda_mps.sh)", "WORKERS"
    )
    gpu_share: float = _knob(
        "0",
        share,
        "largest share of a card's memory for one model server, such as 0.4; 0: all that is free",
        "GPU_MEMORY_UTILIZATION",
    )
    gpu_profile: str = _knob(
        "auto",
        one_of("auto", "8gb", "12gb", "16gb", "24gb", "max"),
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
        one_of("auto", "huggingface", "modelscope", "local"),
        "source of weights for the models command",
        "MINERU_MODEL_SOURCE",
    )
    model_dir: str = _knob("", str, "folder of model weights; empty: MinerU's own folder")
    builtin_models: str = _knob("", absolute, "folder of the built-in models; empty: in the environment")
    ray_address: str = _knob(
        "",
        str,
        "address of a Ray cluster, such as head:6379; start: start one here",
    )
    ray_token: str = _knob("", str, "password of the cluster; empty: generated for a cluster started here")
    log_level: str = _knob("info", log_level, "trace, debug, info, warning or error")
    log_format: str = _knob("text", one_of("text", "json"), "log lines: plain text, or one JSON object each")

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
