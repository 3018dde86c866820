"""The time axis of curves: linear, or logarithmic where most happens early, and who is still followed at its ticks."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from funnel.charts.look import long_time_ticks, time_ticks
from funnel.language import Language

Curve = Mapping[str, Any]  # the columns elapsed_seconds, rate, rate_low, rate_high and at_risk, as lists


@dataclass(frozen=True)
class TimeAxis:
    """From the first time after 0 to the last, in seconds."""

    first: float
    last: float
    is_log: bool

    def place(self, seconds: float) -> float:
        """Where plotly puts a time: on a logarithmic axis, by the exponent."""
        return math.log10(seconds) if self.is_log else seconds

    def range(self) -> list[float]:
        """Return the two ends as plotly wants them."""
        return [self.place(self.first) if self.is_log else 0, self.place(self.last)]

    def ticks(self, words: Language) -> dict[str, Any]:
        """Return round times and their text."""
        if self.is_log:
            return {"type": "log", **long_time_ticks(self.first, self.last, words)}
        return time_ticks(self.last, words, most=4)


def time_axis(curves: Sequence[Curve]) -> TimeAxis:
    """Return the axis on which these curves lie; logarithmic where one has half its rate in a fiftieth of the time."""
    times = [time for curve in curves for time in curve["elapsed_seconds"] if time > 0]
    first, last = min(times, default=1.0), max(times, default=1.0)
    return TimeAxis(first, last, first < last and any(_is_early(curve, last) for curve in curves))


def still_followed(curve: Curve, time: float) -> float | None:
    """Return how many were followed up to a time: those at risk at the next time of the curve, or at that one."""
    later = zip(curve["elapsed_seconds"], curve["at_risk"], strict=True)
    return next((count for seconds, count in later if seconds >= time - 1e-6), None)


def _is_early(curve: Curve, last: float) -> bool:
    early = [rate for time, rate in zip(curve["elapsed_seconds"], curve["rate"], strict=True) if 0 < time <= last / 50]
    return len(early) > 1 and early[-1] >= curve["rate"][-1] / 2 > 0
