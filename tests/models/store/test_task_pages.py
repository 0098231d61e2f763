"""Which reading of a page counts, whatever shards there are."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from gradio_app.store.task import Shard, failed_pages, latest, pages_done, readings
from tests.unit.store.test_task_pages import s

SHARDS = st.lists(
    st.tuples(st.sets(st.integers(1, 6), min_size=1), st.booleans(), st.sets(st.integers(1, 6))), max_size=6
).map(
    lambda rows: [
        s(number, tuple(sorted(pages)), done, tuple(sorted(bad & pages)) if done else ())
        for number, (pages, done, bad) in enumerate(rows)
    ]
)


@given(SHARDS)
def test_every_page_is_read_well_or_failed_and_never_both(shards: list[Shard]) -> None:
    pages = {page for shard in shards for page in shard.pages}
    failed = set(failed_pages(shards))
    well = {page for page, shard in latest(shards).items() if shard.done and page not in shard.bad}
    assert failed | well == pages and not failed & well
    assert len(well) <= pages_done(shards) <= len(pages)
    assert set(readings(shards)) <= pages and all(shard.done for shard in readings(shards).values())
