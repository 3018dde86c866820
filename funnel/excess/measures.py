"""What mentions brought, as numbers: a row a mention and outcome, their lives, channels, minutes and placebos."""

from __future__ import annotations

import math
from dataclasses import dataclass
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from funnel.events import from_epoch_us
from funnel.excess.counting import MINUTE_US, SecondLife, Tally
from funnel.excess.windows import Measured, Stretch, Window, measured, own_score
from funnel.stats.placebo import placebo_rank
from funnel.stats.proportions import Estimate
from funnel.stats.slots import slot_excess
from funnel.stats.weighted_counts import weighted_count

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
LIVES = (
    *NAMES,
    "first_life",
    "first_life_low",
    "first_life_high",
    "first_downstream",
    "first_downstream_low",
    "first_downstream_high",
    "second_visitors",
    "second_visits",
    "second_life",
    "second_downstream",
    "total",
    "total_low",
    "total_high",
    "audience",
    "per_thousand",
    "together_with",
    "note",
)
TEXTS = ("kind", "outlet", "together_with", "note")
CHANNELS = ("mention", "channel", "observed", "expected", "excess", "excess_low", "excess_high", "p")
MINUTES = ("mention", "outcome", "minute", "at", "observed", "expected", "expected_low", "expected_high", "is_window")
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
    frame = _framed(rows, MENTIONS)
    return frame.astype(dict.fromkeys(MENTIONS[6:16], float) | dict.fromkeys(MENTIONS[17:23], float))


def _framed(rows: list[dict[str, Any]], columns: tuple[str, ...]) -> pandas.DataFrame:
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
        **_ends("excess", excess),
        **_ends("ratio", ratio),
        "p": p,
        "placebo_p": placebo_p,
        "dispersion": dispersion,
        "days": days,
        **_ends("half_life_minutes", half_life),
        **_ends("delay_minutes", delay),
        "together_with": together_with,
        "note": CODES.get(note or ""),
    }


def _ends(name: str, estimate: Estimate) -> dict[str, float]:
    ends = {name: estimate.value, f"{name}_low": estimate.low, f"{name}_high": estimate.high}
    return {each: float(value) for each, value in ends.items()}


def lives_of(looked: Looked, frame: pandas.DataFrame) -> pandas.DataFrame:
    """Return one row a mention: its first life with what friends added, its second, and the total; largest first."""
    signing = frame[frame["outcome"] == looked.tally.outcomes[1]].reset_index(drop=True)
    rows = []
    for (stretch, window), (_, row) in zip(looked.windows, signing.iterrows(), strict=True):
        first = Estimate(row["excess"], row["excess_low"], row["excess_high"])
        ratio = _below(looked, stretch, window)
        below, whole = product(first, ratio), product(first, _plus_one(ratio))
        second = looked.tally.second.get(window.mention.name, SecondLife())
        exact = second.signatures + second.downstream
        total = Estimate(*(each + exact for each in (whole.value, whole.low, whole.high)))
        audience = window.mention.audience or math.nan
        rows.append(
            {
                **named(window),
                **_ends("first_life", first),
                **_ends("first_downstream", below),
                "second_visitors": second.visitors,
                "second_visits": second.visits,
                "second_life": second.signatures,
                "second_downstream": second.downstream,
                **_ends("total", total),
                "audience": audience,
                "per_thousand": 1_000 * float(total.value) / audience,
                "together_with": row["together_with"],
                "note": row["note"],
            }
        )
    told = _framed(rows, LIVES)
    order = sorted(range(len(told)), key=lambda place: (-_or_less(told["total"][place]), place))
    return told.iloc[order].reset_index(drop=True)


def _or_less(value: float) -> float:
    return value if math.isfinite(value) else -math.inf


def _below(looked: Looked, stretch: Stretch, window: Window) -> Estimate:
    """Return how many signatures friends added for each unlinked signature of the window, so far."""
    tallied = looked.tally
    span = slice(max(window.start, 0), max(window.end, 0))
    found = looked.measured[tallied.outcomes[1]][looked.stretches.index(stretch)]
    if found is not None and len(stretch.members) > 1:
        _, members, _ = group_of(found, window)
        span = slice(stretch.members[members[0]].start, max(stretch.members[each].end for each in members))
    roots = int(tallied.counts[tallied.outcomes[1]][span].sum())
    if not roots:
        return Estimate(0.0, 0.0, 0.0)
    below, squared = int(tallied.below[span].sum()), int(tallied.below_squared[span].sum())
    added = weighted_count(below, squared, max(int(tallied.deepest[span].max()), 1))
    return Estimate(*(float(each) / roots for each in (added.value, added.low, added.high)))


