"""Referrals: who brought whom, and whether a petition would grow without the media and the relays."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import timedelta
from functools import partial
from typing import TYPE_CHECKING, Self

from funnel import charts
from funnel.definition import UNITS, Step, as_step, microseconds
from funnel.errors import DataError, DefinitionError
from funnel.events import Events, checked_events
from funnel.forest import check_referrals, forest
from funnel.journey_table.scratch import Scratch
from funnel.language import Language
from funnel.language import language as language_of
from funnel.referral_forest import ReferralForest
from funnel.results import Result, records
from funnel.seeds import USUAL_COLUMNS
from funnel.spread import Spread, measures, spread_of
from funnel.spread.shapes import shapes_of
from funnel.spread.told import alone, grown, remark, remarks, title
from funnel.waiting import patiently

if TYPE_CHECKING:
    import pandas
    from plotly.graph_objects import Figure


@dataclass(frozen=True)
class Referrals:
    """A question about signers and those their links brought.

    `of`: what signing is, the name of an event or a Step. `shared`: the events by which a link becomes its visitor's,
    "share" where there are such events. `window`: whole days over which the reproduction number is read. The events
    need a column `referred_by`, or `link_id`; `docs/definitions.md` says who counts as whose friend.

    >>> Referrals(of="sign")
    Referrals(of='sign', shared=None, window='3 days')
    """

    of: str | Step = "sign"
    shared: str | Step | None = None
    window: str | timedelta = "3 days"

    def __post_init__(self) -> None:
        for step in (self.of, *([] if self.shared is None else [self.shared])):
            as_step(step)
        if microseconds(self.window, argument="window") % UNITS["day"]:
            raise DefinitionError(f"window={self.window!r} is no whole number of days. Give for example '3 days'.")

    @patiently
    def measure(self, events: Events, *, language: str = "en") -> ReferralsResult:
        """Return the answer over these events, told in "en" or "fr"."""
        language_of(language)
        self._check(events)
        return ReferralsResult.of(self, events).speaking(language)

    def forest(self, events: Events, *, named_by: Sequence[str] = USUAL_COLUMNS) -> ReferralForest:
        """Return the trees as a table, a row a signature; `named_by` are the columns that name relays."""
        self._check(events)
        return ReferralForest.of(events, as_step(self.of), self.shared, named_by)

    def _check(self, events: Events) -> None:
        checked_events(events, "Referrals are")
        check_referrals(events)


@dataclass(frozen=True, eq=False, repr=False)
class ReferralsResult(Result):
    """One row a generation: the signatures of it, and what each of their signers brought.

    `numbers` holds the measures one by one; further answers: `over_time()`, `offspring()`, `cycle()`, `trees()`.
    """

    spread: Spread = None  # type: ignore[assignment]
    numbers: pandas.DataFrame = None

    @classmethod
    def of(cls, question: Referrals, events: Events) -> Self:
        """Build the trees and put the answer together; the engine's tables are removed again."""
        shared = question.shared or "share"
        with Scratch(events.connection) as scratch:
            trees = forest(events, question.of, shared=question.shared, scratch=scratch)
            days = microseconds(question.window, argument="window") // UNITS["day"]
            spread = spread_of(trees, as_step(shared), window_days=days)
            scratch.drop()
        if not len(spread.lineage):
            raise DataError(
                "Nobody who signed is in a tree: every signer names a referrer who did not sign before, or whose own"
                " referrer did not. Is referred_by the visitor whose link was used?"
            )
        numbers = measures.numbers_of(spread)
        return cls(
            frame=measures.generations_of(spread),
            draw=charts.generation_bars,
            heading=title("generations"),
            remarks=remarks(spread),
            spread=spread,
            numbers=numbers,
        )

    def summary(self, code: str | None = None) -> str:
        """Return whether it would grow by itself, and what is still to come, in sentences, in "en" or "fr"."""
        return grown(self.spread, self.numbers, self._words(code))

    def growth(self, code: str | None = None) -> str:
        """Return whether it would grow without the media and the relays, in a sentence, in "en" or "fr"."""
        return alone(self.spread, self._words(code))

    def over_time(self) -> Result:
        """Return the reproduction number over time, seeded signatures apart from those brought: one row a day."""
        return self._answer("over_time", measures.over_time_of(self.spread), draw=charts.reproduction_over_time)

    def offspring(self) -> Result:
        """Return how many signers brought how many: one row a number brought."""
        return self._answer("offspring", measures.offspring_of(self.spread), draw=charts.offspring_bars)

    def cycle(self) -> Result:
        """Return the time from a signature to one it brings: one row a span of time."""
        return self._answer("cycle", measures.cycle_of(self.spread), draw=charts.cycle_bars)

    def trees(self, most: int = 10, *, least: int = 1) -> Result:
        """Return the largest trees of `least` signatures or more, without a trace of who is in them: one row a tree.

        Its chart draws up to ten of them; what it needs is in no frame and no export.
        """
        for name, value in (("most", most), ("least", least)):
            if not isinstance(value, int) or isinstance(value, bool) or value < 1:
                what = "trees" if name == "most" else "signatures"
                raise DefinitionError(f"{name}={value!r} is no number of {what}. Give 1 or more.")
        trees = self.spread.lineage
        roots = measures.largest_trees(trees, most=most)
        roots = roots[trees.sizes[roots] >= least]
        drawn = partial(charts.largest_trees, shapes=shapes_of(trees, roots))
        return self._answer("trees", measures.trees_of(self.spread, roots), draw=drawn)

    def _answer(self, name: str, frame: pandas.DataFrame, *, draw: Callable[..., Figure] | None = None) -> Result:
        return Result(frame, title(name), (remark(name),), draw, self.language)

    def _words(self, code: str | None) -> Language:
        return language_of(code or self.language)

    def _for_json(self) -> dict[str, object]:
        return {
            "title": self.title,
            "summary": self.summary(),
            "notes": list(self.notes),
            "rows": records(self.frame),
            "numbers": records(self.numbers),
        }
