"""The form to sign in with."""

from __future__ import annotations

import re

import pytest

from gradio_app.web.auth.sign_in_page import prefers_chinese, sign_in_page
from tests.unit.test_docs import ROOT


@pytest.mark.parametrize(
    ("header", "chinese"),
    [
        ("", False),
        ("zh-CN,zh;q=0.9,en;q=0.8", True),
        ("ZH", True),
        ("en-GB,en;q=0.9,zh;q=0.8", False),
        ("de-DE,de;q=0.9,zh;q=0.7,en;q=0.5", True),
        ("fr", False),
        (",;=", False),
    ],
)
def test_the_readers_language(header: str, chinese: bool) -> None:
    assert prefers_chinese(header) is chinese


@pytest.mark.parametrize("by_name", [True, False])
def test_each_language_stands_alone(by_name: bool) -> None:
    english = sign_in_page("/login", "en", by_name, "too_often")
    chinese = sign_in_page("/login", "zh-CN", by_name, "too_often")
    assert not re.search("[一-鿿]", english)
    assert "<title>登录 - MinerU Optimized</title>" in chinese and 'lang="zh-CN"' in chinese
    assert not re.search(r">[^<]*(Sign in|Password|token|attempts)[^<]*<", chinese)
    assert ("username" in english) is by_name


def test_its_colours_are_those_of_the_page() -> None:
    tokens = (
        (ROOT / "gradio_app/web/ui/assets/common/tokens.css").read_text("utf-8").replace("#ffffff", "#fff")
    )
    used = set(re.findall(r"#[0-9a-f]{3,6}\b", sign_in_page("/login", "", True)))
    assert len(used) > 15 and [colour for colour in sorted(used) if colour not in tokens] == []
