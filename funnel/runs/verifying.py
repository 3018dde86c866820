"""Whether a page still says what the data says: the page read back, its analysis run again, every piece compared."""

from __future__ import annotations

import base64
import csv
import io
import json
import os
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass, replace
from difflib import SequenceMatcher
from itertools import zip_longest
from pathlib import Path
from typing import TYPE_CHECKING, Any

from funnel.analysis import Analysis, Data
from funnel.errors import DefinitionError, SourceError
from funnel.registration import Change, Registration, changes
from funnel.report import campaign_report
from funnel.runs import reading
from funnel.runs.comparing import same
from funnel.runs.reading import Page, Part
from funnel.runs.registered import NAME, tell

if TYPE_CHECKING:
    from funnel.events import Events
    from funnel.language import Language

LONGEST = 80
# Where the page came from and what made it: neither is a number.
_PROVENANCE = ("Source", "Made with")
# What a page without charts to touch has otherwise: pictures stand for bars, and none may have been drawn.
_DRAWN = ("figure", "bar", "length")
# What draws the charts hangs on the version of the package, and of plotly.
_MAKERS = ("acquisition-funnel", "plotly")


@dataclass(frozen=True)
class Difference:
    """One thing that the page and the data do not say alike.

    `section` is its name and `title` its heading; `what` is the kind of thing ("cell", "sentence", "note", "fact",
    "bar", "length", "chart", "file", "script" ...), `called` where in the section it is. None where one side has
    nothing there.
    """

    section: str
    title: str
    what: str
    called: tuple[str, ...]
    page: str | None
    data: str | None


@dataclass(frozen=True)
class Verification:
    """What a page says beside what its data says now.

    `compared` is the number of things that were compared, in `sections` sections. `fingerprints` of the data are those
    of the page and of the data given; `versions` and `analysis` what changed of these, the latter where one was given.
    """

    differences: tuple[Difference, ...]
    compared: int
    sections: int
    fingerprints: tuple[str, str]
    versions: tuple[Change, ...]
    analysis: tuple[Change, ...] = ()

    @property
    def is_same_data(self) -> bool:
        """Whether the data is that of the page."""
        return self.fingerprints[0] == self.fingerprints[1]

    @property
    def is_true(self) -> bool:
        """Whether the page says what the data says, of the same data and of the analysis that was given."""
        return self.is_same_data and not self.differences and not self.analysis

    def to_json(self) -> str:
        """Return the same for programs."""
        told = {"true": self.is_true, "same_data": self.is_same_data, **asdict(self)}
        return json.dumps(told, ensure_ascii=False, indent=2)


def verify(
    page: str | os.PathLike[str],
    data: str | None = None,
    *,
    campaign: str | os.PathLike[str] | None = None,
    table: str | None = None,
    relays: str | None = None,
    mentions: str | None = None,
    memory_limit: str | None = None,
) -> Verification:
    """Run the analysis that a page carries on its data again, and return what the page says otherwise.

    `data` is where the data is now; only what is in it counts. `table` names its table of events where it has several;
    `relays` and `mentions` are tables that do not lie beside it. `campaign` is a campaign.yml that the page should be
    the answer to, and says where the data is, unless `data` does. Style, logo, versions and the name of the source are
    no part of it. Numbers in charts and files are compared to nine digits, all else to the letter.
    """
    said = _text(page)
    found = reading.read(said)
    analysis = _analysis(found)
    declared = None if campaign is None else Analysis.read(campaign)
    events = _connected(analysis, declared, Data(data, table=table, relays=relays, mentions=mentions), memory_limit)
    registration = Registration.held(found.declared[NAME]) if NAME in found.declared else None
    report = tell(campaign_report(events, analysis), analysis, registration)
    otherwise = () if declared is None else tuple(changes(analysis.counted(), declared.counted()))
    return replace(beside(said, report.html(), report.words), analysis=otherwise)


def beside(page: str, again: str, words: Language) -> Verification:
    """Return what one page says otherwise than another that was made from the same analysis, both in one language."""
    found, right = reading.read(page), reading.read(again)
    made = (found.declared.get("made_with", {}), right.declared.get("made_with", {}))
    versions = tuple(changes(*made))
    has_same_script = not any(each.key in _MAKERS for each in versions)
    return Verification(
        differences=tuple(_differences(found, right, words, has_same_script)),
        compared=sum(map(_count, right.parts.values())) + len(right.files),
        sections=len(right.parts) - 1,
        fingerprints=(str(found.declared["fingerprint"]), str(right.declared["fingerprint"])),
        versions=versions,
    )


def _count(part: Part) -> int:
    return sum(map(len, part.pieces.values())) + len(part.charts)


def unlike(before: Any, after: Any, where: str = "") -> Iterator[tuple[str, Any, Any]]:
    """Yield where two values of JSON differ, and what stands there; packed numbers are unpacked first."""
    before, after = _plain(before), _plain(after)
    if isinstance(before, Mapping) and isinstance(after, Mapping):
        for key in dict.fromkeys((*before, *after)):
            yield from unlike(before.get(key), after.get(key), f"{where}.{key}" if where else str(key))
    elif isinstance(before, list) and isinstance(after, list) and len(before) == len(after):
        for place, (old, new) in enumerate(zip(before, after, strict=True)):
            yield from unlike(old, new, f"{where}[{place}]")
    elif not same(before, after):
        yield where, before, after


