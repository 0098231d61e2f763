"""Layers (optional content): what is switched off when a document opens is taken out of its pages."""

# pyright: reportMissingTypeStubs=false, reportUnknownMemberType=false, reportUnknownVariableType=false
# pyright: reportUnknownArgumentType=false

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Any

import pikepdf
from pikepdf import Name

from gradio_app.parsing.prepare.pdf.fields import text_of
from gradio_app.parsing.prepare.prepared import Prepared, Wanted

#: layers of a document, depth of an expression of layers and of forms in forms, operators of one stream
_MOST, _DEEP, _MOST_OPERATORS = 10_000, 12, 2_000_000
#: operators that paint, and what stands in their place; the state of graphics is kept
_PAINTS: dict[str, str] = {
    **dict.fromkeys(("Tj", "TJ", "Do", "sh", "INLINE IMAGE"), ""),
    **dict.fromkeys(("S", "s", "f", "F", "f*", "B", "B*", "b", "b*"), "n"),
    **dict.fromkeys(("'", '"'), "T*"),
}
_Key = tuple[int, int]


def drop(document: pikepdf.Pdf, wanted: Wanted, said: Prepared) -> bool:
    """Drops what layers that are off paint, and annotations on them; tells how many layers held something."""
    off = _off(document.Root.get("/OCProperties"))
    if not off:
        return False
    work = _Work(document, off)
    pages = [number for number, page in enumerate(document.pages, 1) if work.page(page.obj)]
    if not pages:
        return False
    count = len(work.held)
    names = ", ".join(sorted(name for key in work.held if (name := off[key])))
    what = "1 layer is" if count == 1 else f"{count} layers are"
    told = f": {names}" if names else ""
    said.note(
        "layers_left_out", f"{what} switched off when the document opens, and left out here{told}", pages
    )
    return True


def _off(properties: Any) -> dict[_Key, str]:
    """The layers that are off when the document opens on a screen, with their names."""
    if not isinstance(properties, pikepdf.Dictionary):
        return {}
    layers = {_key(one): one for one in _array(properties.get("/OCGs"))}
    default = properties.get("/D")
    if not isinstance(default, pikepdf.Dictionary):
        return {}
    off = set(layers) if default.get("/BaseState") == Name.OFF else set[_Key]()
    off -= {_key(one) for one in _array(default.get("/ON"))}
    off |= {_key(one) for one in _array(default.get("/OFF"))}
    for usage in _array(default.get("/AS")):
        if usage.get("/Event") != Name.View:
            continue
        for layer in _array(usage.get("/OCGs")):
            state = _deep(layer, "/Usage", "/View", "/ViewState")
            if state == Name.OFF:
                off.add(_key(layer))
            elif state == Name.ON:
                off.discard(_key(layer))
    return {key: text_of(layers[key].get("/Name")) for key in off if key in layers}


def _array(value: Any) -> list[Any]:
    items = list(value)[:_MOST] if isinstance(value, pikepdf.Array) else []
    return [one for one in items if isinstance(one, pikepdf.Dictionary)]


def _deep(value: Any, *keys: str) -> Any:
    for key in keys:
        value = value.get(key) if isinstance(value, pikepdf.Dictionary) else None
    return value


def _key(layer: Any) -> _Key:
    return layer.objgen


