"""What the stand-in for a page model says of any page: one answer in the form of each reader, and bad ones.

Every good answer tells of the same page: a title, two items, a paragraph with a formula, a table, a picture.
"""

from __future__ import annotations

import json
from collections.abc import Callable

WORDS = "A page that was read from the picture"
TABLE = "<table><tr><td>Name</td><td>Score</td></tr><tr><td>picture</td><td>{mark}</td></tr></table>"
#: label in dots' words, box in shares of the page, text
PAGE = (
    ("Title", (0.1, 0.04, 0.9, 0.09), "# A title of {mark}"),
    ("List-item", (0.1, 0.12, 0.9, 0.15), "- the first item"),
    ("List-item", (0.1, 0.16, 0.9, 0.19), "- the second item"),
    ("Text", (0.1, 0.22, 0.9, 0.3), WORDS + " **{mark}** with $x^2$ in it."),
    ("Table", (0.1, 0.35, 0.9, 0.5), TABLE),
    ("Formula", (0.2, 0.54, 0.8, 0.59), "E = mc^{{2}}"),
    ("Picture", (0.1, 0.6, 0.9, 0.8), ""),
)
_DEEPSEEK = {
    "Title": "title",
    "List-item": "list",
    "Text": "text",
    "Table": "table",
    "Formula": "equation",
    "Picture": "image",
}


def deepseek(mark: str, _size: tuple[int, int] = (0, 0)) -> str:
    """DeepSeek-OCR: a mark with a box in thousandths before each block."""
    blocks = [
        f"<|ref|>{_DEEPSEEK[label]}<|/ref|><|det|>[{[round(999 * side) for side in box]}]<|/det|>\n"
        + text.format(mark=mark)
        for label, box, text in PAGE
    ]
    return "\n\n".join(blocks) + "<｜end▁of▁sentence｜>"


def dots(mark: str, size: tuple[int, int]) -> str:
    """dots.mocr: JSON with boxes in pixels."""
    width, height = size
    scale = (width, height, width, height)
    return json.dumps(
        [
            {
                "bbox": [round(side * length) for side, length in zip(box, scale, strict=True)],
                "category": label,
            }
            | ({"text": text.format(mark=mark)} if text else {})
            for label, box, text in PAGE
        ]
    )


_LIGHTON = {
    "Title": "Title",
    "List-item": "List_Item",
    "Text": "text",
    "Table": "Table",
    "Formula": "Formula",
}


def lighton(mark: str, _size: tuple[int, int] = (0, 0)) -> str:
    """LightOnOCR-3: a mark of a picture with label and box in thousandths before each block."""
    blocks = [
        f"![{_LIGHTON.get(label, 'Picture')}]({','.join(str(round(1000 * side)) for side in box)}) "
        + text.format(mark=mark)
        for label, box, text in PAGE
    ]
    return "\n".join(blocks)


def markdown(mark: str, _size: tuple[int, int] = (0, 0)) -> str:
    """Qwen3-VL: Markdown in a block of code."""
    blocks = [f"$$\n{text}\n$$" if label == "Formula" else text for label, _, text in PAGE]
    return "```markdown\n" + "\n\n".join(blocks).format(mark=mark) + "\n![a picture](page_1.png)\n```"


def olmocr(mark: str, _size: tuple[int, int] = (0, 0)) -> str:
    """olmOCR-2: the same below a head."""
    body = markdown(mark).removeprefix("```markdown\n").removesuffix("```")
    return f"---\nprimary_language: en\nis_rotation_valid: True\nis_table: False\n---\n{body}"


#: beginning of the question -> who answers it
_BY_PROMPT: dict[str, Callable[[str, tuple[int, int]], str]] = {
    "<|grounding|>": deepseek,
    "Please output the layout": dots,
    "grounding": lighton,
    "Convert this page to markdown": markdown,
    "Attached is one page": olmocr,
}


def good(prompt: str, mark: str, size: tuple[int, int]) -> str | None:
    """The answer of the model that is asked so; None for a question of nobody."""
    for beginning, answer in _BY_PROMPT.items():
        if prompt.startswith(beginning):
            return answer(mark, size)
    return None


#: kind -> what becomes of a good answer
BAD: dict[str, Callable[[str], str]] = {
    "cut": lambda text: text[: len(text) // 2],
    "loop": lambda text: text[: len(text) // 2] + "again and again, " * 400,
    "garbage": lambda text: "\x00\ufffd<|det|>[[NaN,-1e99]]<|/det|>}{][" + text[::-1],
    "bounds": lambda text: text.replace("[", "[99999, -5, ", 3).replace("999", "99999"),
    "empty": lambda _text: " \n",
}
