"""Layout of the visible page: its panes and how they nest. Their code is in assets/."""

from __future__ import annotations

from typing import Any, cast

import gradio as gr

from gradio_app.base.file_types import DOCUMENTS
from gradio_app.web.ui.static import ASSETS, FAVICON, STYLES

#: MinerU writes dollars; the others come in documents that were Markdown or HTML before
_LATEX: list[dict[str, str | bool]] = [
    {"left": "$$", "right": "$$", "display": True},
    {"left": "\\[", "right": "\\]", "display": True},
    {"left": "$", "right": "$", "display": False},
    {"left": "\\(", "right": "\\)", "display": False},
]
_SANS = (
    "system-ui",
    "-apple-system",
    "Segoe UI",
    "Roboto",
    "Noto Sans",
    "PingFang SC",
    "Microsoft YaHei",
    "Noto Sans CJK SC",
    "sans-serif",
)
#: pages whose text can be in view, with those before and after them; what is out of view gives its place away
_SLOTS = 9
_MONO = ("ui-monospace", "SF Mono", "Cascadia Mono", "Consolas", "Liberation Mono", "monospace")


def theme() -> Any:
    """System fonts only: nothing is fetched from anywhere."""
    return cast(Any, gr).themes.Base(font=_SANS, font_mono=_MONO)


def head(prefix: str) -> str:
    """The page's head: links to our style sheets and icon, and the file types that ``collect.js`` takes."""
    types = f'<meta name="mo-file-types" content="{" ".join(sorted(DOCUMENTS))}">'
    links = [f'<link rel="stylesheet" href="{prefix}/page/{name}">' for name in STYLES]
    icon = f'<link rel="icon" type="image/png" href="{prefix}/page/{FAVICON.name}">'
    return "\n".join([types, *links, icon])


def build(prefix: str) -> None:
    """Lays out the panes. Call it inside ``gr.Blocks``."""
    _pane("bar", prefix)
    _pane("intake/intake", prefix)
    with gr.Row(elem_id="mo-main"):
        _pane("queue/queue", prefix)
        with gr.Column(elem_id="mo-right"):
            reader = _pane("reader/reader", prefix)
            with gr.Row(elem_id="mo-desk"):
                _pane("reader/sheet", prefix)
                with gr.Column(elem_id="mo-text"):
                    shown = [_markdown(elem_classes="mo-slot") for _ in range(_SLOTS)]
                    shown.append(_markdown(elem_id="mo-second"))
    _pane("engine/engine", prefix)
    _pane("overview/overview", prefix)
    _pane("code/code", prefix)
    # Runs in the browser only. Gradio's Markdown does what we must not do by hand: it sanitises.
    cast(Any, reader).render_text(
        None,
        None,
        shown,
        js=f"() => import('{prefix}/page/reader/reader.js').then((reader) => reader.currentTexts())",
        queue=False,
        show_progress="hidden",
        api_visibility="private",
    )


def _markdown(**named: str) -> gr.Markdown:
    return gr.Markdown(latex_delimiters=_LATEX, **cast(Any, named))


def _pane(name: str, prefix: str) -> gr.HTML:
    """A pane: its frame from ``NAME.html``; ``start`` of ``NAME.js`` fills it."""
    # Gradio knows an event of ours by its quoted name in this text, hence the comment at its end
    start = (
        f"import('{prefix}/page/{name}.js').then((pane) => pane.start(element, trigger)); // 'render_text'"
    )
    return gr.HTML(
        html_template=(ASSETS / f"{name}.html").read_text("utf-8"),
        js_on_load=start,
        elem_id=f"mo-{name.rpartition('/')[2]}",
        apply_default_css=False,
    )
