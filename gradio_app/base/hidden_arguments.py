"""Secrets on the command line: moves them into a variable, as every user of a machine reads command lines.

The process starts itself anew, with ``***`` in place of each secret. ``start_mineru_optimized.sh`` does the
same before it makes an environment, with the same list of flags and the same variable.
"""

from __future__ import annotations

import contextlib
import os
import sys
from collections.abc import MutableMapping, Sequence

#: flags of SGLang whose value is a secret; the ``sglang`` mode takes them too
OF_SGLANG = ("--api-key", "--admin-api-key", "--ssl-keyfile-password")
#: flags whose value is a secret
FLAGS = ("--token", "--admin-token", "--sglang-api-key", "--ray-token", *OF_SGLANG)
#: holds the secrets on their way to the new start, in the order of their flags
VARIABLE = "MINERU_APP_HIDDEN_ARGUMENTS"
MARK = "***"
_SEPARATOR = "\x1f"


def masked(words: Sequence[str]) -> tuple[list[str], list[str]]:
    """A command line with ``MARK`` in place of each secret, and the secrets. One that is hidden stays so."""
    found, secrets = list(words), list[str]()
    for index, name, value in _secrets(words):
        if value != MARK:
            found[index] = name + MARK
            secrets.append(value)
    return found, secrets


def restored(words: Sequence[str], env: MutableMapping[str, str]) -> list[str]:
    """The command line as it was typed. Takes the variable away, so that no child gets it."""
    found, secrets = list(words), env.pop(VARIABLE, "").split(_SEPARATOR)
    for index, name, value in _secrets(words):
        if value == MARK and secrets:
            found[index] = name + secrets.pop(0)
    return found


def _secrets(words: Sequence[str]) -> list[tuple[int, str, str]]:
    """Index of each word with a secret, what stands before it in that word (``--token=``), and its value."""
    found: list[tuple[int, str, str]] = []
    follows = False
    for index, word in enumerate(words):
        name, equals, value = word.partition("=")
        if follows:
            found.append((index, "", word))
        elif equals and name in FLAGS:
            found.append((index, name + equals, value))
        follows = not follows and word in FLAGS
    return found


def hide() -> list[str]:
    """The flags of this process. With a secret among them it starts anew, under the same process id."""
    typed = sys.argv[1:]
    flags, (hidden, secrets) = restored(typed, os.environ), masked(typed)
    if secrets:
        start = sys.orig_argv[1 : len(sys.orig_argv) - len(typed)]
        every = masked(flags)[1]
        with contextlib.suppress(OSError):  # then it runs with what is seen
            env = {**os.environ, VARIABLE: _SEPARATOR.join(every)}
            os.execve(sys.executable, [sys.executable, *start, *hidden], env)
    return flags
