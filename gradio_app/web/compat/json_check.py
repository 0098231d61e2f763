"""JSON check: whether a file that a worker wrote is one JSON value, before it is put into an answer as it is.

A worker may be hostile: what is no JSON could end the value early and write the rest of the answer itself.
The file is not parsed, as a result of hundreds of pages would take the memory of the whole server.
"""

from __future__ import annotations

import codecs
import mmap
import os
import re
from collections.abc import Callable
from functools import partial

from gradio_app.base.errors import WorkerCrashed

#: lists and objects in one another; JSON parsers of clients give up later, and ours have a dozen
MOST_DEPTH = 200
_PIECE = 2**20
_SPACE = rb"[ \t\n\r]*+"
_NUMBER = rb"-?(?:0|[1-9][0-9]{0,400}+)(?:\.[0-9]{1,400}+)?(?:[eE][+-]?[0-9]{1,4}+)?"
_STRING = rb'"[^"\\\x00-\x1f]*+(?:\\(?:["\\/bfnrt]|u[0-9a-fA-F]{4})[^"\\\x00-\x1f]*+)*+"'
_PLAIN = rb"(?:" + _STRING + rb"|" + _NUMBER + rb"|true|false|null)"
#: a value that holds no other, or a list of such, in one go: boxes and texts are most of a result
_NEXT = _SPACE + rb"," + _SPACE + _PLAIN
_LIST = rb"\[" + _SPACE + _PLAIN + rb"(?:" + _NEXT + rb")*+" + _SPACE + rb"\]"
_FLAT = re.compile(_SPACE + rb"(?:" + _PLAIN + rb"|" + _LIST + rb")" + _SPACE)
_KEY = re.compile(_SPACE + _STRING + _SPACE + rb":")
_END = re.compile(_SPACE)
_SIGN = re.compile(_SPACE + rb"([\[\]{},])" + _SPACE)


def check_json(opened: Callable[[], int]) -> None:
    """Raises ``WorkerCrashed`` unless the file, which is closed again, is one JSON value in UTF-8."""
    with open(opened(), "rb") as file:
        if not _is_text(partial(file.read, _PIECE)) or not _is_json(file.fileno()):
            raise WorkerCrashed("The result of this document is damaged. Convert the document again.")


def _is_text(read: Callable[[], bytes]) -> bool:
    decoder = codecs.getincrementaldecoder("utf-8")()
    try:
        while data := read():
            decoder.decode(data)
        decoder.decode(b"", True)
    except UnicodeDecodeError:
        return False
    return True


def _is_json(descriptor: int) -> bool:
    if not os.fstat(descriptor).st_size:
        return False
    with mmap.mmap(descriptor, 0, access=mmap.ACCESS_READ) as data:
        return _whole(data)


def _whole(data: mmap.mmap) -> bool:
    """Walks through the value; ``above`` has the ends of the lists and objects that are open."""
    above = bytearray()
    at = 0
    while True:
        # a value begins here
        if found := _FLAT.match(data, at):
            at = found.end()
        else:
            found = _SIGN.match(data, at)
            if not found or found[1] not in b"[{" or len(above) == MOST_DEPTH:
                return False
            at, end = found.end(), b"]" if found[1] == b"[" else b"}"
            if data[at : at + 1] != end:
                above += end
                if end == b"}":
                    found = _KEY.match(data, at)
                    if not found:
                        return False
                    at = found.end()
                continue
            at += 1
        # a value has ended: what is open goes on, or ends with it
        while above and (found := _SIGN.match(data, at)) and found[1] == above[-1:]:
            above.pop()
            at = found.end()
        if not above:
            return _END.fullmatch(data, at) is not None
        found = _SIGN.match(data, at)
        if not found or found[1] != b",":
            return False
        at = found.end()
        if above.endswith(b"}"):
            found = _KEY.match(data, at)
            if not found:
                return False
            at = found.end()