def _text(page: str | os.PathLike[str]) -> str:
    path = Path(page)
    try:
        return path.read_text(encoding="utf-8")
    except OSError as error:
        raise SourceError(f"The page '{path.name}' cannot be read: {error.strerror}. Check the path.") from None
    except UnicodeDecodeError:
        raise SourceError(f"'{path.name}' is no page. Give one that `funnel report` or `funnel run` wrote.") from None


def _analysis(page: Page) -> Analysis:
    try:
        return Analysis.of(page.declared["analysis"])
    except (DefinitionError, TypeError, AttributeError) as error:
        raise DefinitionError(f"The analysis that the page carries cannot be asked. {error}") from None


def _connected(analysis: Analysis, declared: Analysis | None, given: Data, memory_limit: str | None) -> Events:
    """Return the events, read as the page says, from where we are told: by what is given, else by the campaign."""
    told = given if given.events is not None or declared is None else declared.data or given
    if told.events is None:
        raise DefinitionError(
            "The page does not say where its data lies. Give --data SOURCE, or --config campaign.yml, which says it."
        )
    read = replace(analysis.data or Data(), table=told.table, relays=told.relays, mentions=told.mentions)
    return read.connect(told.events, memory_limit=memory_limit)


def _differences(page: Page, again: Page, words: Language, has_same_script: bool) -> Iterator[Difference]:
    silent = {words.text(label) for label in _PROVENANCE}
    for name in dict.fromkeys((*page.parts, *again.parts)):
        said, right = page.parts.get(name), again.parts.get(name)
        if said is None or right is None:
            titles = [None if part is None else part.title for part in (said, right)]
            yield Difference(name, titles[0] or titles[1] or name, "section", (), *titles)
            continue
        yield from _pieces(said, right, silent, is_static=page.is_static)
        yield from _charts(said, right, page, again)
    yield from _files(page, again)
    if has_same_script:
        names = page.scripts if page.is_static else dict.fromkeys((*page.scripts, *again.scripts))
        for name in names:
            if page.scripts.get(name) != again.scripts.get(name):
                yield Difference("", "", "script", (name,), None, None)


def _pieces(said: Part, right: Part, silent: set[str], *, is_static: bool) -> Iterator[Difference]:
    for piece in dict.fromkeys((*said.pieces, *right.pieces)):
        if is_static and piece.kind in _DRAWN:
            continue
        if said.name == reading.CLOSING and piece.kind == "fact" and piece.called[0] in silent:
            continue
        before, after = said.pieces.get(piece, []), right.pieces.get(piece, [])
        # One more sentence, or one less, does not move all that come after it.
        for what, *places in SequenceMatcher(None, before, after, autojunk=False).get_opcodes():
            if what != "equal":
                unlike_ones = zip_longest(before[places[0] : places[1]], after[places[2] : places[3]])
                yield from (Difference(said.name, right.title, *piece, *each) for each in unlike_ones)


def _charts(said: Part, right: Part, page: Page, again: Page) -> Iterator[Difference]:
    """Compare the charts of a section number by number; of pictures, whether they are there at all."""
    if page.is_static:
        if any(part.pictures for part in page.parts.values()) and said.pictures != len(right.charts):
            yield Difference(said.name, right.title, "pictures", (), str(said.pictures), str(len(right.charts)))
        return
    charts = [[found.charts[number - 1] for number in part.charts] for part, found in ((said, page), (right, again))]
    for place in range(max(map(len, charts))):
        before, after = (each[place] if place < len(each) else None for each in charts)
        for where, old, new in unlike(before, after):
            yield Difference(said.name, right.title, "chart", (where,), *_shown(old, new))


def _plain(value: Any) -> Any:
    """Return the numbers that plotly packs as bytes as a list; anything else as it is."""
    if not (isinstance(value, Mapping) and {"dtype", "bdata"} <= set(value)):
        return value
    import numpy as np

    return np.frombuffer(base64.b64decode(value["bdata"]), dtype=value["dtype"]).tolist()


def _files(page: Page, again: Page) -> Iterator[Difference]:
    """Compare the files cell by cell. Where a page has not a link a file, they are taken to be in our order."""
    said = dict(zip(page.offered if len(page.offered) == len(page.files) else again.offered, page.files, strict=False))
    right = dict(zip(again.offered, again.files, strict=True))
    for name in dict.fromkeys((*said, *right)):
        before, after = said.get(name), right.get(name)
        section = name.removesuffix(".csv")
        title = again.parts[section].title if section in again.parts else name
        if before is None or after is None:
            yield Difference(section, title, "file", (), *_shown(before, after))
            continue
        tables = [list(csv.reader(io.StringIO(text))) for text in (before, after)]
        heads = tables[1][0] if tables[1] else []
        for line, (old, new) in enumerate(zip_longest(*tables, fillvalue=[]), start=1):
            for column, (one, other) in enumerate(zip_longest(old, new)):
                if not same(_number(one), _number(other)):
                    head = heads[column] if column < len(heads) else str(column + 1)
                    yield Difference(section, title, "file", (name, str(line), head), one, other)
    if page.offered != again.offered:
        yield Difference("", "", "files", (), ", ".join(page.offered), ", ".join(again.offered))


def _number(cell: str | None) -> str | float | None:
    try:
        return float(cell) if cell else cell
    except ValueError:
        return cell


def _shown(page: Any, data: Any) -> tuple[str | None, str | None]:
    return _short(page), _short(data)


def _short(value: Any) -> str | None:
    text = value if value is None or isinstance(value, str) else json.dumps(value, ensure_ascii=False)
    return text if text is None or len(text) <= LONGEST else f"{text[:LONGEST]}…"
