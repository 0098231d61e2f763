"""A shortcut writes what docvortex writes, whatever the text."""

from __future__ import annotations

from hypothesis import example, given
from hypothesis import strategies as st

from gradio_app.parsing import speedups


@given(st.text(st.sampled_from("\\\\*_`~$ab\n \u4e00"), max_size=40))
@example("\\" * 10_000)
@example("\\" * 9_999 + "*")
def test_the_same_characters_are_escaped(content: str) -> None:
    from docvortex.render._internal.markdown.escaping import escape_conservative_markdown_text

    assert speedups.escape(content) == escape_conservative_markdown_text(content)
