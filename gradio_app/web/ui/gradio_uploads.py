"""Names in uploads to Gradio: read as those of REST are, by the parser that Gradio asks."""

from __future__ import annotations

from typing import Any, cast

from gradio import route_utils

from gradio_app.web.form_names import file_name


def read_names() -> None:
    """Gradio's form parser takes names from ``form_names`` from now on. Repeating it changes nothing."""
    module = cast(Any, route_utils)
    plain = getattr(module.parse_options_header, "plain", module.parse_options_header)

    def parsed(value: Any) -> tuple[bytes, dict[bytes, bytes]]:
        kind, options = plain(value)
        name = file_name(value) if kind == b"form-data" and isinstance(value, bytes) else None
        return kind, options if name is None else options | {b"filename": (name or "document").encode()}

    parsed.plain = plain  # pyright: ignore[reportFunctionMemberAccess]
    module.parse_options_header = parsed
