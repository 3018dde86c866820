"""The page of a notebook that was run: sections by its headings, prose as written, and what its cells show."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from html import escape
from pathlib import Path
from typing import TYPE_CHECKING, Any

from funnel import charts, pages
from funnel.errors import DataError
from funnel.exporting import prose
from funnel.exporting.kernel import SHOWN, pieces_of
from funnel.exporting.parameters import INJECTED
from funnel.language import Language
from funnel.pages import Chart, Column, Fact, Html, Section, Table
from funnel.sections.discreet import discreet

if TYPE_CHECKING:
    from jinja2 import Template
    from nbformat import NotebookNode

    from funnel.exporting.running import Run

Block = Html | Chart
DEEPEST = 4
PICTURES = ("image/png", "image/jpeg", "image/gif", "image/svg+xml")
PLOTLY = "application/vnd.plotly.v1+json"
CONTROLS = "application/vnd.jupyter.widget-view+json"
_IN_COLUMNS = re.compile(r"\S {2,}\S|\t")
_ONE_NUMBER = re.compile(r"(?:np\.\w+\()?(-?\d+(?:\.\d+)?)\)?")
_FOLDER = Path(__file__).parent


def page_of(
    run: Run,
    path: Path,
    parameters: Mapping[str, Any],
    *,
    words: Language,
    title: str | None,
    with_code: bool,
    least: int,
) -> str:
    """Return the page. The first heading of the first level is its title, unless another is given."""
    outline = _Outline(path.stem.replace("_", " "))
    writing = _Writing(run, path, words, with_code, least)
    for piece in writing.pieces():
        outline.add(piece)
    return pages.render(
        title or outline.title,
        outline.sections(),
        language=words,
        opening=outline.opening,
        footer=_footer(run, path, parameters, words),
        look=pages.Look(charts.config(), charts.themes["light"], charts.themes["dark"]),
        brand_css=(_FOLDER / "export.css").read_text(encoding="utf-8"),
    )


@dataclass
class _Part:
    """A section being filled: its heading, how deep it stands (2 and more), what is in it."""

    heading: str
    level: int
    blocks: list[Block] = field(default_factory=list)
    parts: list[_Part] = field(default_factory=list)

    def section(self) -> Section:
        return Section(self.heading, blocks=tuple(self.blocks), parts=tuple(part.section() for part in self.parts))


@dataclass
class _Outline:
    """The sections of a page in the making. What comes before the first of them opens the page."""

    title: str
    opening: list[Block] = field(default_factory=list)
    top: list[_Part] = field(default_factory=list)
    open: list[_Part] = field(default_factory=list)
    is_named: bool = False

    def add(self, piece: prose.Heading | Block) -> None:
        """Add what comes next. A heading stands at most one level below the one it is under."""
        if not isinstance(piece, prose.Heading):
            (self.open[-1].blocks if self.open else self.opening).append(piece)
            return
        if piece.level == 1 and not self.is_named and not self.top:
            self.title, self.is_named = piece.text, True
            return
        level = min(max(piece.level, 2), DEEPEST)
        self.open = [part for part in self.open if part.level < level]
        part = _Part(piece.text, level)
        (self.open[-1].parts if self.open else self.top).append(part)
        self.open.append(part)

    def sections(self) -> list[Section]:
        """Return what was gathered."""
        return [part.section() for part in self.top]


@dataclass
class _Writing:
    """Turns cells into pieces of the page, from the top to the end; captions are told apart as they come."""

    run: Run
    path: Path
    words: Language
    with_code: bool
    least: int
    captions: dict[str, int] = field(default_factory=dict)
    tables: int = 0

    def pieces(self) -> Iterator[prose.Heading | Block]:
        """Yield headings and blocks in the order of the notebook."""
        place = 0
        for number, cell in enumerate(self.run.notebook.cells):
            if cell.cell_type == "markdown":
                yield from self._prose(cell.source, self.words.text("Table in the text {n}", n=number))
            elif cell.cell_type == "code":
                place += INJECTED not in cell.metadata.get("tags", [])
                yield from self._code(cell)
                for output in cell.outputs:
                    yield from self._output(output, place)

    def _prose(self, source: str, name: str) -> Iterator[prose.Heading | Block]:
        for piece in prose.read(source, name):
            yield piece if isinstance(piece, prose.Heading) else Html(f'<div class="prose">\n{piece.html}</div>')

    def _code(self, cell: NotebookNode) -> Iterator[Block]:
        if self.with_code and cell.source.strip():
            told = escape(self.words.text("Code"))
            yield Html(
                f'<details class="code">\n<summary>{told}</summary>\n'
                f'<pre class="columns" tabindex="0"><code>{escape(cell.source)}</code></pre>\n</details>'
            )

    def _output(self, output: NotebookNode, place: int) -> Iterator[Block]:
        if output.output_type == "stream":
            yield from self._stream(output)
        elif output.output_type == "error":
            yield self._notes([f"{output.ename}: {output.evalue}"])
        else:
            yield from self._data(output.data, place)

    def _stream(self, output: NotebookNode) -> Iterator[Block]:
        if output.name == "stderr":
            lines = [line for line in output.text.splitlines() if line.strip()]
            yield self._notes(lines)
            return
        yield from self._text(output.text)

    def _data(self, data: Mapping[str, Any], place: int) -> Iterator[Block]:
        if SHOWN in data:
            yield from self._piece(data[SHOWN]["piece"])
            return
        if PLOTLY in data:
            raise DataError(self._refusal(place, "a chart that is not a result’s own. Plot a result."))
        if any(picture in data for picture in PICTURES):
            raise DataError(
                self._refusal(
                    place,
                    "a picture, whose numbers nobody can check or read aloud. Plot a result, or show a table.",
                )
            )
        if CONTROLS in data:
            yield self._notes([self.words.text("Here the notebook has controls, which work in JupyterLab.")])
        elif "text/markdown" in data:
            name = self.words.text("Table in the text {n}", n=f"{place}b")
            for piece in prose.read(str(data["text/markdown"]), name):
                told = (
                    f"<p><strong>{escape(piece.text)}</strong></p>" if isinstance(piece, prose.Heading) else piece.html
                )
                yield Html(f'<div class="prose">\n{told}</div>')
        elif "text/plain" in data:
            yield from self._text(self._number(str(data["text/plain"])))

    def _number(self, text: str) -> str:
        """Return a text that is one number as the reader's language writes it; any other as it is."""
        found = _ONE_NUMBER.fullmatch(text)
        if found is None:
            return text
        return (
            self.words.number(int(found[1]))
            if found[1].lstrip("-").isdigit()
            else self.words.number(float(found[1]), 4)
        )

    def _refusal(self, place: int, what: str) -> str:
        return f"Cell {place} of {self.path.name} shows {what}"

    def _text(self, text: str) -> Iterator[Block]:
        """Yield a printed text: what is laid out in columns as it stands, other text as lines that wrap."""
        for part in pieces_of(text):
            if isinstance(part, int):
                yield from self._piece(part)
                continue
            lines = [self._discreet(line) for line in part.strip("\n").splitlines()]
            lines = [line for line in lines if line.strip()]
            if any(_IN_COLUMNS.search(line) for line in lines):
                written = escape("\n".join(lines))
                yield Html(f'<pre class="columns" tabindex="0">{written}</pre>')
            elif lines:
                told = "\n".join(f"<p>{escape(line)}</p>" for line in lines)
                yield Html(f'<div class="said">\n{told}\n</div>')

    def _discreet(self, line: str) -> str:
        secret = {word for word, names in self.run.secret if not names or any(name in line for name in names)}
        return discreet(line, frozenset(secret), k=self.least, words=self.words)

    def _piece(self, number: int) -> Iterator[Block]:
        piece = self.run.pieces[number]
        if "facts" in piece:
            yield Html(_facts(piece["facts"]))
            return
        table = self._table(piece["table"])
        if piece.get("chart") is not None:
            from plotly.graph_objects import Figure

            yield Chart(Figure(piece["chart"]), table)
            return
        left_out = (
            [self.words.text("The chart is left out: too much of it would be hidden.")] if "chart" in piece else []
        )
        self.tables += 1
        yield Html(self._written(table, [*piece.get("notes", ()), *left_out], f"table-{self.tables}"))

    def _table(self, told: Mapping[str, Any]) -> Table:
        """Return a table; one whose caption was there before is told apart from it."""
        caption = told["caption"]
        self.captions[caption] = self.captions.get(caption, 0) + 1
        if self.captions[caption] > 1:
            caption = f"{caption} ({self.captions[caption]})"
        columns = tuple(Column(heading, is_number) for heading, is_number in told["columns"])
        return Table(caption, columns, tuple(map(tuple, told["rows"])), told["names"])

    def _notes(self, notes: Sequence[str]) -> Html:
        return Html(self._written(None, notes, ""))

    def _written(self, table: Table | None, notes: Sequence[str], name: str) -> str:
        return _template().render(table=table, notes=notes, id=name, hidden=self.words.text("hidden"))


