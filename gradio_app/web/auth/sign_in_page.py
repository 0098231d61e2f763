"""The form to sign in with: one HTML file, in the reader's language and colours, that loads nothing."""

from __future__ import annotations

import base64
import hashlib
from pathlib import Path
from typing import Literal

from jinja2 import Template

#: what is wrong with the last attempt
Problem = Literal["", "wrong", "too_often"]
#: text -> English, Chinese
_TEXTS = {
    "title": ("Sign in", "登录"),
    "by_link": (
        "A link leads here and wants to sign this browser in. Go on only if you expected it.",
        "某个链接希望让此浏览器登录。仅当这是您所期望的时才继续。",
    ),
    "name": ("Name", "用户名"),
    "password": ("Password", "密码"),
    "token": ("Access token", "访问令牌"),
    "token_hint": ("It was printed when the server started.", "服务器启动时已打印在终端中。"),
    "enter": ("Sign in", "登录"),
    "wrong": ("This is not right. Try again.", "不正确，请重试。"),
    "too_often": ("Too many attempts. Wait a minute.", "尝试次数过多，请稍候一分钟。"),
}
#: the part of an address that only the browser knows goes along: it names the document of a link
_SCRIPT = "document.forms[0].action+=location.hash"
#: what a policy allows this script by
SCRIPT_HASH = f"sha256-{base64.b64encode(hashlib.sha256(_SCRIPT.encode()).digest()).decode()}"
# its colours are those of ui/assets/common/tokens.css, which may be read only after signing in
_PAGE = Template(Path(__file__).with_name("sign_in.html").read_text("utf-8"), autoescape=True)


def sign_in_page(
    action: str,
    accept_language: str,
    by_name: bool,
    problem: Problem = "",
    token: str = "",
    target: str = "",
) -> str:
    """The page. ``by_name``: there is a users file; who holds a token leaves the name out.

    With a ``token`` it asks for one click only. After signing in it leads to ``target``.
    """
    chinese = prefers_chinese(accept_language)
    texts = {key: pair[chinese] for key, pair in _TEXTS.items()}
    lang = "zh-CN" if chinese else "en"
    return _PAGE.render(
        lang=lang,
        script=_SCRIPT,
        action=action,
        texts=texts,
        by_name=by_name,
        problem=problem,
        token=token,
        target=target,
    )


def prefers_chinese(accept_language: str) -> bool:
    """Whether the first of English and Chinese in the header is Chinese; browsers sort it."""
    for part in accept_language.lower().split(","):
        language = part.strip()[:2]
        if language in ("zh", "en"):
            return language == "zh"
    return False
