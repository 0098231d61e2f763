"""The users file: who may sign in by name.

One user a line: ``name:password:role:key``. The password is a scrypt hash, as the command writes it (a
plain one is taken too); the role is empty or ``admin``; the key is the SHA-256 of a key for scripts.
"""

from __future__ import annotations

import contextlib
import hashlib
import hmac
import os
import re
import secrets
from base64 import b64decode, b64encode
from dataclasses import dataclass
from pathlib import Path

from loguru import logger

from gradio_app.base.errors import AppError

#: scrypt's cost; one of the equal choices of the OWASP Password Storage Cheat Sheet (16 MB, about 0.2 s)
_N, _R, _P = 2**14, 8, 5
#: names that owners of another kind have
_TAKEN = frozenset({"local", "token", "admin", "probe", "watch"})
_NAME = re.compile(r"[\w.@+-]{1,64}")
_HEAD = "# name:password:role:key - written by ./start_mineru_optimized.sh users\n"


class UsersFileBroken(AppError):
    """The users file cannot be read."""


@dataclass(frozen=True, slots=True)
class User:
    """A line of the file. ``password`` is a hash or plain, ``key`` the SHA-256 of a key, or empty."""

    name: str
    password: str
    admin: bool = False
    key: str = ""

    def line(self) -> str:
        """As it stands in the file."""
        return f"{self.name}:{self.password}:{'admin' if self.admin else ''}:{self.key}".rstrip(":")


def hash_password(password: str) -> str:
    """``scrypt$N$r$p$salt$hash``, salt and hash in base 64."""
    salt = secrets.token_bytes(16)
    digest = _scrypt(password, salt, _N, _R, _P)
    return f"scrypt${_N}${_R}${_P}${b64encode(salt).decode()}${b64encode(digest).decode()}"


def password_fits(password: str, stored: str) -> bool:
    """Whether a password is the one that ``stored`` came from. Slow on purpose: call it in a thread."""
    if not stored.startswith("scrypt$"):
        return hmac.compare_digest(password.encode(), stored.encode())
    try:
        _, n, r, p, salt, digest = stored.split("$")
        found = _scrypt(password, b64decode(salt), int(n), int(r), int(p))
        return hmac.compare_digest(found, b64decode(digest))
    except ValueError:
        return False


def hash_key(key: str) -> str:
    """What the file holds of a key for scripts: it has 256 random bits, so a fast hash is enough."""
    return hashlib.sha256(key.encode()).hexdigest()


def _scrypt(password: str, salt: bytes, n: int, r: int, p: int) -> bytes:
    return hashlib.scrypt(password.encode(), salt=salt, n=n, r=r, p=p, maxmem=2**26, dklen=32)


def parse(text: str) -> dict[str, User]:
    """Users by name; ``UsersFileBroken`` names the first line that is none."""
    users: dict[str, User] = {}
    for number, line in enumerate(text.splitlines(), 1):
        if not line.strip() or line.startswith("#"):
            continue
        user = _parse_line(line.strip())
        if isinstance(user, str) or user.name in users:
            reason = user if isinstance(user, str) else f"{user.name} stands there twice"
            raise UsersFileBroken(f"Line {number} of the users file: {reason}.")
        users[user.name] = user
    return users


def _parse_line(line: str) -> User | str:
    """The user of a line, or what is wrong with it (without the password)."""
    name, password, role, key = (*line.split(":"), "", "", "")[:4]
    if why := bad_name(name):
        return why
    if line.count(":") > 3 or role not in ("", "user", "admin"):
        return "expected name:password, then perhaps :admin, then perhaps :key (no colon in a plain password)"
    if not password or (key and not re.fullmatch("[0-9a-f]{64}", key)):
        return f"{name} has no password" if not password else f"{name} has a broken key"
    return User(name, password, role == "admin", key)


def bad_name(name: str) -> str:
    """Why a name cannot be had; empty when it can."""
    if not _NAME.fullmatch(name):
        return f"{name[:40]!r} is no name: letters, digits and . _ @ + - are, up to 64 of them"
    if name.lower() in _TAKEN or name.lower().startswith("guest-"):
        return f"{name!r} is a name that the server uses itself"
    return ""


class Users:
    """The users of a running server. Follows the file, so that adding or removing one needs no restart."""

    def __init__(self, path: str | Path) -> None:
        self._path = Path(path)
        self._seen = self._stamp()
        self._users = read(self._path)
        self._dummy = hash_password(secrets.token_hex(8))
        if plain := [user.name for user in self._users.values() if not user.password.startswith("scrypt$")]:
            logger.warning("plain passwords in {}: {}; 'users add' makes hashed ones", path, ", ".join(plain))

    def get(self, name: str) -> User | None:
        """A user, if there is one of this name now."""
        self._follow()
        return self._users.get(name)

    def by_key(self, key: str) -> User | None:
        """Whose key for scripts this is."""
        self._follow()
        digest = hash_key(key)
        return next((user for user in self._users.values() if user.key and user.key == digest), None)

    def check(self, name: str, password: str) -> User | None:
        """The user, if the password is theirs. Takes as long for a name that nobody has; use a thread."""
        user = self.get(name)
        fits = password_fits(password, user.password if user else self._dummy)
        return user if fits else None

    def _stamp(self) -> tuple[int, int, int] | None:
        with contextlib.suppress(OSError):
            found = self._path.stat()
            return found.st_mtime_ns, found.st_ino, found.st_size
        return None

    def _follow(self) -> None:
        stamp = self._stamp()
        if stamp == self._seen:
            return
        self._seen = stamp
        try:
            self._users = read(self._path)
        except UsersFileBroken as error:  # half written, perhaps: those who were there stay
            logger.error("{} Nothing was changed.", error.message)


def read(path: Path) -> dict[str, User]:
    """The users of a file; ``UsersFileBroken`` with a sentence."""
    try:
        return parse(path.read_text("utf-8"))
    except OSError as error:
        raise UsersFileBroken(
            f"The users file {path} cannot be read: {error.strerror}. "
            "Make one with './start_mineru_optimized.sh users add NAME'."
        ) from None
    except UnicodeDecodeError:
        raise UsersFileBroken(f"The users file {path} is not text.") from None


def write(path: Path, users: dict[str, User]) -> None:
    """Replaces the file in one step; only its owner may read it."""
    new = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        with open(os.open(new, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w", encoding="utf-8") as out:
            out.write(_HEAD + "".join(user.line() + "\n" for user in users.values()))
        new.replace(path)
    finally:
        new.unlink(missing_ok=True)
