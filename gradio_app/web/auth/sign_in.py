"""Sign-in: the form, the cookies, and the token in an address."""

from __future__ import annotations

import secrets
from urllib.parse import parse_qsl, quote, urlencode

from starlette.datastructures import Headers, MutableHeaders
from starlette.requests import Request
from starlette.responses import HTMLResponse, JSONResponse, RedirectResponse, Response
from starlette.types import Message, Scope, Send

from gradio_app.base.errors import OptionInvalid, Unauthorized
from gradio_app.web.auth import audit
from gradio_app.web.auth.credentials import YEAR, Credentials, Proof
from gradio_app.web.auth.origin import linked_from_elsewhere
from gradio_app.web.auth.rate_limit import TooOften
from gradio_app.web.auth.sign_in_page import SCRIPT_HASH, Problem, sign_in_page
from gradio_app.web.uploads import read_short

SESSION_COOKIE = "mineru_session"
IDENTITY_COOKIE = "mineru_identity"
PATHS = frozenset({"/login", "/logout"})
_LONGEST_FORM = 8192
_POLICY = (
    f"default-src 'none'; style-src 'unsafe-inline'; script-src '{SCRIPT_HASH}'; form-action 'self'; "
    "frame-ancestors 'none'"
)
#: a longer address leads to the start after signing in
_LONGEST_TARGET = 2000


class SignIn:
    """Answers ``/login`` and ``/logout``, and swaps a token in an address for a cookie."""

    def __init__(self, credentials: Credentials, root_path: str) -> None:
        self._credentials = credentials
        self._root = root_path
        # cookies do not know ports: several servers on one host would take each other's
        suffix = "" if credentials.open else f"_{credentials.cookie_suffix}"
        self.session_cookie, self.identity_cookie = SESSION_COOKIE + suffix, IDENTITY_COOKIE + suffix

    async def answer(self, path: str, request: Request, address: str) -> Response:
        """The answer to a request for one of ``PATHS``."""
        if path == "/logout":
            return await self._sign_out(request, address)
        if self._credentials.open:  # nobody is asked, and who signs in all the same is welcome
            return self._to_start(request)
        if request.method != "POST":
            return self.page(request, 200)
        form = await _form(request)
        try:
            proof = await self._credentials.of_password(
                form.get("username", ""), form.get("password", ""), address
            )
        except TooOften as error:
            if _wants_page(request):
                told = {"Retry-After": str(error.seconds)}
                return self.page(request, 429, "too_often", told, target=form.get("next", ""))
            raise
        if proof is None:
            if _wants_page(request):
                return self.page(request, 401, "wrong", target=form.get("next", ""))
            raise Unauthorized("The name or the password is not right.")
        response = self._to_start(request, form.get("next", ""))
        return self._signed_in(response, request.scope, proof, address)

    def _to_start(self, request: Request, target: str = "") -> Response:
        if not _wants_page(request):
            return JSONResponse({"success": True})
        return RedirectResponse(_here(target) if target else f"{quote(self._root)}/", 303)

    def _signed_in(self, response: Response, scope: Scope, proof: Proof, address: str) -> Response:
        audit.record("sign_in", proof.user or proof.kind, address)
        value = self._credentials.session(proof)
        response.headers.append("set-cookie", self._cookie(scope, self.session_cookie, value))
        return response

    def swap(
        self, request: Request, token: str, proof: Proof, session: Proof | None, address: str
    ) -> Response:
        """Takes the token out of the address, so that it stays out of history and referrers.

        It signs in at once, except where somebody else's link could change who this browser is: then a
        page asks for one click. ``session``: who is signed in already.
        """
        target = self._target(request)
        if session != proof and (session is not None or linked_from_elsewhere(Headers(scope=request.scope))):
            return self._ask(request, token, target)
        response = RedirectResponse(target, 303, headers={"Referrer-Policy": "no-referrer"})
        return response if session else self._signed_in(response, request.scope, proof, address)

    def _target(self, request: Request) -> str:
        """The address of a request on this server, without a token."""
        query = parse_qsl(query_text(request.scope), keep_blank_values=True)
        rest = urlencode([(name, value) for name, value in query if name != "token"])
        path = self._root + request.scope["path"].removeprefix(self._root)
        return _here(path) + (f"?{rest}" if rest else "")

    def refused(self, request: Request) -> Response:
        """The form in place of a page that needs somebody signed in, and leads back to it."""
        target = self._target(request)
        return self.page(request, 401, target=target if len(target) <= _LONGEST_TARGET else "")

    def _ask(self, request: Request, token: str, target: str) -> Response:
        if not _wants_page(request):
            raise Unauthorized("This link needs a click in a browser, or sign out first.")
        # by the guard's policy no other site is told this address; none at all would hide the form's origin
        return self.page(request, 200, token=token, target=target)

    async def _sign_out(self, request: Request, address: str) -> Response:
        """Ends the session here too: a copy of its cookie opens nothing any more.

        The identity stays in the browser, where it opens nothing by itself: a guest who signs in again
        finds their documents.
        """
        if request.method != "POST":
            raise OptionInvalid("Signing out is a POST.")
        proof = await self._credentials.sign_out(request.cookies.get(self.session_cookie, ""), address)
        audit.record("sign_out", (proof.user or proof.kind) if proof else "", address)
        response = self._to_start(request)
        response.headers.append("set-cookie", self._cookie(request.scope, self.session_cookie, "", 0))
        return response

    def page(
        self,
        request: Request,
        status: int,
        problem: Problem = "",
        headers: dict[str, str] | None = None,
        token: str = "",
        target: str = "",
    ) -> Response:
        """The form, which leads to ``target``. With a users file it asks for a name, which holders of a
        token leave out.

        With a ``token`` it asks for one click instead.
        """
        text = sign_in_page(
            action=f"{quote(self._root)}/login",
            accept_language=request.headers.get("accept-language", ""),
            by_name=self._credentials.users is not None,
            problem=problem,
            token=token,
            target=target,
        )
        told = {"Content-Security-Policy": _POLICY, "Cache-Control": "no-store", "Vary": "Accept-Language"}
        return HTMLResponse(text, status, headers={**told, **(headers or {})})

    def giving_identity(self, send: Send, scope: Scope) -> tuple[str, Send]:
        """A new browser's identity, and a ``send`` that gives it the cookie."""
        identity = secrets.token_hex(16)

        async def wrapped(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                headers.append("set-cookie", self._cookie(scope, self.identity_cookie, identity))
            await send(message)

        return identity, wrapped

    def _cookie(self, scope: Scope, name: str, value: str, age: int = YEAR) -> str:
        path = quote(self._root) or "/"
        secure = "; Secure" if scope.get("scheme") in ("https", "wss") else ""
        return f"{name}={value}; Path={path}; Max-Age={age}; HttpOnly; SameSite=Lax{secure}"


def _wants_page(request: Request) -> bool:
    return "text/html" in request.headers.get("accept", "")


def query_text(scope: Scope) -> str:
    """The query of an address. Scripts send bytes beyond ASCII as they are."""
    return scope.get("query_string", b"").decode("utf-8", "replace")


def _here(target: str) -> str:
    """An address on this server: ``//host`` would leave it."""
    return "/" + target.lstrip("/\\")


async def _form(request: Request) -> dict[str, str]:
    """The fields of a form, of which not more than a little is read."""
    too_long = OptionInvalid("This is not a form to sign in with.")
    body = await read_short(request.stream(), _LONGEST_FORM, too_long)
    return dict(parse_qsl(body.decode("utf-8", "replace")))