class _Work:
    """Walks pages and forms; ``held`` are the layers that painted something."""

    def __init__(self, document: pikepdf.Pdf, off: dict[_Key, str]) -> None:
        self._document, self._off = document, off
        self._seen: dict[_Key, bool] = {}
        self.held: set[_Key] = set()

    def page(self, page: Any) -> bool:
        """Takes what is off from a page; whether there was something."""
        changed = self._annotations(page)
        resources = _inherited_resources(page)
        if resources is None:
            return changed
        inner = self._forms(resources, 0)
        rest = self._without(page, resources)
        if rest is not None:
            page.Contents = self._document.make_stream(rest)
        return changed or inner or rest is not None

    def _annotations(self, page: Any) -> bool:
        found = page.get("/Annots")
        if not isinstance(found, pikepdf.Array):
            return False
        rest = [
            one for one in found if not (isinstance(one, pikepdf.Dictionary) and self._is_off(one.get("/OC")))
        ]
        if len(rest) == len(found):
            return False
        page.Annots = pikepdf.Array(rest)
        return True

    def _forms(self, resources: Any, depth: int) -> bool:
        """Empties forms and pictures that are off, and takes what is off from other forms."""
        changed = False
        names = resources.get("/XObject")
        if not isinstance(names, pikepdf.Dictionary) or depth > _DEEP:
            return False
        for name, item in list(names.items()):
            if not isinstance(item, pikepdf.Stream):
                continue
            key = item.objgen
            if key not in self._seen:
                self._seen[key] = False  # while it is walked, and for circles
                self._seen[key] = self._form(item, depth)
            if self._is_off(item.get("/OC")):
                names[name] = self._document.make_stream(
                    b"", Type=Name.XObject, Subtype=Name.Form, BBox=pikepdf.Array([0, 0, 1, 1])
                )
                changed = True
            changed |= self._seen[key]
        return changed

    def _form(self, form: Any, depth: int) -> bool:
        resources = form.get("/Resources")
        if form.get("/Subtype") != Name.Form or not isinstance(resources, pikepdf.Dictionary):
            return False
        inner = self._forms(resources, depth + 1)
        rest = self._without(form, resources)
        if rest is not None:
            form.write(rest)
        return inner or rest is not None

    def _without(self, holder: Any, resources: Any) -> bytes | None:
        """The content of a page or form without what is off; None where nothing is."""
        marked = resources.get("/Properties")
        if not isinstance(marked, pikepdf.Dictionary):
            return None
        names = {name for name, value in marked.items() if self._is_off(value, hold=False)}
        if not names:
            return None
        kept, dropped = list[Any](), set[str]()
        for item, name in _marked(_operators(holder), names):
            instead = _PAINTS.get(str(item.operator)) if name else None
            if instead is None:
                kept.append(item)
                continue
            dropped.add(name)
            if instead:
                kept.append(pikepdf.ContentStreamInstruction([], pikepdf.Operator(instead)))
        for name in dropped:
            self._is_off(marked[name])
        return pikepdf.unparse_content_stream(kept) if dropped else None

    def _is_off(self, content: Any, hold: bool = True) -> bool:
        """Whether a layer, or an expression of layers, is off; its layers that are off then count as held."""
        if not isinstance(content, pikepdf.Dictionary):
            return False
        layers = [content] if "/OCGs" not in content and "/VE" not in content else _layers_of(content)
        if not self._hidden(content):
            return False
        if hold:
            self.held.update(_key(one) for one in layers if _key(one) in self._off)
        return True

    def _hidden(self, content: Any) -> bool:
        if content.get("/Type") != Name.OCMD:
            return _key(content) in self._off
        if isinstance(content.get("/VE"), pikepdf.Array):
            return not self._true(content.VE, 0)
        states = [_key(one) not in self._off for one in _layers_of(content)]
        if not states:
            return False
        match str(content.get("/P", "/AnyOn")):
            case "/AllOn":
                return not all(states)
            case "/AnyOff":
                return all(states)
            case "/AllOff":
                return any(states)
            case _:
                return not any(states)

    def _true(self, expression: Any, depth: int) -> bool:
        """The value of a visibility expression; one that makes no sense is visible."""
        if isinstance(expression, pikepdf.Dictionary):
            return _key(expression) not in self._off
        if not isinstance(expression, pikepdf.Array) or len(expression) < 2 or depth > _DEEP:
            return True
        values = [self._true(one, depth + 1) for one in list(expression)[1:_MOST]]
        match str(expression[0]):
            case "/And":
                return all(values)
            case "/Or":
                return any(values)
            case "/Not":
                return not values[0]
            case _:
                return True


def _layers_of(content: Any) -> list[Any]:
    layers = content.get("/OCGs")
    return [layers] if isinstance(layers, pikepdf.Dictionary) else _array(layers)


def _inherited_resources(page: Any) -> Any:
    node = page
    for _ in range(_DEEP):
        if not isinstance(node, pikepdf.Dictionary):
            return None
        if isinstance(node.get("/Resources"), pikepdf.Dictionary):
            return node.Resources
        node = node.get("/Parent")
    return None


def _operators(holder: Any) -> Sequence[Any]:
    found = pikepdf.parse_content_stream(holder)
    if len(found) > _MOST_OPERATORS:
        raise ValueError("a page has too many operators to look for its layers")
    return found


def _marked(operators: Iterable[Any], names: set[str]) -> Iterator[tuple[Any, str]]:
    """Each operator with the marked content of ``names`` that it is in, or an empty name."""
    inside: list[str] = []
    for item in operators:
        operator = str(item.operator)
        if operator == "BDC" and len(item.operands) == 2 and item.operands[0] == Name.OC:
            name = str(item.operands[1])
            inside.append(name if name in names else "")
        elif operator in ("BMC", "BDC"):
            inside.append("")
        elif operator == "EMC" and inside:
            inside.pop()
        yield item, next(filter(None, inside), "")
