"""A list of 50 rows that Gradio's Timer keeps fresh, as a page without our polling would have it."""

from __future__ import annotations

import argparse

import gradio as gr

ROWS = 50
_turn = [0]


def rows() -> list[list[str]]:
    """A row changes with each turn."""
    _turn[0] += 1
    changed = _turn[0] % ROWS
    return [
        [
            f"document {row}.pdf",
            "flash",
            "processing" if row == changed else "waiting",
            f"{_turn[0]}/300",
            "2 min",
        ]
        for row in range(ROWS)
    ]


def build() -> gr.Blocks:
    """The page; its Timer asks once a second, not through Gradio's queue."""
    with gr.Blocks() as demo:
        table = gr.Dataframe(rows(), headers=["name", "tier", "status", "pages", "left"])
        gr.Timer(1).tick(rows, outputs=table, queue=False, show_progress="hidden", api_name="rows")
    return demo


if __name__ == "__main__":
    parser = argparse.ArgumentParser(prog="python -m bench.timer_app", description=__doc__)
    parser.add_argument("port", type=int)
    build().launch(server_name="127.0.0.1", server_port=parser.parse_args().port, quiet=True)
