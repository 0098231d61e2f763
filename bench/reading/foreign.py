"""Runs in the environment of the benchmark's own: a library reads files, asked and answered in JSON lines.

``PYTHON foreign.py NAME``: imports nothing of this project. Processor time is that of this process and of its
children that have ended; memory is the most that this process had (VmHWM of proc(5)).
"""

from __future__ import annotations

import json
import resource
import sys
from collections.abc import Callable
from pathlib import Path

#: what tesseract calls a language
_TESSERACT = {"en": "eng", "zh": "chi_sim"}

Read = Callable[[str, str], str]


def rapidocr_reader() -> Read:
    """rapidocr's own pipeline with its default models, one thread."""
    from rapidocr import RapidOCR

    engine = RapidOCR(params={"EngineConfig.onnxruntime.intra_op_num_threads": 1})
    return lambda path, _: engine(path).to_markdown() or ""


def pymupdf4llm_reader() -> Read:
    """pymupdf4llm with its default options, told the language for OCR."""
    import pymupdf4llm

    return lambda path, language: pymupdf4llm.to_markdown(
        path, ocr_language=_TESSERACT[language], show_progress=False
    )


READERS = {"rapidocr": rapidocr_reader, "pymupdf4llm": pymupdf4llm_reader}


def _spent() -> float:
    both = (resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))
    return sum(usage.ru_utime + usage.ru_stime for usage in both)


def _peak() -> float:
    """In MB. Not ru_maxrss, which a child has of its parent until it runs its own program."""
    lines = Path("/proc/self/status").read_text().splitlines()
    return int(next(line for line in lines if line.startswith("VmHWM")).split()[1]) / 1024


def main() -> None:
    """Answers a line of ``path`` and ``language`` with ``text`` or ``failed``, ``seconds``, ``megabytes``."""
    answers = sys.stdout
    sys.stdout = sys.stderr  # what libraries print
    read = READERS[sys.argv[1]]()
    for line in sys.stdin:
        told = json.loads(line)
        before = _spent()
        try:
            answer: dict[str, object] = {"text": read(told["path"], told["language"])}
        except Exception as error:
            answer = {"failed": f"{type(error).__name__}: {error}"[:200]}
        answer |= {"seconds": _spent() - before, "megabytes": _peak()}
        print(json.dumps(answer), file=answers, flush=True)


if __name__ == "__main__":
    main()
