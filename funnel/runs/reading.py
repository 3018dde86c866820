"""A report's page, read back: what it says in every section, piece by piece, and what it carries for its script."""

from __future__ import annotations

import base64
import binascii
import gzip
import json
import re
import zlib
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from html.parser import HTMLParser
from typing import Any, NamedTuple

from funnel.errors import SourceError

_VOID = frozenset(
    {"area", "base", "br", "col", "embed", "hr", "img", "input", "link", "meta", "source", "track", "wbr"}
)
_HEADINGS = frozenset({"h1", "h2", "h3", "h4", "h5", "h6"})
_CHARTS, _FILES = "charts", "files"
# Neither says anything to a reader.
_SILENT = frozenset({"style", "script"})
OPENING, CLOSING, HEAD = "answer", "footer", "head"
CUT = "What the page carries for its charts and files was cut short or changed by hand, so nothing can be compared."


class Piece(NamedTuple):
    """Where something stands in a section: what it is, and what it is called there (a cell by its row and column)."""

    kind: str
    called: tuple[str, ...] = ()


@dataclass
class Part:
    """A section of the page, or what stands outside of sections: its heading, its pieces, the numbers of its charts.

    `pieces` are what is said, in order, by what it is and is called.
    """

    name: str
    title: str = ""
    pieces: dict[Piece, list[str]] = field(default_factory=dict)
    charts: list[int] = field(default_factory=list)
    pictures: int = 0

    def add(self, kind: str, text: str, *called: str) -> None:
        """Note what a piece says, after others that are called the same; nothing is no piece."""
        if text:
            self.pieces.setdefault(Piece(kind, called), []).append(text)


@dataclass(frozen=True)
class Page:
    """A page, read: its declaration, its parts by name, its charts in order, its scripts by id.

    `offered` are the names of the files it hands out and `files` their texts, both in order.
    """

    declared: Mapping[str, Any]
    parts: dict[str, Part]
    charts: list[Any]
    offered: list[str]
    files: list[str]
    scripts: Mapping[str, str]

    @property
    def is_static(self) -> bool:
        """Whether its charts are pictures, or none."""
        return not self.charts


@dataclass
class _Node:
    tag: str
    attributes: dict[str, str]
    children: list[_Node | str] = field(default_factory=list)

    @property
    def text(self) -> str:
        """All the words in it, with single spaces between them; spaces that do not break are kept."""
        return _spaced(self._texts())

    def _texts(self) -> Iterator[str]:
        for child in self.children:
            if isinstance(child, str):
                yield child
            elif child.tag not in _SILENT:
                yield from child._texts()

    def has_class(self, name: str) -> bool:
        return name in self.attributes.get("class", "").split()

    def every(self, *tags: str) -> Iterator[_Node]:
        """Yield the elements of these tags within, in order."""
        for child in self.children:
            if isinstance(child, _Node):
                if child.tag in tags:
                    yield child
                yield from child.every(*tags)


def read(text: str) -> Page:
    """Return what a page says; refuse one that no report wrote, or that was cut short."""
    reader = _Reader()
    reader.feed(text)
    reader.close()
    scripts: dict[str, str] = {}
    for each in reader.root.every("script"):
        name = each.attributes.get("id", "")
        scripts[name] = scripts.get(name, "") + "".join(_strings(each))
    declared = _declared(scripts.pop("analysis", None))
    charts, files = _unpacked(scripts.pop(_CHARTS, "")), _unpacked(scripts.pop(_FILES, ""))
    offered = [each.attributes["download"] for each in reader.root.every("a") if "download" in each.attributes]
    return Page(declared, _parts(reader.root), charts, offered, files, scripts)


class _Reader(HTMLParser):
    """Builds the tree of a page that is well formed, as ours are."""

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.root = _Node("", {})
        self.open = [self.root]

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        node = _Node(tag, {name: value or "" for name, value in attrs})
        self.open[-1].children.append(node)
        if tag not in _VOID:
            self.open.append(node)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.open[-1].children.append(_Node(tag, {name: value or "" for name, value in attrs}))

    def handle_endtag(self, tag: str) -> None:
        if any(node.tag == tag for node in self.open[1:]):
            while self.open.pop().tag != tag:
                pass

    def handle_data(self, data: str) -> None:
        self.open[-1].children.append(data)


def _parts(root: _Node) -> dict[str, Part]:
    parts = {HEAD: Part(HEAD)}
    for title in root.every("title"):
        parts[HEAD].add("heading", title.text)
    for body in root.every("body"):
        _walk(body, parts[HEAD], parts)
    return parts


