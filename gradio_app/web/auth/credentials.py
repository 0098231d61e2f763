"""Credentials: the shared token, the administrator's, a user's password or key, a session cookie."""

from __future__ import annotations

import asyncio
import base64
import binascii
import contextlib
import hashlib
import hmac
import os
import secrets
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from gradio_app.web.auth import audit
from gradio_app.web.auth.guesses import Guesses
from gradio_app.web.auth.rate_limit import RateLimit
from gradio_app.web.auth.signed_out import SignedOut
from gradio_app.web.auth.users import User, Users

#: how long a session lasts, in seconds
YEAR = 365 * 86400
#: a password that was right is not hashed again for so many seconds: scripts send it with each request
_TRUSTED = 300.0
_MOST_TRUSTED = 1000
#: sessions that a user, or an address with a token, may end in a minute: what the bounded list of them has no
#: room for ends everybody's older sessions
SIGN_OUTS = 30


@dataclass(frozen=True, slots=True)
class Identity:
    """Somebody who may come in. ``name`` owns tasks; an admin sees everybody's. ``address``: from where."""

    name: str
    admin: bool
    address: str = ""


LOCAL = Identity("local", admin=True)


@dataclass(frozen=True, slots=True)
class Proof:
    """Credentials that hold: of a user, or of a token, whose holders their identity cookies tell apart."""

    kind: str  #: token | admin | user
    user: str = ""
    admin: bool = False


class Credentials:
    """What the server accepts. Without a token and without users everybody is let in (``open``)."""

    def __init__(
        self,
        token: str = "",
        admin_token: str = "",
        users: Users | None = None,
        secret: bytes = b"",
        signed_out: SignedOut | None = None,
    ) -> None:
        self._tokens = {"token": token, "admin": admin_token}
        self.users = users
        self._secret = secret or secrets.token_bytes(32)
        self._signed_out = signed_out or SignedOut()
        self._trusted: dict[bytes, tuple[float, User]] = {}
        self._guesses = Guesses()
        #: passwords that are being hashed; the same one once more is no other guess, and waits for the answer
        self._checking: dict[bytes, asyncio.Task[User | None]] = {}
        self._sign_outs = RateLimit(SIGN_OUTS)

    @property
    def open(self) -> bool:
        """Whether nobody is asked."""
        return not self._tokens["token"] and self.users is None

    @property
    def cookie_suffix(self) -> str:
        """Tells the cookies of several servers on one host apart, which share them across ports."""
        return self._sign("cookie", "")[:8]

    async def of_header(self, authorization: str, address: str) -> Proof | None:
        """Whom ``Authorization`` stands for: a bearer (token or key), or basic with a token or password."""
        kind, _, value = authorization.partition(" ")
        name, secret = _basic(value) if kind.lower() == "basic" else ("", value.strip())
        return await self.of_password(name, secret if kind.lower() in ("basic", "bearer") else "", address)

    async def of_password(self, name: str, secret: str, address: str, keys: bool = True) -> Proof | None:
        """Whom a name and a password, or a token or key without a name, stand for; no key without ``keys``.

        Who guesses wrongly too often from one ``address`` gets ``TooOften``, also for a right one; so does
        who tries to be a user for whom many others guess.
        """
        if checking := self._checking.get(self._key(name, secret)):
            return _of(await asyncio.shield(checking))
        with self._guesses.counted(name, address) as right:
            proof = self._of_secret(secret, keys) or await self._of_user(name, secret, address)
            if proof is not None:
                right()
                return proof
        audit.record("sign_in", "", address, outcome="unauthorized")
        return None

    def _key(self, name: str, secret: str) -> bytes:
        return hashlib.sha256(self._secret + name.encode() + b"\0" + secret.encode()).digest()

    def _of_secret(self, secret: str, keys: bool) -> Proof | None:
        for kind, token in self._tokens.items():
            if token and secret and hmac.compare_digest(secret.encode(), token.encode()):
                return Proof(kind, admin=kind == "admin")
        return _of(self.users.by_key(secret) if self.users and secret and keys else None)

    async def _of_user(self, name: str, password: str, address: str) -> Proof | None:
        if self.users is None or not name or not password:
            return None
        key = self._key(name, password)
        until, user = self._trusted.get(key, (0.0, None))
        if user is None or until < time.monotonic() or self.users.get(user.name) != user:
            checking = self._checking[key] = asyncio.create_task(
                self._check(self.users, key, name, password, address)
            )
            checking.add_done_callback(lambda _: self._checking.pop(key, None))
            user = await asyncio.shield(checking)
        return _of(user)

    async def _check(self, users: Users, key: bytes, name: str, password: str, address: str) -> User | None:
        user = await self._guesses.hashed(address, lambda: users.check(name, password))
        if user is not None:
            if len(self._trusted) >= _MOST_TRUSTED:
                self._trusted.clear()
            self._trusted[key] = (time.monotonic() + _TRUSTED, user)
        return user

    def session(self, proof: Proof) -> str:
        """A cookie's value that stands for ``proof`` for a year.

        It ends before when what it rests on changes, and when its owner signs out.
        """
        name = base64.urlsafe_b64encode(proof.user.encode()).decode().rstrip("=")
        body = f"{proof.kind}.{name}.{int(time.time()) + YEAR}.{secrets.token_hex(8)}"
        return f"{body}.{self._sign(body, self._ground(proof.kind, proof.user))}"

    def of_session(self, value: str) -> Proof | None:
        """Whom a cookie stands for."""
        body, _, signature = value.rpartition(".")
        kind, _, rest = body.partition(".")
        encoded, _, rest = rest.partition(".")
        until, _, session = rest.partition(".")
        try:
            name = base64.urlsafe_b64decode(encoded + "=" * (-len(encoded) % 4)).decode()
            ended = int(until) < time.time() or not session or self._signed_out.has(session, int(until))
        except (binascii.Error, ValueError):
            return None
        ground = self._ground(kind, name)
        wanted = self._sign(body, ground)
        if not ground or ended or not hmac.compare_digest(wanted.encode(), signature.encode()):
            return None
        user = self.users.get(name) if self.users and kind == "user" else None
        return Proof(kind, name, user.admin if user else kind == "admin")

    async def sign_out(self, value: str, address: str) -> Proof | None:
        """Ends the session of a cookie for good, and says whose it was; ``TooOften`` for one of very many."""
        proof = self.of_session(value)
        if proof is not None:
            self._sign_outs.take(f"user {proof.user}" if proof.user else address)
            until, session = value.split(".")[2:4]
            await asyncio.to_thread(self._signed_out.add, session, int(until))
        return proof

    def watch(self, proof: Proof, value: str) -> Callable[[], bool]:
        """Whether what let somebody in still does, for long answers: a header, or the cookie ``value``."""
        ground = self._ground(proof.kind, proof.user)
        return lambda: (
            self._ground(proof.kind, proof.user) == ground
            and (not value or self.of_session(value) is not None)
        )

    def _ground(self, kind: str, name: str) -> str:
        """What a session rests on: it ends when the token or the password changes."""
        if kind == "user":
            user = self.users.get(name) if self.users else None
            return user.password if user else ""
        return self._tokens.get(kind, "")

    def _sign(self, body: str, ground: str) -> str:
        return hmac.new(self._secret + ground.encode(), body.encode(), hashlib.sha256).hexdigest()


