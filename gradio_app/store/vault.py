"""Vault: passwords of documents, encrypted with a key that lies beside the database.

Does not cover: how long a password is kept (``store``).
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

from loguru import logger

from gradio_app.base.files import sync_file

if TYPE_CHECKING:
    from cryptography.fernet import Fernet


class Vault:
    """Encrypts passwords with the key in the file ``path``; that is made when the first one comes."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def seal(self, password: str) -> str:
        """The password as the database may hold it; empty for none. The key is on the disk for good."""
        if not password:
            return ""
        return (self._read() or self._make()).encrypt(password.encode()).decode()

    def open(self, sealed: str) -> str:
        """The password; empty where there is none, or where its key is gone."""
        if not sealed:
            return ""
        from cryptography.fernet import InvalidToken

        try:
            key = self._read()
            return key.decrypt(sealed).decode() if key else ""
        except InvalidToken:
            logger.bind(action="password_lost").warning("a password cannot be read: its key was replaced")
            return ""

    def forget(self) -> None:
        """Deletes the key: no copy of what it has sealed can be read any more."""
        self._path.unlink(missing_ok=True)

    def _read(self) -> Fernet | None:
        from cryptography.fernet import Fernet

        try:
            return Fernet(self._path.read_bytes())
        except (FileNotFoundError, ValueError):
            return None

    def _make(self) -> Fernet:
        from cryptography.fernet import Fernet  # here: most servers never get a password

        key, new = Fernet.generate_key(), self._path.with_name(self._path.name + ".new")
        with open(os.open(new, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "wb") as out:
            out.write(key)
        sync_file(new)
        new.replace(self._path)
        sync_file(self._path.parent)
        return Fernet(key)
