"""What a page is made of: sections, tables, charts, tiles, facts. All text arrives ready to read."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from plotly.graph_objects import Figure

# A cell that is not published: shaded in a page, and read aloud as words.
HIDDEN = "▒"


@dataclass(frozen=True)
class Column:
    """The head of a table column. Numbers are set to the right, in figures of one width."""

    heading: str
    is_number: bool = False


@dataclass(frozen=True)
class Table:
    """Cells ready to read, a tuple a row; the first `names` columns say what the row is about.

    A cell that is `HIDDEN` and nothing else is one that is not published.
    """

    caption: str
    columns: tuple[Column, ...]
    rows: tuple[tuple[str, ...], ...]
    names: int = 1

    @property
    def places_of_words(self) -> tuple[int, ...]:
        """The places (from 1) of the columns that hold words, those that name the row left out."""
        columns = enumerate(self.columns, start=1)
        return tuple(place for place, column in columns if place > self.names and not column.is_number)


@dataclass(frozen=True)
class Bar:
    """One bar in plain HTML and CSS: `share` of the full width (0 to 1), then `pending` in a paler tone."""

    label: str
    share: float
    text: str
    pending: float = 0.0


@dataclass(frozen=True)
class KeyNumber:
    """A number that deserves a tile: what it counts, its value, one line that puts it in place, one that compares."""

    label: str
    value: str
    detail: str = ""
    change: str = ""


@dataclass(frozen=True)
class Fact:
    """One line of the footer; a code (a definition, a fingerprint) is set in fixed width."""

    label: str
    value: str
    is_code: bool = False


@dataclass(frozen=True)
class Download:
    """A file the page hands out, from what it carries: its name, and its whole text."""

    name: str
    text: str


@dataclass(frozen=True)
class Html:
    """A piece of HTML that goes into the page as it is: ours, or made safe by whoever gives it."""

    text: str


@dataclass(frozen=True)
class Chart:
    """A chart among pieces of text. `table` is what it was drawn from, folded below it; without one it stands alone."""

    figure: "Figure"
    table: Table | Html | None = None


@dataclass(frozen=True)
class Section:
    """One question and its answer: a sentence first, then what it was read from.

    `bars` stand in for the chart where it cannot be drawn; `parts` are sections one heading lower. `name` is the
    section's id in the page, "section-3" and "section-3-1" by its place if empty. `blocks` come in their order after
    the section's own chart, table and notes, before its parts.
    """

    heading: str
    sentence: str = ""
    chart: "Figure | None" = None
    table: Table | None = None
    notes: tuple[str, ...] = ()
    bars: tuple[Bar, ...] = ()
    paragraphs: tuple[str, ...] = ()
    numbers: tuple[KeyNumber, ...] = ()
    parts: tuple["Section", ...] = ()
    name: str = ""
    download: Download | None = None
    blocks: tuple[Html | Chart, ...] = ()


@dataclass(frozen=True)
class Look:
    """How charts are drawn in the page: plotly's options, and the colours of the two themes by role.

    Figures arrive in the light colours. The page shows each colour as its style sheet sets it for the role ("blue" is
    `--light-chart-blue` and `--dark-chart-blue`), or as it is here where the style sheet says nothing.
    """

    config: Mapping[str, object] = field(default_factory=dict)
    light: Mapping[str, str] = field(default_factory=dict)
    dark: Mapping[str, str] = field(default_factory=dict)


def every(sections: Sequence[Section]) -> Iterator[Section]:
    """Yield sections and their parts, from the top of the page to its end."""
    for section in sections:
        yield section
        yield from every(section.parts)


def figures_of(section: Section) -> "Iterator[Figure]":
    """Yield the figures of a section in the order the page shows them, those of its parts left out."""
    if section.chart is not None:
        yield section.chart
    for block in section.blocks:
        if isinstance(block, Chart):
            yield block.figure
