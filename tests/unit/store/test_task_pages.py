"""Which reading of a page counts when several shards have it, and what the receipt says of the engine."""

from __future__ import annotations

from gradio_app.store.task import Shard, failed_pages, latest, pages_done, readings
from tests.unit.records import a_task


def s(index: int, pages: tuple[int, ...], done: bool = True, bad: tuple[int, ...] = ()) -> Shard:
    return Shard("t1", index, pages, done, bad=bad)


FIRST = s(0, (1, 2, 3))
AGAIN = s(1, (2,), done=False)
READ_AGAIN = s(1, (2,))


def test_the_newest_shard_of_a_page_is_its_latest_in_whatever_order_they_come() -> None:
    for shards in ([FIRST, AGAIN], [AGAIN, FIRST]):
        assert latest(shards) == {1: FIRST, 2: AGAIN, 3: FIRST}


def test_until_a_page_is_read_again_its_old_reading_counts() -> None:
    assert readings([FIRST, AGAIN]) == {1: FIRST, 2: FIRST, 3: FIRST}
    assert readings([FIRST, READ_AGAIN]) == {1: FIRST, 2: READ_AGAIN, 3: FIRST}
    assert readings([AGAIN]) == {}


def test_a_page_that_is_to_be_read_again_is_not_done() -> None:
    assert pages_done([FIRST]) == 3
    assert pages_done([FIRST, AGAIN]) == 2
    assert pages_done([FIRST, READ_AGAIN]) == 3
    assert pages_done([]) == 0


def test_failed_pages_are_those_not_read_or_not_completely() -> None:
    assert failed_pages([s(0, (1, 2, 3), bad=(3, 1))]) == (1, 3)
    assert failed_pages([s(0, (1, 2), done=False), s(1, (3,))]) == (1, 2)
    assert failed_pages([FIRST, AGAIN]) == (2,)
    assert failed_pages([s(0, (1, 2), bad=(2,)), READ_AGAIN]) == ()
    assert failed_pages([s(0, (1, 2), bad=(1,)), s(1, (2,), bad=(2,))]) == (1, 2)


def test_a_document_without_pages_has_none_to_count() -> None:
    whole = s(0, ())
    assert (latest([whole]), pages_done([whole]), failed_pages([whole])) == ({}, 0, ())


# ---------------------------------------------------------------- the receipt


def test_the_receipt_names_the_engine_its_version_and_its_model() -> None:
    task = a_task(parser_version="4.0.12", engine='["sglang", "0.5.23", "MinerU2.5"]', failed_pages="2,4-5")
    receipt = task.receipt()
    assert receipt["engine"] == "sglang" and receipt["failed_pages"] == "2,4-5"
    assert receipt["versions"] == {"mineru": "4.0.12", "model": "MinerU2.5", "sglang": "0.5.23"}


def test_of_a_server_that_does_not_tell_its_version_none_is_given() -> None:
    receipt = a_task(parser_version="4.0.12", engine='["remote", "", "MinerU2.5"]').receipt()
    assert receipt["engine"] == "remote"
    assert receipt["versions"] == {"mineru": "4.0.12", "model": "MinerU2.5"}


def test_without_an_engine_there_is_none() -> None:
    receipt = a_task(parser_version="4.0.12").receipt()
    assert (receipt["engine"], receipt["versions"]) == ("none", {"mineru": "4.0.12"})
