"""The form to sign in with: one file of HTML, in the reader's language and colours, that loads nothing."""

from __future__ import annotations

from typing import Literal

#: what is wrong with the last attempt
Problem = Literal["", "wrong", "too_often"]
#: text -> English, Chinese
_TEXTS = {
    "title": ("Sign in", "登录"),
    "name": ("Name", "用户名"),
    "password": ("Password", "密码"),
    "token": ("Access token", "访问令牌"),
    "token.hint": ("It was printed when the server started.", "服务器启动时已打印在终端中。"),
    "enter": ("Sign in", "登录"),
    "wrong": ("This is not right. Try again.", "不正确，请重试。"),
    "too_often": ("Too many attempts. Wait a minute.", "尝试次数过多，请稍候一分钟。"),
}
# the colours of ui/assets/common/tokens.css, which may be read only after signing in
_STYLE = """
:root{color-scheme:light dark;--ground:#f4f5f7;--surface:#fff;--line:#dfe3ea;--edge:#8b94a3;--ink:#181c24;
--soft:#586172;--accent:#2457d6;--over:#1b46b4;--on:#fff;--bad:#b3261e;--bad-ground:#fdf0ef}
@media(prefers-color-scheme:dark){:root{--ground:#0e1116;--surface:#161a21;--line:#2a313c;--edge:#6d7787;
--ink:#e8ebf0;--soft:#a0a9b8;--accent:#86a9ff;--over:#a5c0ff;--on:#0b1530;--bad:#ff8f86;--bad-ground:#2c1a1b}}
*{box-sizing:border-box}
body{margin:0;min-height:100vh;display:grid;place-items:center;padding:16px;background:var(--ground);
color:var(--ink);font:14px/1.5 system-ui,-apple-system,"Segoe UI",Roboto,"Noto Sans","PingFang SC",
"Microsoft YaHei","Noto Sans CJK SC",sans-serif}
main{width:min(360px,100%);padding:32px;background:var(--surface);border:1px solid var(--line);
border-radius:12px}
h1{display:flex;align-items:center;gap:8px;margin:0 0 4px;font-size:19px;font-weight:650;line-height:1.3}
.mark{width:22px;height:26px;border-radius:4px 9px 4px 4px;
background:linear-gradient(var(--on) 0 0) 5px 9px/9px 2px no-repeat,
linear-gradient(var(--on) 0 0) 5px 14px/12px 2px no-repeat,
linear-gradient(var(--on) 0 0) 5px 19px/7px 2px no-repeat,var(--accent)}
.what{margin:0 0 24px;color:var(--soft)}
form{display:grid;gap:16px}
label{display:grid;gap:4px;font-weight:550}
small{font-size:13px;font-weight:400;color:var(--soft)}
input,button{width:100%;height:40px;padding:0 12px;font:inherit;border-radius:8px}
input{color:inherit;background:var(--surface);border:1px solid var(--edge)}
button{margin-top:8px;color:var(--on);background:var(--accent);border:0;font-weight:600;cursor:pointer}
button:hover{background:var(--over)}
:focus-visible{outline:2px solid var(--accent);outline-offset:2px}
.problem{margin:0;padding:8px 12px;color:var(--bad);background:var(--bad-ground);border-radius:8px}
"""
_PAGE = """<!doctype html>
<html lang="{lang}"><head><meta charset="utf-8">
<meta name="viewport" content="width=device-width,initial-scale=1">
<title>{title} - MinerU Optimized</title><style>{style}</style></head>
<body><main><h1><span class="mark" aria-hidden="true"></span>MinerU Optimized</h1><p class="what">{title}</p>
<form method="post" action="{action}">{problem}{fields}<button>{enter}</button></form></main></body></html>"""
_NAME = """<label>{name}<input name="username" autocomplete="username" autofocus></label>"""
_SECRET = (
    """<label>{what}{hint}<input name="password" type="password" autocomplete="current-password" """
    """required{focus}></label>"""
)


def sign_in_page(action: str, accept_language: str, by_name: bool, problem: Problem = "") -> str:
    """The page. ``by_name``: there is a users file; who holds a token leaves the name out."""
    chinese = prefers_chinese(accept_language)
    texts = {key: pair[chinese] for key, pair in _TEXTS.items()}
    hint = "" if by_name else f"<small>{texts['token.hint']}</small>"
    secret = _SECRET.format(
        what=texts["password" if by_name else "token"], hint=hint, focus="" if by_name else " autofocus"
    )
    return _PAGE.format(
        lang="zh-CN" if chinese else "en",
        title=texts["title"],
        style=_STYLE,
        action=action,
        problem=f'<p class="problem" role="alert">{texts[problem]}</p>' if problem else "",
        fields=(_NAME.format(name=texts["name"]) if by_name else "") + secret,
        enter=texts["enter"],
    )


def prefers_chinese(accept_language: str) -> bool:
    """Whether the first of English and Chinese in the header is Chinese; browsers sort it."""
    for part in accept_language.lower().split(","):
        language = part.strip()[:2]
        if language in ("zh", "en"):
            return language == "zh"
    return False
