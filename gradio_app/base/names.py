"""Names from outside, made safe to show, to send in a header and to search."""

from __future__ import annotations

import re
import unicodedata

#: how deep a folder is kept, and how long its path may be
MOST_FOLDERS, LONGEST_FOLDER = 10, 300
#: most characters of a name, and most bytes: with a suffix of ours it fits the 255 of a file system
LONGEST_NAME, MOST_BYTES = 200, 240


def folder_and_name(raw: str) -> tuple[str, str]:
    """``a/b/c.pdf``, as folders are uploaded, to ``("a/b", "c.pdf")``; safe to show, never used as a path.

    Parts that are empty or lead elsewhere (``..``) are dropped, deep folders are cut.
    """
    *above, _ = re.split(r"[\\/]", raw)
    parts = [part for part in map(_printable, above) if part]
    folder = "/".join(parts[:MOST_FOLDERS])
    return folder[:LONGEST_FOLDER].rstrip("/. "), display_name(raw)


def folded(text: str) -> str:
    """As it is searched: in one case, and in one way of writing each character."""
    return unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", text).casefold())


def label_of(name: str, folder: str) -> str:
    """What a task is found and sorted by: its name first, its folder in a line below."""
    return f"{folded(name)}\n{folded(folder)}"


def unique(name: str, taken: set[str], form: str = "{} ({})") -> str:
    """``name``, numbered by ``form`` where it is ``taken`` in any case of its letters; takes it."""
    found, number = name, 1
    while found.casefold() in taken:
        number += 1
        found = form.format(name, number)
    taken.add(found.casefold())
    return found


def _printable(text: str) -> str:
    # category C: control, format (right-to-left override), surrogate, unassigned
    clean = "".join(" " if unicodedata.category(char)[0] == "C" else char for char in text)
    return " ".join(clean.split()).strip(". ")


def display_name(raw: str) -> str:
    """The last part of a path, safe to show and to send in a header: printable, and not too long."""
    clean = _printable(re.split(r"[\\/]", raw)[-1])
    if len(clean) > LONGEST_NAME or len(clean.encode()) > MOST_BYTES:
        stem, dot, suffix = clean.rpartition(".")
        if not stem or len(suffix) > 10:
            stem, dot, suffix = clean, "", ""
        end = "…" + dot + suffix
        stem = stem[: LONGEST_NAME - len(end)].encode()[: MOST_BYTES - len(end.encode())]
        clean = stem.decode("utf-8", "ignore") + end
    return clean or "document"