def _walk(node: _Node, part: Part, parts: dict[str, Part]) -> None:
    """Note the pieces of an element and of those within, each in the part it stands in."""
    for child in node.children:
        if isinstance(child, str):
            part.add("text", _spaced([child]))
        elif child.tag == "section" or child.has_class("answer") or child.tag == "footer":
            name = {"section": child.attributes.get("id", ""), "footer": CLOSING}.get(child.tag, OPENING)
            _walk(child, parts.setdefault(name, Part(name)), parts)
        elif child.tag not in _SILENT:
            _note(child, part, parts)


def _note(node: _Node, part: Part, parts: dict[str, Part]) -> None:
    """Note one element: as a whole where it is a piece, by what is in it otherwise."""
    if node.tag in _HEADINGS:
        part.title = part.title or node.text
        part.add("heading", node.text)
    elif node.tag == "table":
        _table(node, part)
    elif node.tag == "ol" and node.has_class("bars"):
        _bars(node, part)
    elif node.tag == "dl":
        _facts(node, part)
    elif node.tag == "figure":
        _figure(node, part, parts)
    elif node.tag in ("svg", "img"):
        part.pictures += not node.has_class("logo")
    elif node.tag == "li" or node.tag == "p":
        kind = "note" if node.tag == "li" else "sentence"
        part.add(kind, node.text)
    else:
        _walk(node, part, parts)


def _table(table: _Node, part: Part) -> None:
    caption = next((each.text for each in table.every("caption")), "")
    part.add("caption", caption)
    headings = [each.text for head in table.every("thead") for each in head.every("th")]
    for heading in headings:
        part.add("column", heading, caption)
    for body in table.every("tbody"):
        for row in body.every("tr"):
            cells = list(row.every("th", "td"))
            called = ", ".join(cell.text for cell in cells if cell.tag == "th")
            part.add("row", called, caption)
            for place, cell in enumerate(cells):
                if cell.tag == "td":
                    column = headings[place] if place < len(headings) else str(place + 1)
                    part.add("cell", _said(cell), caption, called, column)


def _said(cell: _Node) -> str:
    """Return what a cell says; of one that is hidden, the word for that."""
    words = [each.text for each in cell.every("span") if each.has_class("unseen")]
    return words[0] if cell.has_class("hidden") and words else cell.text or " "


def _bars(bars: _Node, part: Part) -> None:
    for bar in bars.every("li"):
        label = next((each.text for each in bar.every("span") if each.has_class("bar-label")), "")
        lengths = [each.attributes["style"] for each in bar.every("span") if "style" in each.attributes]
        part.add("bar", bar.text.removeprefix(label).strip(), label)
        part.add("length", "; ".join(lengths), label)


def _facts(facts: _Node, part: Part) -> None:
    """Note tiles, and the lines of the footer: each value by its label."""
    for group in facts.every("div"):
        label = next((each.text for each in group.every("dt")), "")
        part.add("label", label)
        for value in group.every("dd"):
            part.add("fact", value.text, label)


def _figure(figure: _Node, part: Part, parts: dict[str, Part]) -> None:
    number = figure.attributes.get("data-chart", "")
    if number.isdigit():
        part.charts.append(int(number))
    for child in figure.children:
        if isinstance(child, _Node) and child.tag == "figcaption":
            part.add("figure", child.text)
        elif isinstance(child, _Node):
            _note(child, part, parts)


def _declared(text: str | None) -> Mapping[str, Any]:
    try:
        declared = json.loads(text or "")
    except ValueError:
        declared = None
    if not isinstance(declared, dict) or not {"schema", "analysis", "fingerprint"} <= set(declared):
        raise SourceError(
            "The page carries no analysis, so no campaign report wrote it. Give a page that `funnel report` or"
            " `funnel run` wrote."
        )
    return declared


def _unpacked(packed: str) -> list[Any]:
    """Return the list that the page carries packed; an empty one where it carries none."""
    if not packed.strip():
        return []
    try:
        found = json.loads(gzip.decompress(base64.b64decode(packed, validate=True)))
    except (binascii.Error, OSError, EOFError, ValueError, zlib.error):
        raise SourceError(CUT) from None
    return found if isinstance(found, list) else []


def _strings(node: _Node) -> Iterator[str]:
    return (each for each in node.children if isinstance(each, str))


def _spaced(texts: Iterable[str]) -> str:
    return re.sub(r"[ \n\r\t]+", " ", "".join(texts)).strip(" ")