def _plus_one(ratio: Estimate) -> Estimate:
    return Estimate(ratio.value + 1, ratio.low + 1, ratio.high + 1)


def product(one: Estimate, other: Estimate) -> Estimate:
    """Return the product of two independent estimates, the second of 0 or more, with its interval.

    By recovering variances from both intervals (Zou and Donner 2008, Stat Med 27:1693; the delta method's two terms).
    """
    x, y = float(one.value), float(other.value)
    down, up = (y - other.low, other.high - y) if x >= 0 else (other.high - y, y - other.low)
    return Estimate(
        x * y,
        x * y - math.hypot(y * (x - one.low), x * down),
        x * y + math.hypot(y * (one.high - x), x * up),
    )


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
            found.append((name, channel, above.count, above.expected, *_ends("excess", above.excess).values(), above.p))
        rows += sorted(found, key=lambda row: -row[4])
    frame = pandas.DataFrame(rows, columns=list(CHANNELS))
    frame["channel"] = frame["channel"].astype(object)
    return frame


def minutes_of(looked: Looked, window: Window, outcome: str, *, step: int) -> pandas.DataFrame:
    """Return one row a bin of `step` minutes, from the hours before to the end of the window."""
    import pandas

    place, stretch = next((at, each) for at, each in enumerate(looked.stretches) if window in each.members)
    found = looked.measured[outcome][place]
    before = stretch.before if found else min(max(looked.effect_minutes, 60), max(window.start, 0))
    begins = stretch.start - before
    ends = min(stretch.end, looked.tally.minutes)
    # Bins are laid so that one begins with the mention.
    first = begins + (window.start - begins) % step
    edges = np.arange(first, ends - step + 1, step)
    counts = looked.tally.counts[outcome]
    observed = np.array([int(counts[edge : edge + step].sum()) for edge in edges], dtype=np.int64)
    expected = low = high = np.full(len(edges), math.nan)
    if found:
        expected = np.array([found.expected[edge - begins :][:step].sum() for edge in edges])
        low, high = _band(looked, found, expected, outcome)
    at = [from_epoch_us((looked.tally.first_minute + int(edge)) * MINUTE_US) for edge in edges]
    return pandas.DataFrame(
        {
            "mention": window.mention.name,
            "outcome": outcome,
            "minute": edges - window.start,
            "at": pandas.Series(at, dtype="datetime64[us, UTC]").dt.tz_convert(window.mention.zone),
            "observed": observed,
            "expected": expected,
            "expected_low": low,
            "expected_high": high,
            "is_window": (edges >= window.start) & (edges < window.end),
        },
        columns=list(MINUTES),
    )


def shading_of(looked: Looked, window: Window, frame: pandas.DataFrame) -> pandas.DataFrame:
    """Return one row a mention on the air within a timeline, in minutes after the timeline's own mention began."""
    import pandas

    reach = (int(frame["minute"].min()), int(frame["minute"].max())) if len(frame) else (0, 0)
    rows = []
    for _, each in looked.windows:
        length = -(-(each.mention.to_us - each.mention.from_us) // MINUTE_US)
        begins = each.start - window.start
        if begins + length >= reach[0] and begins <= reach[1]:
            rows.append((each.mention.name, begins, begins + length, each is window))
    return pandas.DataFrame(rows, columns=["mention", "from_minute", "to_minute", "is_own"])


def _band(looked: Looked, found: Measured, expected: Floats, outcome: str) -> tuple[Floats, Floats]:
    """Return where 95 % of counts lie if nothing is above the baseline: its dispersion, and how well it is known."""
    from scipy.stats import nbinom, poisson

    stretch, counts = found.stretch, looked.tally.counts[outcome]
    hours = [counts[day - stretch.before : day].sum() for day in stretch.days]
    windows = [counts[day : day + stretch.end - stretch.start].sum() for day in stretch.days]
    level = counts[stretch.start - stretch.before : stretch.start].sum()
    unknown = sum(1 / max(float(each), 0.5) for each in (sum(hours), sum(windows), level))
    spread = found.found.dispersion.value if found.found.dispersion.is_over else 1.0
    # Of the days' dispersion a bin has the part that its share of the window makes.
    part = expected / max(found.found.expected, float(expected.max()))
    variance = expected * (1 + (spread - 1) * part) + spread * unknown * expected**2
    size = expected**2 / np.maximum(variance - expected, 1e-9)
    law = nbinom(size, size / (size + expected))
    flat = variance - expected < 1e-6
    ends = [np.where(flat, poisson(expected).ppf(share), law.ppf(share)) for share in (0.025, 0.975)]
    return ends[0], ends[1]


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
