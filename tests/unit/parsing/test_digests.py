"""The text of ten documents, by digest: what changes it has to change the version of reading, too.

Results of one version are reused and joined. A digest that differs while the version does not means that two
readings of the same document would be taken for equal.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from hashlib import sha256

import pytest

from gradio_app.base.versions import reading_version
from gradio_app.machine import builtin_models as installed
from gradio_app.parsing.parse import parse_document
from gradio_app.parsing.prepare import Wanted, prepare
from gradio_app.parsing.readers import small_models
from gradio_app.parsing.readers.embedded.models import Models
from gradio_app.parsing.reading import MODELS_VARIABLE
from tests import layouts
from tests.layouts import COURSES, FORM, ITEMS, PROGRAM, STATEMENT

#: the version of reading that made the digests below
VERSION = "4.0.12/3.6.3"
#: name of a document -> SHA-256 of its Markdown
DIGESTS: dict[str, str] = {
    "prose": "c564e6be6b787d70ad41785c2a29656f14f63d07b08edb4b15f15afa72a5896a",
    "columns": "94a83c4213392a94a08384272fb9aed9c98c4b7897fcaea4b7f971aaccf7c8a3",
    "ruled table": "3fd28eaef7bb81fcd0ee75af1fa7e5f9c0022f0d3b721bb94d116a2310e9a8b9",
    "statement": "b0617af3a91660abebd4e922ca330c7f0f6c2ded473799aaba585772de7f9996",
    "code": "a541d1bda5a533bc845867e41235023139e91234a7bd38f652a5b960cd8a3a3c",
    "list": "e7a0330e2465fe6354c6ccc19d81fa8c40fc629d2d559adb3b47a896d6fc9032",
    "form": "f2182db16d982a6d8c17a22c10070db806253e21e2bba0eb34925c125fcfab4e",
    "scan": "e7eeb2419787402153a0540b0a7bc2ad0d4798fcd2bca571cdd5726a4e71aff9",
    "rotated": "b0617af3a91660abebd4e922ca330c7f0f6c2ded473799aaba585772de7f9996",
    "tiff": "ffca2c52f8033586e8145f6ad0cf1cad67a00e088f28d8ef69485cbd07fba54a",
}

NOTE = ("The meeting begins at nine in the hall.", "Bring the plan of the garden.")

DOCUMENTS: dict[str, tuple[str, Callable[[], bytes], tuple[str, ...]]] = {
    "prose": ("pdf", lambda: layouts.pdf(layouts.prose), ("# The mill", "before the next morning.")),
    "columns": ("pdf", lambda: layouts.pdf(layouts.columns), ("stood at the bend of the river",)),
    "ruled table": ("pdf", lambda: layouts.pdf(layouts.ruled_table), COURSES[2]),
    "statement": ("pdf", lambda: layouts.pdf(layouts.statement), STATEMENT[3]),
    "code": ("pdf", lambda: layouts.pdf(layouts.code), ("\n".join(PROGRAM),)),
    "list": ("pdf", lambda: layouts.pdf(layouts.bullets), ITEMS),
    "form": ("pdf", lambda: layouts.pdf(layouts.form), FORM[3]),
    "scan": ("pdf", lambda: layouts.scans(layouts.table_sheet()), COURSES[3]),
    "rotated": ("pdf", lambda: layouts.rotated(layouts.pdf(layouts.statement)), STATEMENT[5]),
    "tiff": ("tiff", lambda: layouts.tiff(layouts.note_sheet(NOTE[0]), layouts.note_sheet(NOTE[1])), NOTE),
}


@pytest.fixture(scope="module")
def texts(builtin_models: Models, tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """The Markdown of each document, without the names of pictures."""
    assert builtin_models.available
    folder, found = tmp_path_factory.mktemp("digests"), dict[str, str]()
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv(MODELS_VARIABLE, str(installed.folder()))
        patch.setattr(small_models, "ready", lambda: False)
        for name, (kind, make, _) in DOCUMENTS.items():
            source, plain, out = (folder / f"{name}{end}" for end in (f".{kind}", ".plain.pdf", ""))
            source.write_bytes(make())
            if prepare(source, kind, plain, Wanted()).kind:
                source = plain
            parse_document(str(source), str(out), [], "basic", "txt", method="auto")
            found[name] = re.sub("[0-9a-f]{64}", "", (out / "document.md").read_text("utf-8"))
    return found


@pytest.mark.parametrize("name", DOCUMENTS)
def test_what_matters_is_in_the_text(texts: dict[str, str], name: str) -> None:
    for part in DOCUMENTS[name][2]:
        assert part in texts[name], texts[name]


def test_the_version_of_reading_says_when_the_text_changes(texts: dict[str, str]) -> None:
    digests = {name: sha256(text.encode()).hexdigest() for name, text in texts.items()}
    changed = [name for name, digest in digests.items() if DIGESTS.get(name) != digest]
    if changed and reading_version() == VERSION:
        pytest.fail(
            f"The text of {', '.join(changed)} has changed. Raise READER in gradio_app/base/versions.py "
            "(PREPARE if a preparer changed, CHECK if the check did), then update VERSION and DIGESTS here."
        )
    assert (reading_version(), digests) == (VERSION, DIGESTS), (
        f"This is version {reading_version()} of reading, and the digests are those of {VERSION}. "
        "Look at what has changed, then update VERSION and DIGESTS here."
    )
