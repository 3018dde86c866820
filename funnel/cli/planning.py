"""What `funnel plan` answers: the visitors and days a difference takes, and what difference so many visitors find."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

from funnel.errors import DefinitionError
from funnel.language import Language

if TYPE_CHECKING:
    from funnel.pages import Table
    from funnel.stats.planning import MinimumEffect, RequiredVisitors

WEEKS = (1, 2, 4, 8)


@dataclass(frozen=True)
class Plan:
    """What is asked; `rules` are the arguments that all formulas take (variants, power, alpha, correction, formula)."""

    baseline: float
    lift: float | None
    difference: float | None
    looks: Any
    visitors: int | None
    visitors_a_day: float | None
    rules: Mapping[str, Any]

    def answer(self) -> Answer:
        """Return the answer; refuse a question without a difference and without visitors."""
        has_effect = self.lift is not None or self.difference is not None
        if not has_effect and self.visitors is None and self.visitors_a_day is None:
            raise DefinitionError(
                "There is nothing to plan with. Give --lift 0.10 or --difference 0.012 for the visitors it takes, or"
                " --visitors 20000 for the smallest difference they find."
            )
        if self.visitors is not None and not self.visitors > 0:
            raise DefinitionError(f"--visitors {self.visitors} is nobody. Give how many all variants have together.")
        if self.visitors_a_day is not None and not self.visitors_a_day > 0:
            raise DefinitionError(f"--visitors-a-day {self.visitors_a_day:g} is no traffic. Give how many come a day.")
        needed = self._required(self.lift, self.difference) if has_effect else None
        days = needed.days(self.visitors_a_day) if needed and self.visitors_a_day else None
        found = self._smallest(self.visitors) if self.visitors is not None else None
        weeks = tuple((each, self._smallest(each * 7 * self.visitors_a_day)) for each in WEEKS if self.visitors_a_day)
        return Answer(self, needed, days, found, weeks)

    def _required(self, lift: float | None, difference: float | None, looks: Any = None) -> RequiredVisitors:
        from funnel.stats import required_visitors

        return required_visitors(
            self.baseline, lift, difference=difference, looks=self.looks if looks is None else looks, **self.rules
        )

    def _smallest(self, visitors: float) -> MinimumEffect:
        """Return the smallest difference that so many visitors in all find, looked at as planned.

        Looking early multiplies the visitors it takes by a factor that does not depend on the difference.
        """
        from funnel.stats import minimum_detectable_effect

        slight = min(self.baseline, 1 - self.baseline) / 100
        factor = 1.0
        if self.looks != "fixed":
            factor = self._required(None, slight).total / self._required(None, slight, "fixed").total
        return minimum_detectable_effect(self.baseline, n=visitors / self.rules["variants"] / factor, **self.rules)


@dataclass(frozen=True)
class Answer:
    """`needed` and `days` are for the difference asked about, `found` by the visitors asked about; `weeks` by each."""

    asked: Plan
    needed: RequiredVisitors | None
    days: int | None
    found: MinimumEffect | None
    weeks: tuple[tuple[int, MinimumEffect], ...]

    def sentences(self, words: Language) -> Iterator[str]:
        """Yield what to say, how it was reckoned last."""
        asked, needed = self.asked, self.needed
        if needed is not None:
            yield words.text(
                "To tell {rate} from {baseline} in the control ({difference}, a lift of {lift}) takes {n} visitors in"
                " each of {variants} variants: {total} in all.",
                rate=words.percent(needed.rate),
                baseline=words.percent(needed.baseline),
                difference=words.points(needed.difference, 2),
                lift=words.percent(needed.difference / needed.baseline),
                n=words.number(needed.n),
                total=words.number(needed.total),
                variants=words.number(needed.variants),
            )
        if self.days is not None:
            yield words.plural(
                "At {pace} visitors a day (all variants) that is {n} day, and the window of the last visitor.",
                "At {pace} visitors a day (all variants) that is {n} days, and the window of the last visitor.",
                self.days,
                pace=words.number(asked.visitors_a_day),
            )
        if self.found is not None:
            yield words.text(
                "{visitors} visitors in all find {rate} against {baseline} at the least: {difference}, a lift of"
                " {lift}.",
                visitors=words.number(asked.visitors),
                **_told(self.found, words),
            )
        reckoned = needed or self.found or self.weeks[0][1]
        yield words.text(
            "With a power of {power} for each variant, two-sided at {alpha} over all of them; looks: {looks}. Formula:"
            " {formula}; correction: {correction}.",
            power=words.percent(asked.rules["power"], 0),
            alpha=words.percent(asked.rules["alpha"]),
            looks=_looks(asked.looks, words),
            formula=reckoned.formula,
            correction=reckoned.correction,
        )

    def table(self, words: Language) -> Table:
        """Return what each number of weeks finds."""
        from funnel.pages import Column, Table

        headings = (
            words.text("Weeks"),
            words.text("Visitors in all"),
            words.text("Smallest lift found"),
            words.text("Smallest difference found"),
        )
        rows = []
        for weeks, found in self.weeks:
            told = _told(found, words)
            visitors = weeks * 7 * (self.asked.visitors_a_day or 0)
            rows.append((words.number(weeks), words.number(visitors, 0), told["lift"], told["difference"]))
        return Table(
            caption=words.text("What so many weeks would find"),
            columns=tuple(Column(each, is_number=True) for each in headings),
            rows=tuple(rows),
        )

    def to_json(self) -> str:
        """Return the same for programs; what was not asked is null."""
        told = {
            "required": asdict(self.needed) if self.needed else None,
            "days": self.days,
            "smallest": asdict(self.found) if self.found else None,
            "weeks": [{"weeks": weeks, **asdict(found)} for weeks, found in self.weeks],
        }
        return json.dumps(told, ensure_ascii=False, indent=2)


def _told(found: MinimumEffect, words: Language) -> dict[str, str]:
    return {
        "rate": words.percent(found.rate),
        "baseline": words.percent(found.baseline),
        "difference": words.points(found.difference, 2),
        "lift": words.percent(found.lift),
    }


def _looks(looks: Any, words: Language) -> str:
    if looks == "fixed":
        return words.text("one, at the planned end")
    if looks == "anytime":
        return words.text("as often as one likes (confidence sequence)")
    return words.text("{n}, planned (O’Brien-Fleming)", n=words.number(int(looks)))
