"""File types: the suffixes of files that are read. What a file is, its content tells (``parsing.kinds``)."""

from __future__ import annotations

#: pictures, in MinerU's names
PICTURES = frozenset({"png", "jpg", "jpeg", "webp", "gif", "bmp", "tiff", "jp2"})
#: archives of XML or HTML, whose unpacked size is checked first
ARCHIVES = frozenset({"docx", "pptx", "xlsx", "odt", "ods", "odp", "epub", "ofd"})
#: pictures that are made pages first; MinerU does not read them
FOREIGN_PICTURES = frozenset({"heic", "avif"})
ALL_PICTURES = PICTURES | FOREIGN_PICTURES
#: text, which is told apart by the suffix alone -> type
TEXTS = {
    **{suffix: suffix for suffix in ("txt", "log", "json", "xml", "md", "ipynb")},
    "markdown": "md",
    "text": "txt",
    "rst": "txt",
}
#: files that hold documents, which become tasks of their own (``parsing.containers``)
CONTAINERS = frozenset({"zip", "eml", "msg"})
#: types that MinerU reads only once they are prepared
PREPARED_ONLY = FOREIGN_PICTURES | set(TEXTS.values()) | CONTAINERS
_OTHERS = "pdf tif doc ppt xls rtf html htm shtml mhtml mht csv tsv heif"
#: rows of a sheet that is too large for MinerU, as ``parsing.sheets`` writes them; never sent by anybody
SHEETS = "sheets"
#: all of them, as suffixes of files
DOCUMENTS = ALL_PICTURES | ARCHIVES | PREPARED_ONLY | set(TEXTS) | set(_OTHERS.split())


def is_document(name: str) -> bool:
    """Whether the suffix of a file's name is one of ``DOCUMENTS``; capitals do not matter."""
    return name.rpartition(".")[2].lower() in DOCUMENTS and "." in name
