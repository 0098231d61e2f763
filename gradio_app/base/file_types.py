"""File types: the suffixes of files that MinerU reads. MinerU itself goes by the content."""

from __future__ import annotations

#: pictures, in MinerU's names
PICTURES = frozenset({"png", "jpg", "jpeg", "webp", "gif", "bmp", "tiff", "jp2"})
#: archives of XML or HTML, whose unpacked size is checked first
ARCHIVES = frozenset({"docx", "pptx", "xlsx", "odt", "ods", "odp", "epub", "ofd"})
_OTHERS = "pdf tif doc ppt xls rtf html htm shtml mhtml mht csv tsv"
#: rows of a sheet that is too large for MinerU, as ``parsing.sheets`` writes them; never sent by anybody
SHEETS = "sheets"
#: all of them, as suffixes of files
DOCUMENTS = PICTURES | ARCHIVES | set(_OTHERS.split())


def is_document(name: str) -> bool:
    """Whether the suffix of a file's name is one of ``DOCUMENTS``; capitals do not matter."""
    return name.rpartition(".")[2].lower() in DOCUMENTS and "." in name
