"""What mentions brought, as numbers: a row a mention and outcome, their channels and placebos."""

from __future__ import annotations

import math
from dataclasses import dataclass
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from funnel.events import from_epoch_us
from funnel.excess.counting import Tally
from funnel.excess.windows import Measured, Stretch, Window, measured, own_score
from funnel.stats.placebo import placebo_rank
from funnel.stats.proportions import Estimate
from funnel.stats.slots import slot_excess

if TYPE_CHECKING:
    import pandas

Floats = NDArray[np.float64]

NAMES = ("mention", "kind", "outlet", "aired_from")
MENTIONS = (
    *NAMES,
    "outcome",
    "observed",
    "expected",
    "excess",
    "excess_low",
    "excess_high",
    "ratio",
    "ratio_low",
    "ratio_high",
    "p",
    "placebo_p",
    "dispersion",
    "days",
    "half_life_minutes",
    "half_life_minutes_low",
    "half_life_minutes_high",
    "delay_minutes",
    "delay_minutes_low",
    "delay_minutes_high",
    "together_with",
    "note",
)
TEXTS = ("kind", "outlet", "together_with", "note")
CHANNELS = ("mention", "channel", "observed", "expected", "excess", "excess_low", "excess_high", "p")
PLACEBO = ("mention", "outcome", "score", "windows", "above", "placebo_p", "largest", "quantile_95")

# Why a mention has no numbers, or numbers of a kind of their own: what the column `note` says.
CODES = MappingProxyType(
    {
        "outside": "outside the data",
        "launch": "first day of the data",
        "before": "no hours before it",
        "window": "window not over",
        "outage": "tracker down",
        "days": "no comparable day",
        "no count": "no count on comparable days",
        "separated": "told apart from others",
        "same start": "same start as others",
        "overlap": "not told apart from others",
        "baseline": "not told apart from the baseline",
        "few": "too few minutes to tell apart",
        "with same start": "counted with others",
        "with overlap": "counted with others",
        "with baseline": "counted with others",
        "with few": "counted with others",
    }
)
_NOTHING = Estimate(math.nan, math.nan, math.nan)


@dataclass(frozen=True, eq=False)
class Looked:
    """The answer before it is a frame: what was counted, the stretches, and what was measured of each by outcome."""

    tally: Tally
    stretches: tuple[Stretch, ...]
    measured: dict[str, tuple[Measured | None, ...]]
    placebos: dict[str, tuple[Floats | None, ...]]
    effect_minutes: int
    reach_days: int

    @property
    def windows(self) -> list[tuple[Stretch, Window]]:
        """Every mention with the stretch it is in, in order of time."""
        return [(stretch, window) for stretch in self.stretches for window in stretch.members]


def looked(tallied: Tally, found: tuple[Stretch, ...], *, effect: int, reach: int) -> Looked:
    """Measure every stretch, by outcome."""
    placebos: dict[str, tuple[Floats | None, ...]] = {}
    results: dict[str, tuple[Measured | None, ...]] = {}
    for outcome, counts in tallied.counts.items():
        known: dict[int, Floats] = {}
        scores: list[Floats | None] = []
        for each in found:
            if each.reason or each.windows is None or len(each.members) > 1:
                scores.append(None)
                continue
            if id(each.windows) not in known:
                known[id(each.windows)] = each.windows.standardised(counts)
            scores.append(known[id(each.windows)])
        placebos[outcome] = tuple(scores)
        results[outcome] = tuple(measured(stretch, counts, score) for stretch, score in zip(found, scores, strict=True))
    return Looked(tallied, found, results, placebos, effect, reach)


def mentions_of(looked: Looked) -> pandas.DataFrame:
    """Return one row a mention and outcome, mentions in order of time; docs/definitions.md has each column."""
    rows = [
        {**named(window), "outcome": outcome, **_told(looked, stretch, window, outcome, found)}
        for place, stretch in enumerate(looked.stretches)
        for window in stretch.members
        for outcome in looked.tally.outcomes
        for found in [looked.measured[outcome][place]]
    ]
    frame = framed(rows, MENTIONS)
    return frame.astype(dict.fromkeys(MENTIONS[6:16], float) | dict.fromkeys(MENTIONS[17:23], float))


def framed(rows: list[dict[str, Any]], columns: tuple[str, ...]) -> pandas.DataFrame:
    """Return the frame of these rows; what is not said is None."""
    import pandas

    texts = {name: pandas.Series([row[name] for row in rows], dtype=object) for name in TEXTS}
    return pandas.DataFrame(rows, columns=list(columns)).assign(**texts)


def named(window: Window) -> dict[str, Any]:
    """Return what a mention is called, and when it aired on its own clock."""
    from zoneinfo import ZoneInfo

    mention = window.mention
    aired = from_epoch_us(mention.from_us).astimezone(ZoneInfo(mention.zone))
    return {"mention": mention.name, "kind": mention.kind, "outlet": mention.outlet, "aired_from": aired}


def _told(looked: Looked, stretch: Stretch, window: Window, outcome: str, found: Measured | None) -> dict[str, Any]:
    counts = looked.tally.counts[outcome]
    if found is None:
        known = stretch.reason in ("launch", "before", "outage", "days")
        observed = int(counts[window.start : window.end].sum()) if known else math.nan
        return _row(observed=observed, days=len(stretch.days), note=stretch.reason)
    if len(stretch.members) > 1:
        return _of_several(counts, found, window)
    fading = found.decay
    return _row(
        observed=found.found.count,
        expected=found.found.expected,
        excess=found.found.excess,
        ratio=found.found.ratio,
        p=found.found.p,
        placebo_p=found.placebo_p,
        dispersion=found.found.dispersion.value,
        days=len(stretch.days),
        half_life=fading.half_life if fading else _NOTHING,
        delay=fading.delay if fading else _NOTHING,
        note="no count" if not found.found.expected else None,
    )


