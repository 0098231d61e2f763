"""Page readers in the commands: their models are fetched, licences asked for, SGLang gets their flags."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from gradio_app.base import page_readers
from gradio_app.base.errors import EngineUnavailable, GpuOutOfMemory, ModelsMissing
from gradio_app.base.page_readers import reader_of
from gradio_app.base.settings import Settings
from gradio_app.commands import doctor, models
from gradio_app.commands.sglang import prepare
from gradio_app.machine import hubs, reader_weights
from gradio_app.machine.hubs import Source
from gradio_app.model_server import sizing
from gradio_app.model_server.choose import choose_backends, engine_kind
from gradio_app.model_server.sglang_flags import value_of
from gradio_app.model_server.sglang_process import SglangServer
from gradio_app.parsing import download
from tests.fakes.weights import make_vision
from tests.unit.commands.test_sglang import GB, card

DOTS, DEEPSEEK = reader_of("dots.mocr"), reader_of("deepseek-ocr-2")


def put(folder: Path, name: str) -> Path:
    """Weights of a reader, in the smallest form that counts as complete."""
    make_vision(folder)
    root = folder / reader_of(name).weights.folder
    (folder / page_readers.MINERU.weights.folder).rename(root)
    return root


@pytest.fixture
def hub(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> list[tuple[str, str]]:
    """What is fetched: repository and hub."""
    fetched: list[tuple[str, str]] = []

    def fetch(reader: page_readers.PageReader, folder: Path, source: str) -> None:
        fetched.append((reader.name, source))
        put(folder.parent, reader.name)

    monkeypatch.setattr(download, "fetch_reader", fetch)
    monkeypatch.setattr(hubs, "probe", lambda source: Source("huggingface", "it answers"))
    monkeypatch.setattr(hubs, "problem_of", lambda name: "")
    return fetched


def test_a_model_is_fetched_by_its_reader(hub: list[tuple[str, str]], tmp_path: Path) -> None:
    said: list[str] = []
    models.run_reader(tmp_path, DEEPSEEK, "auto", False, said.append)
    models.run_reader(tmp_path, DEEPSEEK, "auto", False, said.append)
    assert hub == [("deepseek-ocr-2", "huggingface")], "once"
    assert "Apache-2.0" in said[1] and "gradio --reader deepseek-ocr-2" in said[-1]
    assert reader_weights.problem(tmp_path, DEEPSEEK) == ""


def test_a_licence_is_asked_for_once(
    hub: list[tuple[str, str]], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.raises(ModelsMissing, match=r"was not accepted. Read it, then start again with --accept"):
        models.run_reader(tmp_path, DOTS, "auto", False, lambda _text: None)
    assert hub == []
    monkeypatch.setattr("sys.stdin.isatty", lambda: True, raising=False)
    monkeypatch.setattr("builtins.input", lambda _question: "y")
    models.run_reader(tmp_path, DOTS, "auto", False, lambda _text: None)
    monkeypatch.setattr("builtins.input", lambda _question: pytest.fail("it was asked again"))
    models.run_reader(tmp_path, DOTS, "auto", False, lambda _text: None)
    assert [name for name, _ in hub] == ["dots.mocr"]


def test_a_disk_that_is_too_small_is_told_before_anything_is_fetched(
    hub: list[tuple[str, str]], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("shutil.disk_usage", lambda _path: type("Usage", (), {"free": GB})())
    with pytest.raises(Exception, match=r"DeepSeek-OCR-2 need about 6\.3 GB") as caught:
        models.run_reader(tmp_path, DEEPSEEK, "auto", False, lambda _text: None)
    assert getattr(caught.value, "code", "") == "disk_full" and hub == []


def planned(tmp_path: Path, name: str, **more: Any) -> Any:
    found = Settings(model_dir=str(tmp_path), reader=name, sglang_python="/bin/true")
    return prepare(found, [], lambda: [more.pop("card", card())], {"PATH": "/bin"})


def test_the_command_of_sglang_has_the_flags_of_the_reader(tmp_path: Path) -> None:
    folder = put(tmp_path, "dots.mocr")
    reader_weights.accept(tmp_path, DOTS)
    command = planned(tmp_path, "dots.mocr")
    assert command.missing == []
    assert value_of(command.words[3:], "--model-path") == str(folder)
    template = Path(value_of(command.words[3:], "--chat-template") or "")
    assert "<|imgpad|>" in template.read_text() and "--trust-remote-code" in command.words
    assert int(value_of(command.words[3:], "--context-length") or 0) == 32_768
    assert any("weights take 5.7" in text and "of 28 KiB" in text for text in command.notices)
    fraction = float(value_of(command.words[3:], "--mem-fraction-static") or 0)
    assert fraction * 23 * GB > DOTS.serve.weights


@pytest.mark.parametrize(
    ("given", "words"),
    [
        (
            card(),
            "are not in {folder}. Fetch them with ./start_mineru_optimized.sh models --reader dots.mocr",
        ),
        (card(total=8, free=7.5), "7.5 of 8.0 GB are free"),
        (card(capability=(7, 5)), "dots.mocr needs a card of compute capability 8.0 or newer"),
    ],
)
def test_what_a_reader_lacks_is_a_sentence(tmp_path: Path, given: Any, words: str) -> None:
    missing = planned(tmp_path, "dots.mocr", card=given).missing
    assert any(words.format(folder=tmp_path) in sentence for sentence in missing), missing


def test_a_licence_that_was_not_accepted_is_a_sentence(tmp_path: Path) -> None:
    put(tmp_path, "dots.mocr")
    (sentence,) = planned(tmp_path, "dots.mocr").missing
    assert "licence of dots.mocr" in sentence and "--accept-licence, then start again." in sentence


def test_a_card_that_is_too_small_names_the_model() -> None:
    with pytest.raises(GpuOutOfMemory, match=r"DeepSeek-OCR-2 needs \d"):
        sizing.plan(8 * GB, 7 * GB, (8, 9), reader=DEEPSEEK)
    assert "not loaded in 8 bit" in " ".join(sizing.plan(16 * GB, 15 * GB, (8, 9), reader=DEEPSEEK).why)


def test_the_identity_names_the_reader(tmp_path: Path) -> None:
    def identity(**settings: Any) -> str:
        return choose_backends(Settings(model_dir=str(tmp_path), **settings), tmp_path)[0].identity

    url = "http://gpu:30000"
    assert identity(sglang_url=url) == f"remote {url}"
    assert page_readers.served(identity(sglang_url=url)) == {"mineru"}
    assert page_readers.served(identity(sglang_url=url, reader="dots.mocr")) == {"dots.mocr"}
    own = [SglangServer(Settings(reader=name), tmp_path).identity for name in ("mineru", "dots.mocr")]
    assert "reader=" not in own[0] and own[1].endswith(" reader=dots.mocr/1") and "DotsMOCR" in own[1]
    assert page_readers.served("") == frozenset()


async def _start(settings: Settings, folder: Path) -> None:
    await SglangServer(settings, folder, cards=lambda: [card(capability=(7, 5))]).start(0)


def test_a_start_without_weights_or_on_an_old_card_says_so(tmp_path: Path) -> None:
    import asyncio

    settings = Settings(reader="deepseek-ocr-2", model_dir=str(tmp_path), sglang_python="/bin/true")
    with pytest.raises(ModelsMissing, match=r"models --reader deepseek-ocr-2, then retry\."):
        asyncio.run(_start(settings, tmp_path))
    put(tmp_path, "deepseek-ocr-2")
    with pytest.raises(EngineUnavailable, match="needs a card of compute capability 8"):
        asyncio.run(_start(settings, tmp_path))


def test_an_engine_lacks_the_model_of_its_reader(tmp_path: Path) -> None:
    _, lacks = engine_kind(Settings(reader="deepseek-ocr-2", model_dir=str(tmp_path), engine="sglang"))
    assert "the model of deepseek-ocr-2" in [lack.what for lack in lacks]


def test_doctor_lists_the_readers(tmp_path: Path) -> None:
    put(tmp_path, "dots.mocr")
    settings = Settings(model_dir=str(tmp_path), reader="dots.mocr")
    found = doctor._readers(settings)  # pyright: ignore[reportPrivateUsage]
    assert (
        found.level == "note" and "once ./start_mineru_optimized.sh models --reader dots.mocr" in found.detail
    )
    assert "dots.mocr (here, its licence not accepted; many languages" in found.detail
    reader_weights.accept(tmp_path, DOTS)
    found = doctor._readers(settings)  # pyright: ignore[reportPrivateUsage]
    assert found.level == "ok" and "MIT with a use agreement) (served)" in found.detail
    assert "deepseek-ocr-2 (not here; old scans" in found.detail and "6.3 GB; Apache-2.0)" in found.detail
