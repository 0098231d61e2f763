"""Encrypted Office files: opened with the given password, or with the one that Excel uses by itself."""

# pyright: reportMissingTypeStubs=false, reportUnknownMemberType=false, reportUnknownVariableType=false

from __future__ import annotations

from pathlib import Path
from typing import Any, BinaryIO, cast

from loguru import logger

from gradio_app.base.errors import FileEncrypted, PasswordWrong

_OLE = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"
#: Excel encrypts workbooks whose structure is protected with this one, and opens them without asking
_DEFAULT = "VelvetSweatshop"
#: rounds of hashing that a file may ask for; Office writes 100,000, which take 0.2 s
_MOST_ROUNDS = 1_000_000
#: bytes of the description of the encryption
_MOST_INFO = 2**16


def is_encrypted(path: Path) -> bool:
    """Whether a password is needed to open an Office file, of today or of before 2007."""
    with path.open("rb") as file:
        if file.read(len(_OLE)) != _OLE:
            return False
        try:
            return bool(_office(file).is_encrypted())
        except Exception:  # no Office file, or a damaged one: its reader says so
            return False


def open_encrypted(path: Path, out: Path, password: str) -> None:
    """Writes the open file. Raises ``FileEncrypted``, or ``PasswordWrong`` when one was given."""
    for one in filter(None, (password, _DEFAULT)):
        try:
            _decrypt(path, out, one)
            return
        except Exception as error:
            out.unlink(missing_ok=True)
            logger.opt(exception=error).debug("an encrypted file was not opened")
    raise PasswordWrong() if password else FileEncrypted()


def _decrypt(path: Path, out: Path, password: str) -> None:
    with path.open("rb") as file, out.open("wb") as target:
        office = _office(file)
        if getattr(office, "info", None) and office.info.get("spinValue", 0) > _MOST_ROUNDS:
            raise ValueError("the file asks for too many rounds")
        if office.format == "ooxml":
            office.load_key(password=password, verify_password=True)
        else:
            office.load_key(password=password)
        office.decrypt(target)


def _office(file: BinaryIO) -> Any:
    import msoffcrypto
    import olefile

    with cast(Any, olefile).OleFileIO(file) as ole:
        if ole.exists("EncryptionInfo"):
            if ole.get_size("EncryptionInfo") > _MOST_INFO:
                raise ValueError("the description of the encryption is too long")
            if b"<!" in ole.openstream("EncryptionInfo").read():
                raise ValueError("the description of the encryption has definitions")
    return cast(Any, msoffcrypto).OfficeFile(file)
