"""Link previews: what other programs show of an address of this server, in place of Gradio's name."""

from __future__ import annotations

from typing import Any, cast

from gradio.routes import templates
from jinja2 import ChoiceLoader, DictLoader

_TEMPLATE = "frontend/index.html"
_PREVIEWS = ('property="og:', 'name="twitter:')

#: nothing of a document: whoever sends a link on need not be signed in
_TAGS = (
    '<meta property="og:title" content="MinerU Optimized">\n'
    '<meta property="og:type" content="website">\n'
    '<meta property="og:description" content="Documents as Markdown. Sign in to read.">'
)


def install() -> None:
    """Puts our tags in place of those in Gradio's template, once."""
    env = cast(Any, templates).env
    loader = env.loader
    if isinstance(loader, ChoiceLoader):
        return
    source = loader.get_source(env, _TEMPLATE)[0]
    ours = _without_previews(source).replace("</head>", f"{_TAGS}\n</head>", 1)
    env.loader = ChoiceLoader([DictLoader({_TEMPLATE: ours}), loader])


def _without_previews(page: str) -> str:
    start, *tags = page.split("<meta")
    kept = (tag.partition(">")[2] if tag.lstrip().startswith(_PREVIEWS) else f"<meta{tag}" for tag in tags)
    return "".join([start, *kept])