def _facts(told: Sequence[Sequence[str]]) -> str:
    """Return what events are, a line each."""
    rows = "".join(f"<div>\n<dt>{escape(name)}</dt>\n<dd>{escape(text)}</dd>\n</div>\n" for name, text in told)
    return f'<dl class="facts events">\n{rows}</dl>'


def _footer(run: Run, path: Path, parameters: Mapping[str, Any], words: Language) -> list[Fact]:
    sources = [[cell.cell_type, cell.source] for cell in run.notebook.cells]
    digest = hashlib.sha256(json.dumps(sources, ensure_ascii=False).encode()).hexdigest()[:32]
    given = ", ".join(f"{name} = {value!r}" for name, value in parameters.items())
    facts = [Fact(words.text("Notebook"), path.name), Fact(words.text("Fingerprint of the notebook"), digest, True)]
    if given:
        facts.append(Fact(words.text("Parameters"), given, True))
    if run.hidden:
        facts.append(Fact(words.text("What is hidden"), run.hidden))
    return [*facts, *(Fact(*fact) for fact in run.facts)]


@cache
def _template() -> Template:
    import jinja2

    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader([_FOLDER, Path(pages.__file__).parent]),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.globals["HIDDEN"] = pages.HIDDEN
    return environment.get_template("tables.jinja")
