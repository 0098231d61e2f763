"""Hubs of weights: which one answers, and why one does not."""

from __future__ import annotations

import os
import queue
import re
import threading
from collections.abc import Mapping
from dataclasses import dataclass

import httpx

from gradio_app.machine.weights import SMALL_MODELS

#: seconds that a hub has for its answer
PROBE_SECONDS = 3.0

_ERRNO = re.compile(r"^\[Errno -?[0-9]+\] ")


@dataclass(frozen=True, slots=True)
class Source:
    """Where weights come from (``huggingface``, ``modelscope`` or ``local``), and why."""

    name: str
    why: str


def probe(source: str, env: Mapping[str, str] | None = None, seconds: float = PROBE_SECONDS) -> Source:
    """Decides once: what was asked for; for ``auto`` Hugging Face, else ModelScope, else ``local``.

    Only ``auto`` calls anybody. Each hub is asked for one of the repositories that would be fetched, and
    has ``seconds`` for its answer. HF_ENDPOINT and MODELSCOPE_ENDPOINT name mirrors.
    """
    if source != "auto":
        return Source(source, "as asked for")
    reasons: list[str] = []
    for hub, url in addresses(os.environ if env is None else env).items():
        problem = problem_of(hub, env, seconds)
        if not problem:
            return Source(hub, "; ".join([*reasons, f"{url.split('/')[2]} answers"]))
        reasons.append(problem)
    return Source("local", "; ".join(reasons))


def problem_of(hub: str, env: Mapping[str, str] | None = None, seconds: float = 10.0) -> str:
    """Why nothing can be fetched from ``huggingface`` or ``modelscope`` now; empty when it answers.

    Takes up to ``seconds``, in a thread, as looking up a name can take far longer than any limit for a
    connection. The libraries of the hubs would try again and again for half a minute.
    """
    url = addresses(os.environ if env is None else env)[hub]
    answers: queue.SimpleQueue[str] = queue.SimpleQueue()
    threading.Thread(target=lambda: answers.put(_ask(url, seconds)), daemon=True).start()
    try:
        problem = answers.get(timeout=seconds)
    except queue.Empty:
        problem = f"did not answer within {seconds:g} s"
    return problem and f"{url.split('/')[2]} {problem}"


def addresses(env: Mapping[str, str]) -> dict[str, str]:
    """Hub -> the address that is asked whether it has MinerU's models, in the order of preference."""
    face = env.get("HF_ENDPOINT") or "https://huggingface.co"
    scope = env.get("MODELSCOPE_ENDPOINT") or env.get("MODELSCOPE_DOMAIN") or "https://modelscope.cn"
    return {
        "huggingface": f"{_with_scheme(face)}/api/models/opendatalab/{SMALL_MODELS[0]}",
        "modelscope": f"{_with_scheme(scope)}/api/v1/models/OpenDataLab/{SMALL_MODELS[0]}",
    }


def _with_scheme(address: str) -> str:
    address = address.strip().rstrip("/")
    return address if "://" in address else "https://" + address


def _ask(url: str, seconds: float) -> str:
    try:
        answer = httpx.get(url, timeout=seconds, follow_redirects=True)
    except (httpx.HTTPError, httpx.InvalidURL) as error:
        return f"cannot be reached ({_ERRNO.sub('', str(error))})"
    return "" if answer.is_success else f"answers {answer.status_code}"
