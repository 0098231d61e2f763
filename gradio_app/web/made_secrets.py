"""Secrets that a start makes, and how people get them: on a terminal, else in a private file; in no log."""

from __future__ import annotations

import os
import sys
from pathlib import Path

from loguru import logger


def tell(given: dict[str, str], made: dict[str, str], file: Path) -> None:
    """Shows lines with secrets on the terminal, if there is one. Those of ``made`` ones go into ``file`` too.

    ``given`` and ``made``: what a line is for -> the line. Secrets that somebody gave are not written down.
    """
    file.unlink(missing_ok=True)
    if made:
        with open(file, "x", opener=lambda path, flags: os.open(path, flags, 0o600)) as out:
            out.writelines(f"{what}: {line}\n" for what, line in made.items())
    if sys.stderr.isatty():
        sys.stderr.writelines(f"  {what}: {line}\n" for what, line in (given | made).items())
        sys.stderr.flush()
    elif made:
        logger.bind(action="sign_in_file").info("the generated secrets are in {}, for this user only", file)
