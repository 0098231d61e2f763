"""The one command line: ``python -m gradio_app MODE [flags]``. A mode loads its own module only."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from importlib import import_module

from gradio_app.base import hidden_arguments, settings

#: mode -> the module whose ``main`` runs it, and what it does
MODES: dict[str, tuple[str, str]] = {
    "gradio": ("gradio_app.app", "serve the page and the API"),
    "sglang": ("gradio_app.commands.sglang", "run the SGLang server with the profile of this card"),
    "api": ("gradio_app.commands.api.service", "run the LitServe service, without page and queue"),
    "client": ("gradio_app.commands.api.client", "send a folder of documents to LitServe services"),
    "worker": ("gradio_app.commands.worker", "join this machine to a cluster"),
    "models": ("gradio_app.commands.models", "fetch the model weights"),
    "users": ("gradio_app.commands.users", "say who may sign in by name"),
    "backup": ("gradio_app.commands.backup", "copy the data folder while the server runs"),
    "monitor": ("gradio_app.commands.monitor", "watch memory, load and the engine"),
    "doctor": ("gradio_app.commands.doctor", "say what was found, what would be used, what is missing"),
}


def usage() -> str:
    """All modes, a line each."""
    rows = "\n".join(f"  {mode:<8} {text}" for mode, (_, text) in MODES.items())
    flags = "'MODE --help' shows the flags of a mode."
    return f"Usage: python -m gradio_app MODE [flags]\n\nModes:\n{rows}\n\n{flags}"


def main(argv: Sequence[str] | None = None) -> None:
    """Runs a mode. Exit code 2, with a sentence on stderr, for an unknown mode or a bad setting.

    Flags without a mode go to ``gradio``: the image was called that way before it had modes.
    """
    words = (sys.argv[1:] if argv is None else list(argv)) or ["--help"]
    mode, flags = ("gradio", words) if words[0].startswith("-") else (words[0], words[1:])
    if words[0] in ("-h", "--help"):
        sys.stdout.write(usage() + "\n")
    elif mode not in MODES:
        sys.stderr.write(f"There is no mode {mode!r}. See: python -m gradio_app --help\n")
        raise SystemExit(2)
    else:
        try:
            import_module(MODES[mode][0]).main(flags)
        except settings.SettingsInvalid as error:
            sys.stderr.write(f"{settings.usage()}start_mineru_optimized.sh {mode}: error: {error}\n")
            raise SystemExit(2) from None


if __name__ == "__main__":
    main(hidden_arguments.hide())
