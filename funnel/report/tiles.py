"""The key numbers of a funnel, each with its interval, and what has changed since the period before."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

from funnel.pages import KeyNumber
from funnel.privacy import USUAL, safe
from funnel.report.change import in_short, is_few, points_in_short, rows
from funnel.stages import required_labels

if TYPE_CHECKING:
    import pandas

    from funnel.answers import FunnelResult
    from funnel.language import Language
    from funnel.report.change import ChangeResult


def key_numbers(
    result: FunnelResult,
    changed: ChangeResult,
    words: Language,
    *,
    least: int = USUAL,
    shown: pandas.DataFrame | None = None,
) -> list[KeyNumber]:
    """Return the numbers that deserve a tile: who came, who reached the last step, how soon, and what followed.

    Each with its interval where it has one, and what changed since the period before. Counts of 1 to `least` - 1 are
    told as that, and no rate that would give one away. `shown` is the result's frame as a report publishes it.
    """
    steps = required_labels(result.definition)
    published = safe(result.frame, k=least).frame if shown is None else shown
    tiles = Tiles(result, published, {(row["step"], row["number"]): row for row in rows(changed.frame)}, words, least)
    found = [tiles.entered(steps[0], steps[-1])]
    if len(steps) > 1:
        found += [tiles.reached(steps[-1]), tiles.soon(steps[-1])]
    return [*found, *(tiles.followed(label) for label in result.definition.follow_up_labels)]


class Tiles:
    """Writes the tiles of one funnel. `published` is its frame with what must not be told left out."""

    def __init__(
        self,
        result: FunnelResult,
        published: pandas.DataFrame,
        changed: dict[tuple[str, str], dict[str, Any]],
        words: Language,
        least: int,
    ) -> None:
        self.full: Any = result.frame.set_index("step")
        self.published: Any = published.set_index("step")
        self.definition = result.definition
        self.changed, self.words, self.least = changed, words, least

    def entered(self, first: str, last: str) -> KeyNumber:
        """Tell who came."""
        words, pending, detail = self.words, int(self.full.loc[last, "pending"]), ""
        if 0 < pending < self.least:
            detail = words.text("fewer than {k} still have time", k=words.number(self.least))
        elif first != last and not math.isnan(self.published.loc[last, "pending"]):
            detail = words.plural("{n} still has time", "{n} still have time", pending)
        label = words.text("Entered (“{step}”)", step=words.name(first))
        return KeyNumber(label, self._count(first), detail, self._line(first, "visitors"))

    def reached(self, last: str) -> KeyNumber:
        """Tell who reached the last step, with the rate."""
        words, row = self.words, self.published.loc[last]
        rate = words.rate(row["overall_rate"], row["overall_rate_low"], row["overall_rate_high"])
        detail = words.text("{rate} of those whose time is up", rate=rate)
        if math.isnan(row["overall_rate"]):
            detail = self._no_rate(last, "overall_rate")
        change = self._line(last, "visitors")
        of_rate = self.changed[last, "rate"]
        if of_rate["difference"] is not None and not any(is_few(of_rate, each, self.least) for each in ("", "before_")):
            change = words.text("{line}; rate: {points}", line=change, points=points_in_short(of_rate, words))
        return KeyNumber(words.text("Reached “{step}”", step=words.name(last)), self._count(last), detail, change)

    def soon(self, last: str) -> KeyNumber:
        """Tell how soon they reached it."""
        words, row = self.words, self.published.loc[last]
        soon, late = row["median_seconds_from_entry"], row["p90_seconds_from_entry"]
        detail = "" if math.isnan(late) else words.text("nine tenths within {time}", time=words.duration(late))
        return KeyNumber(words.text("Half of them within"), words.duration(soon), detail)

    def followed(self, label: str) -> KeyNumber:
        """Tell the rate of a follow-up, with interval and people."""
        words, row = self.words, self.published.loc[label]
        people = int(self.full.loc[label, "visitors"])
        told = words.text("fewer than {k} people", k=words.number(self.least))
        if not math.isnan(row["visitors"]):
            told = words.plural("{n} person", "{n} people", people)
        title = words.text("Then “{step}”", step=words.name(label))
        if math.isnan(row["visitors"]) and people >= self.least:
            detail = words.text("not told, as it would reveal a small group")
            return KeyNumber(title, words.percent(None), detail, self._line(label, "rate"))
        if math.isnan(row["step_rate"]):
            detail = words.text("{people}; {reason}", people=told, reason=self._no_rate(label, "step_rate"))
            return KeyNumber(title, words.percent(None), detail, self._line(label, "rate"))
        interval = words.interval(row["step_rate_low"], row["step_rate_high"])
        window = words.duration(self.definition.follow_up_window_us / 1e6)
        detail = words.text(
            "{interval} of those who had {window} for it; {people} so far",
            interval=interval,
            window=window,
            people=told,
        )
        if math.isnan(row["step_rate_low"]):
            detail = words.text("of those who had {window} for it; {people} so far", window=window, people=told)
        return KeyNumber(title, words.percent(row["step_rate"]), detail, self._line(label, "rate"))

    def _count(self, step: str) -> str:
        full, published = self.full.loc[step, "visitors"], self.published.loc[step, "visitors"]
        if not math.isnan(published):
            return self.words.number(int(full))
        if full < self.least:
            return self.words.text("fewer than {k}", k=self.words.number(self.least))
        return self.words.text("not told")

    def _no_rate(self, step: str, rate: str) -> str:
        if math.isnan(self.full.loc[step, rate]):
            return self.words.text("nobody’s time is up yet")
        return self.words.text("the rate is not told, as it rests on few people")

    def _line(self, step: str, number: str) -> str:
        return in_short(self.changed[step, number], self.words, least=self.least)
