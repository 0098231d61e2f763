"""``python -m bench.search``: how long a search in the text of all documents takes, and what the index costs.

Pages of made-up words that are as often as words are in English; the commonest is on every page.
"""

from __future__ import annotations

import argparse
import random
import tempfile
import time
from collections.abc import Callable, Sequence
from itertools import accumulate
from pathlib import Path
from statistics import median

from gradio_app.base import clock
from gradio_app.store.listing import Wanted
from gradio_app.store.search_index import SearchIndex
from gradio_app.store.store import Store
from gradio_app.store.text_search import TextSearch
from tests.unit.records import a_task, open_store

#: words of a page, different words, pages of a document, and questions of each kind
WORDS, VOCABULARY, PAGES, ASKED = 300, 50_000, 10, 7


def main(argv: Sequence[str] | None = None) -> None:
    """Makes the index in a folder that is gone afterwards, and prints the figures."""
    parser = argparse.ArgumentParser(prog="python -m bench.search", description=__doc__)
    parser.add_argument("--pages", type=int, default=100_000, help="pages in the index (default: 100,000)")
    given = parser.parse_args(argv)
    with tempfile.TemporaryDirectory() as folder:
        for line in measure(Path(folder), max(PAGES, given.pages)):
            print(line)


def measure(folder: Path, pages: int) -> list[str]:
    """Lines of a table: what was measured, and the figure."""
    store = open_store(folder)
    paths = folder / "search.db", folder / "queue.db"
    index, search = SearchIndex(*paths), TextSearch(*paths)
    words = vocabulary()
    try:
        index.remake()
        seconds = fill(store, index, words, pages)
        queries = {
            "a rare word": words[5000],
            "a common word": words[100],
            "the commonest word": words[0],
            "a beginning of two letters": words[0][:2],
            "three words": " ".join(words[10:13]),
            "two words in a row": f'"{words[3]} {words[4]}"',
        }
        found = {name: ask(search, query) for name, query in queries.items()}
        store.delete("t1")
        index.due(1)
        shredded = timed(lambda: [None for _ in iter(index.shred, False)])
        return [
            f"{pages} pages of {WORDS} words, {pages // PAGES} documents",
            f"indexing: {1000 * seconds / pages:.2f} ms a page; size: {index.size() / 2**20:.0f} MiB",
            *(
                f"{name}: {1000 * median(took):.0f} ms (least {1000 * min(took):.0f})"
                for name, took in found.items()
            ),
            f"words of a deleted document leave the file: {shredded:.1f} s of merging",
        ]
    finally:
        search.close()
        index.close()
        store.close()


def vocabulary() -> list[str]:
    """Words, the commonest first."""
    rng = random.Random(1)
    return [
        "".join(rng.choices("abcdefghijklmnopqrstuvwxyz", k=rng.randint(3, 10))) for _ in range(VOCABULARY)
    ]


def fill(store: Store, index: SearchIndex, words: list[str], pages: int) -> float:
    """Adds documents to the queue and to the index; seconds that the index took."""
    rng, often = random.Random(2), list(accumulate(1 / place for place in range(1, VOCABULARY + 1)))
    count = pages // PAGES
    with store.together() as db:
        for number in range(count):
            store.add([a_task(f"t{number}", name=f"report-{number}.pdf")])
        db.execute("UPDATE tasks SET status = 'completed', finished_at = ?", (clock.stamp(),))
    seconds = 0.0
    while docs := index.due(200):
        for doc in docs:
            texts = {
                page: " ".join(rng.choices(words, cum_weights=often, k=WORDS)) for page in range(1, PAGES + 1)
            }
            began = time.monotonic()
            index.put(doc, texts)
            seconds += time.monotonic() - began
    return seconds


def ask(search: TextSearch, query: str) -> list[float]:
    """Seconds of each asking, for the first hundred documents; nothing is remembered from the one before."""
    took: list[float] = []
    for number in range(ASKED):
        search.page(Wanted("ann", words=f"nothing{number}"), 1)
        took.append(timed(lambda: search.page(Wanted("ann", words=query), 100)))
    return took


def timed(work: Callable[[], object]) -> float:
    """Seconds that this takes."""
    began = time.monotonic()
    work()
    return time.monotonic() - began


if __name__ == "__main__":
    main()
