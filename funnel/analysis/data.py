"""What a declared analysis is made of besides questions: where the events are, and how the page looks."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import date
from pathlib import Path
from typing import Any

from funnel.analysis.kinds import CONDITION, MOMENT, TEXT, Form, Kind, Spoken, moment
from funnel.analysis.places import Place, nowhere
from funnel.errors import DefinitionError
from funnel.events import Events, checked_timezone

PATHS = ("events", "relays", "mentions")
LOOKS = ("css", "logo")


@dataclass(frozen=True)
class Data:
    """Where the events are, and how they are read: the arguments of `funnel.connect` that can be written down.

    `events`, `relays` and `mentions` are paths; `where` narrows the events. `folder` is the one that paths are written
    down from, which is where the file that says them lies.

    >>> Data("data/sample", timezone="America/Toronto").connect().timezone
    'America/Toronto'
    """

    events: str | None = None
    columns: Mapping[str, str] | None = field(default=None, hash=False)
    timezone: str | None = None
    cutoff: str | date | None = None
    table: str | None = None
    where: str | Mapping[str, object] | None = None
    relays: str | None = None
    mentions: str | None = None
    folder: Path | None = field(default=None, compare=False, repr=False)

    def __post_init__(self) -> None:
        set_ = object.__setattr__
        for argument in PATHS:
            path = getattr(self, argument)
            set_(self, argument, None if path is None else _path(path, argument).as_posix())
        if self.timezone is not None:
            checked_timezone(self.timezone)
        if self.cutoff is not None:
            set_(self, "cutoff", moment(self.cutoff, argument="cutoff"))
        if self.where is not None:
            set_(self, "where", CONDITION.read(Place(self.where, ("where",), nowhere)))
        if self.columns is not None:
            set_(self, "columns", _columns(Place(self.columns, ("columns",), nowhere)))

    def connect(self, source: str | None = None, *, memory_limit: str | None = None) -> Events:
        """Return the checked events, narrowed by `where`; `source` is read instead of `events` where it is given."""
        from funnel.sources import connect

        if source is None and self.events is None:
            raise DefinitionError(
                "Nothing says where the events are. Give `data: events:` in campaign.yml, or connect('data/sample')."
            )
        events = connect(
            self.events if source is None else source,
            columns=self.columns,
            timezone=self.timezone,
            cutoff=self.cutoff,
            table=self.table,
            memory_limit=memory_limit,
            relays=self.relays,
            mentions=self.mentions,
        )
        return events if self.where is None else events.where(self.where)

    def as_dict(self) -> dict[str, Spoken]:
        """Return what is written down: paths as from the folder."""
        return _outward(DATA.write(self), PATHS, self.folder)


@dataclass(frozen=True)
class Brand:
    """How a page looks: a style sheet and a logo, read when the page is made, and the name that the logo stands for.

    `folder` is the one that paths are written down from.
    """

    css: Path | None = None
    logo: Path | None = None
    name: str | None = None
    folder: Path | None = field(default=None, compare=False, repr=False)

    def __post_init__(self) -> None:
        for argument in LOOKS:
            path = getattr(self, argument)
            object.__setattr__(self, argument, None if path is None else _path(path, argument))

    def as_dict(self) -> dict[str, Spoken]:
        """Return what is written down: paths as from the folder."""
        return _outward(BRAND.write(self), LOOKS, self.folder)


def _path(given: object, argument: str) -> Path:
    if isinstance(given, (str, os.PathLike)) and str(given).strip():
        return Path(given)
    raise DefinitionError(f"{argument}={given!r} is no path. Write it as text, as from where you are.")


def _outward(said: dict[str, Spoken], paths: tuple[str, ...], folder: Path | None) -> dict[str, Spoken]:
    """Return paths as one writes them in that folder."""
    return {key: _from(str(value), folder) if key in paths else value for key, value in said.items()}


def _from(path: str, folder: Path | None) -> str:
    if folder is not None and Path(path).is_relative_to(folder):
        return Path(path).relative_to(folder).as_posix()
    return Path(path).as_posix()


def _columns(place: Place) -> dict[str, str]:
    if not isinstance(place.value, Mapping):
        raise place.refused(
            f"{place.name} maps our names to the source's; got {place.got}. Write for example columns:"
            " {visitor_id: user}."
        )
    return {ours: TEXT.read(theirs) for ours, theirs in sorted(place.pairs().items())}


DATA = Form(
    Data,
    "the data",
    {
        "events": TEXT,
        "timezone": TEXT,
        "cutoff": MOMENT,
        "columns": Kind(_columns, dict),
        "where": CONDITION,
        "table": TEXT,
        "relays": TEXT,
        "mentions": TEXT,
    },
)
BRAND = Form(Brand, "the brand", {"css": TEXT, "logo": TEXT, "name": TEXT})


def read_data(place: Place, folder: Path | None) -> Data:
    """Return the data that a mapping says, its paths as from here."""
    return replace(DATA.read(_inward(place, PATHS, folder)), folder=folder)


def read_brand(place: Place, folder: Path | None) -> Brand:
    """Return the brand that a mapping says, its paths as from here."""
    return replace(BRAND.read(_inward(place, LOOKS, folder)), folder=folder)


def _inward(place: Place, paths: tuple[str, ...], folder: Path | None) -> Place:
    if folder is None or not isinstance(place.value, Mapping):
        return place
    located: dict[str, Any] = {
        key: str(folder / value) if key in paths and _is_from_there(value) else value
        for key, value in place.value.items()
    }
    return replace(place, value=located)


def _is_from_there(value: object) -> bool:
    return isinstance(value, str) and bool(value.strip()) and not value.startswith("~")
