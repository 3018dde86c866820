"""Relays: what the personalities and organisations who spread the word bring, directly and through friends."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import TYPE_CHECKING, Self

from funnel import charts
from funnel.definition import UNITS, Step, as_step, microseconds
from funnel.errors import DefinitionError
from funnel.events import Events, checked_events, instant
from funnel.language import language as language_of
from funnel.marks import check_names
from funnel.relayed import counted, measures, told
from funnel.relayed.told import Told, title
from funnel.results import Result, Saying
from funnel.seeds import USUAL_COLUMNS, check_named_by, named
from funnel.waiting import patiently

if TYPE_CHECKING:
    import pandas

DISCOUNTS = {"all": 1.0, "none": 0.0}


@dataclass(frozen=True)
class Relays:
    """A question about relays: what came by each, and what those who came by it brought in turn.

    `of`: what signing is, the name of an event or a Step. `shared`: the events by which a link becomes its visitor's,
    "share" where there are such events. `visited`: what a visit is. `named_by`: the columns that name a relay, by its
    name, its link or its code. `window`: how long after they came visitors may sign for the rate.

    `downstream`: what a signature that friends brought counts for the relay of whoever began the tree: "all" of it,
    "none", or a number from 0 to 1 for each generation (with 0.5 a friend counts a half, a friend's friend a quarter).
    `launched_at`: when the petition went online, local to the events' zone where it has none; the first visit unless
    given.

    The table of relays beside the events says when each agreed, and how large its audience is: see
    `docs/definitions.md`.

    >>> Relays(of="sign", downstream=0.5).named_by
    ('relay', 'link_id')
    """

    of: str | Step = "sign"
    shared: str | Step | None = None
    visited: str | Step = "visit"
    named_by: Sequence[str] = USUAL_COLUMNS
    window: str | timedelta = "7 days"
    downstream: str | float = "all"
    launched_at: str | date | None = None

    def __post_init__(self) -> None:
        for step in (self.of, self.visited, *([] if self.shared is None else [self.shared])):
            as_step(step)
        object.__setattr__(self, "named_by", check_named_by(self.named_by))
        microseconds(self.window, argument="window")
        _discount(self.downstream)
        if self.launched_at is not None:
            instant(self.launched_at, "UTC", argument="launched_at")

    @patiently
    def measure(self, events: Events, *, language: str = "en") -> RelaysResult:
        """Return the answer over these events, told in "en" or "fr"."""
        language_of(language)
        checked_events(events, "Relays are")
        named(events, self.named_by)
        return RelaysResult.of(self, events).speaking(language)


def _discount(downstream: object) -> float:
    """Return what each generation counts of the one before, 0 to 1."""
    if isinstance(downstream, str) and downstream in DISCOUNTS:
        return DISCOUNTS[downstream]
    if isinstance(downstream, int | float) and not isinstance(downstream, bool) and 0 <= downstream <= 1:
        return float(downstream)
    raise DefinitionError(
        f"downstream={downstream!r} is no discount. Write 'all', 'none', or a number from 0 to 1: what each generation"
        " counts of the one before."
    )


@dataclass(frozen=True, eq=False, repr=False)
class RelaysResult(Result):
    """One row a relay, the most in total first; the last, whose relay is null, is of those who came by none.

    Further answers: `generations()`, `waves()`, `first_day()`.
    """

    told: Told = None  # type: ignore[assignment]

    @classmethod
    def of(cls, question: Relays, events: Events) -> Self:
        """Count who came by which relay, and put the answer together; the engine's tables are removed again."""
        of, visited = as_step(question.of), as_step(question.visited)
        shared = None if question.shared is None else as_step(question.shared)
        check_names((of, visited), events.vocabulary)
        window_us = microseconds(question.window, argument="window")
        discount = _discount(question.downstream)
        found = counted(
            events,
            of,
            shared=shared,
            visited=visited,
            named_by=question.named_by,
            window_us=window_us,
            launched_at=question.launched_at,
        )
        what = Told(found, discount, window_us / UNITS["second"])
        return cls(
            frame=measures.relays_of(found, discount),
            draw=charts.relay_forest,
            heading=title("relays"),
            remarks=told.remarks(what),
            told=what,
        )

    def summary(self, code: str | None = None) -> str:
        """Return what relays brought and which of them most, in sentences, in "en" or "fr"."""
        waves = measures.waves_of(self.told.counted, self.frame)
        return told.brought(self.told, self.frame, waves, language_of(code or self.language))

    def generations(self) -> Result:
        """Return the signatures of each relay by generation, and what they count: one row a relay and generation."""
        order = self.frame["relay"].tolist()
        frame = measures.generations_of(self.told.counted, self.told.discount, order)
        return self._answer("generations", frame, told.remarks_on_generations(self.told))

    def waves(self) -> Result:
        """Return relays who agreed before launch beside those who did after: one row a measure, relays as units."""
        frame = measures.waves_of(self.told.counted, self.frame)
        return self._answer("waves", frame, told.remarks_on_waves(self.told, frame))

    def first_day(self) -> Result:
        """Return what the petition's first 24 hours brought, then and later: one row a source of signatures."""
        return self._answer("first_day", measures.first_day_of(self.told.counted), told.remarks_on_first_day(self.told))

    def _answer(self, name: str, frame: pandas.DataFrame, remarks: tuple[Saying, ...]) -> Result:
        return Result(frame, title(name), remarks, None, self.language)

    def _for_json(self) -> dict[str, object]:
        return {**super()._for_json(), "summary": self.summary()}