def group_of(found: Measured, window: Window) -> tuple[int, tuple[int, ...], str]:
    """Return which group of a separation a mention is in, its members by place, and why they are together."""
    place = found.stretch.members.index(window)
    if found.separation is None:
        return 0, tuple(range(len(found.stretch.members))), "few"
    for number, members in enumerate(found.separation.groups):
        if place in members:
            return number, members, found.separation.reasons[number]
    raise AssertionError


def _of_several(counts: NDArray[np.int64], found: Measured, window: Window) -> dict[str, Any]:
    """Return the row of a mention whose window overlaps others: the group's numbers stand with its first mention."""
    number, members, reason = group_of(found, window)
    every = found.stretch.members
    others = ", ".join(every[each].mention.name for each in members if every[each] is not window) or None
    days = len(found.stretch.days)
    if every[members[0]] is not window:
        return _row(days=days, together_with=others, note=f"with {reason}")
    inside = np.zeros(len(found.expected), dtype=bool)
    begins = found.stretch.start - found.stretch.before
    for each in members:
        inside[every[each].start - begins : every[each].end - begins] = True
    observed = int(counts[begins : found.stretch.end][inside].sum())
    separation = found.separation
    expected = float(found.expected[inside].sum())
    if separation is None:
        return _row(
            observed=found.found.count,
            expected=found.found.expected,
            excess=found.found.excess,
            ratio=found.found.ratio,
            p=found.found.p,
            dispersion=found.found.dispersion.value,
            days=days,
            together_with=others,
            note="few",
        )
    expected *= float(separation.level.value)
    excess = _entry(separation.total, number)
    kind = separation.kinds.index(window.mention.kind or "")
    return _row(
        observed=observed,
        expected=expected,
        excess=excess,
        ratio=Estimate(*(1 + each / expected for each in (excess.value, excess.low, excess.high))),
        dispersion=separation.dispersion,
        days=days,
        half_life=_entry(separation.half_life, kind),
        together_with=others,
        note="separated" if len(members) == 1 else reason,
    )


def _entry(estimate: Estimate, place: int) -> Estimate:
    return Estimate(*(float(np.asarray(each)[place]) for each in (estimate.value, estimate.low, estimate.high)))


def _row(
    *,
    observed: float = math.nan,
    expected: float = math.nan,
    excess: Estimate = _NOTHING,
    ratio: Estimate = _NOTHING,
    p: float = math.nan,
    placebo_p: float = math.nan,
    dispersion: float = math.nan,
    days: int = 0,
    half_life: Estimate = _NOTHING,
    delay: Estimate = _NOTHING,
    together_with: str | None = None,
    note: str | None = None,
) -> dict[str, Any]:
    return {
        "observed": observed,
        "expected": expected,
        **ends_of("excess", excess),
        **ends_of("ratio", ratio),
        "p": p,
        "placebo_p": placebo_p,
        "dispersion": dispersion,
        "days": days,
        **ends_of("half_life_minutes", half_life),
        **ends_of("delay_minutes", delay),
        "together_with": together_with,
        "note": CODES.get(note or ""),
    }


def ends_of(name: str, estimate: Estimate) -> dict[str, float]:
    """Return an estimate as three columns of a row."""
    ends = {name: estimate.value, f"{name}_low": estimate.low, f"{name}_high": estimate.high}
    return {each: float(value) for each, value in ends.items()}


def channels_of(looked: Looked) -> pandas.DataFrame:
    """Return one row a mention and channel: the visits of the window above their own baseline, most excess first."""
    import pandas

    rows = []
    for place, stretch in enumerate(looked.stretches):
        if looked.measured[looked.tally.outcomes[0]][place] is None:
            continue
        name = ", ".join(each.mention.name for each in stretch.members)
        start, end, before = stretch.start, stretch.end, stretch.before
        found: list[tuple[Any, ...]] = []
        for channel, counts in looked.tally.channels.items():
            windows = [int(counts[day : day + end - start].sum()) for day in stretch.days]
            hours = [int(counts[day - before : day].sum()) for day in stretch.days]
            above = slot_excess(counts[start:end].sum(), counts[start - before : start].sum(), windows, hours)
            found.append(
                (name, channel, above.count, above.expected, *ends_of("excess", above.excess).values(), above.p)
            )
        rows += sorted(found, key=lambda row: -row[4])
    frame = pandas.DataFrame(rows, columns=list(CHANNELS))
    frame["channel"] = frame["channel"].astype(object)
    return frame


def placebo_of(looked: Looked) -> pandas.DataFrame:
    """Return one row a mention and outcome: its excess over its error, and where it stands among other windows."""
    import pandas

    rows = []
    for place, stretch in enumerate(looked.stretches):
        for outcome in looked.tally.outcomes:
            found, scores = looked.measured[outcome][place], looked.placebos[outcome][place]
            if found is None or scores is None:
                continue
            counts = looked.tally.counts[outcome]
            own = own_score(stretch, counts)
            rank, others = placebo_rank(own, scores), scores[~np.isnan(scores)]
            told = (float(others.max()), float(np.quantile(others, 0.95))) if len(others) else (math.nan, math.nan)
            rows.append((stretch.members[0].mention.name, outcome, own, rank.windows, rank.above, rank.p, *told))
    return pandas.DataFrame(rows, columns=list(PLACEBO))
