"""The pages kept from tuning: the rule that chose them, the list, and their files.

``python -m bench.reading.kept CHECKOUTS --used FOLDER`` chooses again and writes the list.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from bench.reading import eligible
from tests.live import ROOT

LIST = ROOT / "bench" / "kept_pages.json"
PAGES = 60
#: pages of one document
EACH = 2
MOST_BYTES = 5_000_000
#: pages with this share of their words in common are taken to be one page
SAME = 0.8
#: seconds for a file
PATIENCE = 120

_SIGHT = f"{eligible.WORDS} visible upright words in Latin letters"
RULE = " ".join(
    (
        f"All PDF files of the checkouts with at most {MOST_BYTES:,} bytes that open without a password,",
        "in the order of the SHA-256 of the file; files that development used before are passed by.",
        f"Of each file at most {EACH} pages, in the order of SHA-256('SHA-256 of the file:page'),",
        f"among the first {eligible.TRIES} of that order. A page is taken when it has at least {_SIGHT};",
        f"{eligible.UPRIGHT:.0%} of all its words are visible and upright;",
        f"no picture covers {eligible.PICTURE:.0%} of it;",
        f"poppler and pdfium agree in {eligible.AGREEMENT:.0%} of its words;",
        f"and no page taken before shares {SAME:.0%} of its words.",
        "Visible: drawn (render mode), on the page, with ink in its box.",
        f"The first {PAGES} such pages are the list.",
        "plain: seen on the drawn page alone, nothing is set in rows and columns: no table, form, list of",
        "contents, aligned code or labels beside values. A chart or a drawing is no table.",
    )
)


@dataclass(frozen=True, slots=True)
class Kept:
    """A page of the list. ``plain``: no table is on it."""

    repository: str
    commit: str
    path: str
    page: int
    sha256: str
    plain: bool = False

    def file(self, folder: Path) -> Path:
        """Where its file is, below a folder with ``OWNER+NAME/PATH``."""
        return folder / self.repository.replace("/", "+") / self.path

    @property
    def name(self) -> str:
        """For tables."""
        return f"{self.repository.partition('/')[2]} {Path(self.path).name} p. {self.page}"


def load(path: Path = LIST) -> list[Kept]:
    """The list, in its order."""
    return [Kept(**each) for each in json.loads(path.read_text("utf-8"))["pages"]]


def missing(pages: Sequence[Kept], folder: Path) -> list[str]:
    """Files of the list that are not there, or are other files than those that were chosen."""
    found: list[str] = []
    for each in pages:
        path = each.file(folder)
        if not path.is_file() or hashlib.sha256(path.read_bytes()).hexdigest() != each.sha256:
            found.append(f"{each.repository} {each.path}")
    return sorted(set(found))


def choose(folder: Path, commits: dict[str, str], used: set[str]) -> list[Kept]:
    """The list by ``RULE``, with nothing marked as plain. ``commits`` by ``OWNER/NAME``."""
    files: dict[str, tuple[str, Path]] = {}
    for repository in sorted(commits):
        root = folder / repository.replace("/", "+")
        for path in sorted(root.rglob("*")):
            if path.suffix.lower() == ".pdf" and path.is_file() and path.stat().st_size <= MOST_BYTES:
                files.setdefault(hashlib.sha256(path.read_bytes()).hexdigest(), (repository, path))
    taken: list[Kept] = []
    texts: list[Counter[str]] = []
    for digest in sorted(files.keys() - used):
        repository, path = files[digest]
        inner = path.relative_to(folder / repository.replace("/", "+")).as_posix()
        count = 0
        for page, text in _pages(path):
            words = Counter(text.split())
            if any(_same(words, other) for other in texts):
                continue
            taken.append(Kept(repository, commits[repository], inner, page, digest))
            texts.append(words)
            count += 1
            if len(taken) == PAGES:
                return taken
            if count == EACH:
                break
    return taken


def _pages(path: Path) -> Iterator[tuple[int, str]]:
    """Of a file that may crash or stall what opens it: what its process told until then."""
    command = [sys.executable, "-m", "bench.reading.eligible", str(path)]
    try:
        told = subprocess.run(command, capture_output=True, cwd=ROOT, timeout=PATIENCE).stdout
    except subprocess.TimeoutExpired as error:
        told = error.stdout or b""
    for line in told.splitlines():
        page, text = json.loads(line)
        yield page, text


def _same(words: Counter[str], other: Counter[str]) -> bool:
    return (words & other).total() >= SAME * min(words.total(), other.total())


def main() -> None:
    """Chooses, and writes the list with what was marked as plain before."""
    parser = argparse.ArgumentParser(prog="python -m bench.reading.kept", description=__doc__)
    parser.add_argument("files", type=Path, help="a folder with OWNER+NAME/PATH")
    parser.add_argument("--commit", action="append", default=[], metavar="OWNER/NAME=COMMIT")
    parser.add_argument(
        "--used", type=Path, action="append", default=[], help="a folder of files used before"
    )
    given = parser.parse_args()
    used = {
        hashlib.sha256(path.read_bytes()).hexdigest()
        for folder in given.used
        for path in folder.rglob("*")
        if path.suffix.lower() == ".pdf" and path.is_file()
    }
    plain = {(each.sha256, each.page) for each in load() if each.plain} if LIST.exists() else set()
    commits = dict(each.split("=", 1) for each in given.commit)
    pages = [asdict(each) for each in choose(given.files, commits, used)]
    for each in pages:
        each["plain"] = (each["sha256"], each["page"]) in plain
    LIST.write_text(json.dumps({"rule": RULE, "pages": pages}, indent=1) + "\n", "utf-8")
    print(f"{len(pages)} pages of {len({each['sha256'] for each in pages})} documents")


if __name__ == "__main__":
    main()
