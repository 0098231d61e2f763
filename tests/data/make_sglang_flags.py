"""Writes gradio_app/model_server/sglang_flags.json: the flags of the SGLang that this script runs with.

Run it with the Python of SGLang's environment, from the project's folder, whenever the pinned version
moves: ``.venv-sglang/bin/python tests/data/make_sglang_flags.py``.
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path
from typing import Any

TARGET = Path(__file__).parents[2] / "gradio_app/model_server/sglang_flags.json"


def row(action: argparse.Action) -> list[Any]:
    """One flag: its names, how many values it takes (as argparse says it), their type, and the choices."""
    values = 1 if action.nargs is None else action.nargs
    kind = getattr(action.type, "__name__", "str")
    kind = "size" if kind == "human_readable_int" else kind
    choices = [str(choice) for choice in action.choices or []]
    return [action.option_strings, values, kind if kind in ("int", "float", "size") else "str", choices]


def main() -> None:
    """Asks SGLang's parser, writes one line a flag."""
    import sglang  # pyright: ignore[reportMissingImports]
    from sglang.srt.server_args import ServerArgs  # pyright: ignore[reportMissingImports]

    parser = argparse.ArgumentParser()
    ServerArgs.add_cli_args(parser)
    rows = [row(action) for action in parser._actions if action.option_strings]
    lines = ",\n".join(json.dumps(line) for line in sorted(rows))
    version = json.dumps(sglang.__version__)
    TARGET.write_text(f'{{"version": {version}, "flags": [\n{lines}\n]}}\n', encoding="utf-8")
    print(f"{len(rows)} flags of SGLang {sglang.__version__} in {TARGET}")


if __name__ == "__main__":
    main()
