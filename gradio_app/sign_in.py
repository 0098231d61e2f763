"""Signing in and out in a browser: the form, the cookies, and the token in an address."""

from __future__ import annotations

import secrets
from urllib.parse import parse_qsl, quote, urlencode

from starlette.datastructures import MutableHeaders
from starlette.requests import Request
from starlette.responses import HTMLResponse, JSONResponse, RedirectResponse, Response
from starlette.types import Message, Scope, Send

from gradio_app import audit
from gradio_app.credentials import YEAR, Credentials, Proof
from gradio_app.errors import OptionInvalid, Unauthorized
from gradio_app.limits import TooOften

SESSION_COOKIE = "mineru_session"
IDENTITY_COOKIE = "mineru_identity"
PATHS = frozenset({"/login", "/logout"})
_LONGEST_FORM = 8192
_POLICY = "default-src 'none'; style-src 'unsafe-inline'; form-action 'self'; frame-ancestors 'none'"

_PAGE = """<!doctype html><html lang="en"><meta charset="utf-8">
<meta name="viewport" content="width=device-width,initial-scale=1"><title>Sign in - MinerU Optimized</title>
<style>:root{{color-scheme:light dark}}body{{font:16px/1.5 system-ui,sans-serif;display:grid;
place-items:center;min-height:90vh;margin:0}}form{{width:min(22rem,86vw);display:grid;gap:.75rem}}
input,button{{font:inherit;padding:.6rem .8rem;border-radius:.5rem;border:1px solid #8886;width:100%;
box-sizing:border-box}}button{{background:#2457d6;color:#fff;border:0}}p{{margin:0}}</style>
<form method="post" action="{action}"><h1>MinerU Optimized</h1>{problem}{fields}
<button>Sign in / 登录</button></form></html>"""
_NAME = """<label>Name / 用户名<input name="username" autocomplete="username"{required} autofocus></label>"""
_PASSWORD = """<label>{text}<input name="password" type="password" autocomplete="current-password" required
{focus}></label>"""
_TOKEN = (
    "Access token / 访问令牌<br><small>It was printed when the server started. / 服务器启动时已打印。</small>"
)
_WRONG = '<p role="alert">This is not right. Try again. / 不正确，请重试。</p>'
_TOO_OFTEN = '<p role="alert">Too many attempts. Wait a minute. / 尝试次数过多，请稍候。</p>'


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
            return self._sign_out(request, address)
        if self._credentials.open:  # nobody is asked, and who signs in all the same is welcome
            return self._welcome(request, None)
        if request.method != "POST":
            return self.page(200)
        name, secret = await _form(request)
        try:
            proof = await self._credentials.of_password(name, secret, address)
        except TooOften as error:
            if _wants_page(request):
                return self.page(429, _TOO_OFTEN, {"Retry-After": str(error.seconds)})
            raise
        if proof is None:
            if _wants_page(request):
                return self.page(401, _WRONG)
            raise Unauthorized("The name or the password is not right.")
        return self._welcome(request, proof, address)

    def _welcome(self, request: Request, proof: Proof | None, address: str = "") -> Response:
        home = (quote(self._root) or "") + "/"
        page = _wants_page(request)
        response = RedirectResponse(home, 303) if page else JSONResponse({"success": True})
        if proof is not None:
            audit.record("sign_in", proof.user or proof.kind, address)
            self._add_session(response, request.scope, proof)
        return response

    def swap(self, request: Request, proof: Proof, address: str) -> Response:
        """Takes the token out of the address, so that it stays out of history and referrers."""
        query = parse_qsl(request.scope.get("query_string", b"").decode("latin-1"), keep_blank_values=True)
        rest = urlencode([(name, value) for name, value in query if name != "token"])
        path = self._root + request.scope["path"].removeprefix(self._root)
        # "//host" would leave this server
        target = "/" + path.lstrip("/") + (f"?{rest}" if rest else "")
        response = RedirectResponse(target, 303, headers={"Referrer-Policy": "no-referrer"})
        audit.record("sign_in", proof.user or proof.kind, address)
        self._add_session(response, request.scope, proof)
        return response

    def _sign_out(self, request: Request, address: str) -> Response:
        """Also forgets the browser: on a shared computer the next one must not see what was read here."""
        if request.method != "POST":
            raise OptionInvalid("Signing out is a POST.")
        proof = self._credentials.of_session(request.cookies.get(self.session_cookie, ""))
        audit.record("sign_out", (proof.user or proof.kind) if proof else "", address)
        home = (quote(self._root) or "") + "/"
        response = RedirectResponse(home, 303) if _wants_page(request) else JSONResponse({"success": True})
        for name in (self.session_cookie, self.identity_cookie):
            response.headers.append("set-cookie", self._cookie(request.scope, name, "", 0))
        return response

    def page(self, status: int, problem: str = "", headers: dict[str, str] | None = None) -> Response:
        """The form. With a users file it asks for a name, which holders of a token leave out."""
        users = self._credentials.users is not None
        fields = _NAME.format(required="") if users else ""
        fields += _PASSWORD.format(
            text="Password / 密码" if users else _TOKEN, focus="" if users else "autofocus"
        )
        text = _PAGE.format(action=(quote(self._root) or "") + "/login", problem=problem, fields=fields)
        told = {"Content-Security-Policy": _POLICY, "Cache-Control": "no-store", **(headers or {})}
        return HTMLResponse(text, status, headers=told)

    # ------------------------------------------------------------ cookies

    def _add_session(self, response: Response, scope: Scope, proof: Proof) -> None:
        value = self._credentials.session(proof)
        response.headers.append("set-cookie", self._cookie(scope, self.session_cookie, value))

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


async def _form(request: Request) -> tuple[str, str]:
    """Name and password out of a form, of which not more than a little is read."""
    body = b""
    async for chunk in request.stream():
        body += chunk
        if len(body) > _LONGEST_FORM:
            raise OptionInvalid("This is not a form to sign in with.")
    fields = dict(parse_qsl(body.decode("utf-8", "replace")))
    return fields.get("username", ""), fields.get("password", "")
