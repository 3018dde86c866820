"""A mention minute by minute: what was counted around it, beside what is usual and how far that may vary."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from funnel.events import from_epoch_us
from funnel.excess.counting import MINUTE_US
from funnel.excess.measures import Looked
from funnel.excess.windows import Measured, Window
from funnel.stats.laws import negative_binomial_quantile, poisson_quantile

if TYPE_CHECKING:
    import pandas

Floats = NDArray[np.float64]

MINUTES = ("mention", "outcome", "minute", "at", "observed", "expected", "expected_low", "expected_high", "is_window")


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
    flat = variance - expected < 1e-6
    low, high = (
        np.where(
            flat,
            poisson_quantile(share, expected),
            negative_binomial_quantile(share, size, size / (size + expected)),
        )
        for share in (0.025, 0.975)
    )
    return low, high
