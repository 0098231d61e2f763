"""An example of a page reader: a model that answers with the plain text of a page, one paragraph a line."""

from gradio_app.base.page_readers import (
    Ask,
    Found,
    PageReader,
    Picture,
    Serve,
    Shown,
    Weights,
)


def read(answer: str, shown: Shown, page: int) -> list[Found]:
    """What is on the page. Boxes, types and text need no care: they are made sound afterwards."""
    return [Found("text", line) for line in answer.splitlines() if line.strip()]


READER = PageReader(
    name="plain-text",
    titles={"en": "Plain text", "zh": "纯文本"},
    good_at={"en": "letters and notes", "zh": "信件和笔记"},
    kind="page",
    weights=Weights(
        repo="somebody/some-model",
        folder="some-model",
        size=10**9,
        licence="MIT",
    ),
    # bytes of the weights on the card, bytes of cache for a token, tokens of context
    serve=Serve(weights=10**9, kv=32 * 1024, context=16384, least=8192, typical=3000),
    asks=(
        Ask(
            prompt="Write down all text of this page.",
            picture=Picture(dpi=150, longest=1600, tokens=2500),
            sampling={"temperature": 0.0},
            most_tokens=4096,
        ),
    ),
    read=read,
)