def _of(user: User | None) -> Proof | None:
    return Proof("user", user.name, user.admin) if user else None


def owner_of(proof: Proof, browser: str) -> Identity:
    """Who that is: a user by name; of a token, each browser with its cookie is an owner of its own."""
    if proof.kind == "user":
        return Identity(proof.user, proof.admin)
    if not browser:
        return Identity(proof.kind, proof.admin)
    # cannot be turned back into the cookie
    return Identity("guest-" + hashlib.sha256(browser.encode()).hexdigest()[:12], proof.admin)


def made_token(secret: bytes, what: str) -> str:
    """A token that this data folder has for ``what``."""
    digest = hmac.new(secret, f"token {what}".encode(), hashlib.sha256).digest()
    return base64.urlsafe_b64encode(digest[:24]).decode()


def _basic(value: str) -> tuple[str, str]:
    with contextlib.suppress(binascii.Error, ValueError):
        name, _, password = base64.b64decode(value).decode("utf-8", "replace").partition(":")
        return name, password
    return "", ""


def server_secret(path: Path) -> bytes:
    """The random bytes that this data folder's cookies are signed with; made when they are not there."""
    with contextlib.suppress(FileNotFoundError):
        if len(found := path.read_bytes()) >= 32:
            return found
    made, new = secrets.token_bytes(32), path.with_name(path.name + ".new")
    with open(os.open(new, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "wb") as out:
        out.write(made)
    new.replace(path)
    return made
