"""XLSX: comments on cells, and formulas that have no values."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, cast

from gradio_app.parsing.prepare.office.package import Package
from gradio_app.parsing.prepare.office.xlsx_cells import S, place_of, string_of
from gradio_app.parsing.prepare.office.xml import Element

#: cells that a note names
_MOST_NAMED = 20
_THREADS = "{http://schemas.microsoft.com/office/spreadsheetml/2018/threadedcomments}"


def formulas_note(places: list[str]) -> str:
    """The sentence of a note on formulas that have no values."""
    count = "1 cell holds a formula" if len(places) == 1 else f"{len(places)} cells hold formulas"
    more = f" and {len(places) - _MOST_NAMED} more" if len(places) > _MOST_NAMED else ""
    return (
        f"{count} without a stored value, which is shown instead ({', '.join(places[:_MOST_NAMED])}{more}). "
        "Open and save the file in a spreadsheet program, and send it again."
    )


def formula_of(element: Element, place: str, shared: dict[str, tuple[str, str]]) -> str:
    """The text of a formula with its ``=``; one that is shared is moved to its own place."""
    text = (element.text or "").strip()
    group = element.get("si", "")
    if element.get("t") == "shared" and text:
        shared[group] = (text, place)
    elif element.get("t") == "shared" and group in shared:
        from openpyxl.formula.translate import Translator

        master, origin = shared[group]
        text = str(cast(Any, Translator(f"={master}", origin)).translate_formula(place))[1:]
    return f"={text}" if text else ""


def comments_of(package: Package, part: str) -> list[str]:
    """The comments on a sheet's cells by their places: today's threads, and what was there before."""
    found = list[tuple[tuple[int, int], str]]()
    relations = package.relations(part).values()
    threaded = set[str]()
    people = _people(package)
    for relation in relations:
        if relation.type == "threadedComment" and relation.target in package.names:
            for one in package.tree(relation.target).iter(_THREADS + "threadedComment"):
                words = one.find(_THREADS + "text")
                author = people.get(one.get("personId", ""), "")
                threaded.add(one.get("ref", ""))
                found.append(_comment(one.get("ref", ""), author, "" if words is None else words.text or ""))
    for relation in relations:
        if relation.type == "comments" and relation.target in package.names:
            root = package.tree(relation.target)
            authors = [author.text or "" for author in root.iter(S + "author")]
            for one in root.iter(S + "comment"):
                number = one.get("authorId", "0")
                author = authors[int(number)] if number.isdecimal() and int(number) < len(authors) else ""
                words = one.find(S + "text")
                text = "" if words is None else string_of(words)
                if one.get("ref", "") not in threaded:
                    found.append(_comment(one.get("ref", ""), author, text.removeprefix(f"{author}:")))
    return [text for _, text in sorted(found, key=lambda each: each[0]) if text]


def _comment(place: str, author: str, text: str) -> tuple[tuple[int, int], str]:
    words, by = " ".join(text.split()), f" by {author.strip()}" if author.strip() else ""
    return place_of(place) or (0, 0), f"Comment{by} on {place}: {words}" if words else ""


def _people(package: Package) -> Mapping[str, str]:
    people = dict[str, str]()
    for name in package.names:
        if name.startswith("xl/persons/") and name.endswith(".xml"):
            for one in package.tree(name).iter(_THREADS + "person"):
                people[one.get("id", "")] = one.get("displayName", "")
    return people
