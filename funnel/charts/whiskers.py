"""Differences as charts show them: a scale with zero in it, dots with intervals, open ends, signed numbers."""

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from funnel.charts.look import Trace
from funnel.language import NO_BREAK, Language

Unit = Literal["points", "number"]

_BEYOND = 0.75  # how far a scale follows the bounds that may run out of it, as a part of what it has to show
_ROUND = (1, 2, 2.5, 5, 10)
_TIPS = {"x": ("triangle-left", "triangle-right"), "y": ("triangle-down", "triangle-up")}


@dataclass(frozen=True)
class Scale:
    """The axis of a difference, zero within: its two ends, and how a value on it is written.

    In points a difference of shares, 0.032, is written +3.2; a number as it is.
    """

    low: float
    high: float
    digits: int
    unit: Unit
    words: Language

    def written(self, value: float, digits: int | None = None) -> str:
        """Return a value with its sign: `+3.2`, `−0.4`, `0.0`, `+∞`."""
        if math.isinf(value):
            return "+∞" if value > 0 else "−∞"
        return self.words.signed(value * self._factor, self.digits if digits is None else digits)

    def interval(self, low: float, high: float) -> str:
        """Return the two bounds in brackets: `[+1.7 to +4.7]`."""
        between = self.words.text("{low} to {high}", low=self.written(low), high=self.written(high))
        return f"[{between.replace(' ', NO_BREAK)}]"

    def estimate(self, value: float, low: float, high: float) -> str:
        """Return a value and its interval, the value alone where the interval is unknown."""
        if math.isnan(low) or math.isnan(high):
            return self.written(value)
        return f"{self.written(value)} {self.interval(low, high)}"

    def within(self, value: float) -> float:
        """Return the value, or the end of the scale that it lies beyond."""
        return min(max(value, self.low), self.high)

    def ticks(self, *, most: int = 5) -> dict[str, Any]:
        """Return round values on both sides of zero, and their text."""
        rough = (self.high - self.low) / most
        power = 10.0 ** math.floor(math.log10(rough))
        step = next(power * size for size in _ROUND if power * size >= rough * 0.999)
        shown = step * self._factor
        digits = next((n for n in range(9) if abs(shown * 10**n - round(shown * 10**n)) < 1e-6), 9)
        first, last = math.ceil(self.low / step - 1e-9), math.floor(self.high / step + 1e-9)
        values = [step * place for place in range(first, last + 1)]
        return {"tickmode": "array", "tickvals": values, "ticktext": [self.written(value, digits) for value in values]}

    @property
    def _factor(self) -> int:
        return 100 if self.unit == "points" else 1


def scale(
    shown: Iterable[float], *, widths: Iterable[float], unit: Unit, words: Language, beyond: Iterable[float] = ()
) -> Scale:
    """Return the scale on which all of `shown` lies, and of `beyond` what is not far out; only what is finite counts.

    The narrowest of the `widths` of intervals is written with two digits.
    """
    known = [0.0, *filter(math.isfinite, shown)]
    low, high = min(known), max(known)
    reach = (high - low) * _BEYOND
    far = [min(max(value, low - reach), high + reach) for value in beyond if math.isfinite(value)]
    low, high = min([low, *far]), max([high, *far])
    if low == high:
        low, high = (-0.01, 0.01) if unit == "points" else (-1.0, 1.0)
    room = (high - low) * 0.08
    narrow = min((width for width in widths if math.isfinite(width) and width > 0), default=high - low)
    shown_width = narrow * (100 if unit == "points" else 1)
    fewest = 1 if unit == "points" else 0
    digits = min(max(1 - math.floor(math.log10(shown_width)), fewest), 6)
    return Scale(low - room, high + room, digits, unit, words)


def whiskers(
    estimates: Sequence[tuple[float, float, float]],
    at: Sequence[float],
    scale: Scale,
    colours: Mapping[str, str],
    *,
    hover: Sequence[str],
    name: str = "",
    along: Literal["x", "y"] = "x",
    hue: str = "blue",
    thickness: float = 2,
    size: float = 9,
) -> list[Trace]:
    """Return a dot and a bar for each known (value, low, high), along one axis; `at` places them on the other.

    A bar that runs beyond the scale, or has no end, stops at its edge with a tip that points on. A dot of size 0 is not
    drawn.
    """
    rows = [
        (each, place, said) for each, place, said in zip(estimates, at, hover, strict=True) if math.isfinite(each[0])
    ]
    across = "y" if along == "x" else "x"
    ends = [
        tuple(value if math.isnan(end) else scale.within(end) for end in each[1:])
        for each, _, _ in rows
        for value in [each[0]]
    ]
    dots: Trace = {
        "type": "scatter",
        "mode": "markers",
        "name": name,
        along: [each[0] for each, _, _ in rows],
        across: [place for _, place, _ in rows],
        f"error_{along}": {
            "type": "data",
            "symmetric": False,
            "array": [high - each[0] for (each, _, _), (_, high) in zip(rows, ends, strict=True)],
            "arrayminus": [each[0] - low for (each, _, _), (low, _) in zip(rows, ends, strict=True)],
            "color": colours[hue],
            "thickness": thickness,
            "width": 0,
        },
        "marker": {
            "color": colours[hue],
            "size": max(size, 1),
            "line": {"color": colours["card"], "width": 1.5 if size else 0},
        },
        "hovertext": [said for _, _, said in rows],
        "hovertemplate": "%{hovertext}<extra></extra>",
    }
    tips = [
        (edge, place, symbol)
        for each, place, _ in rows
        for end, edge, symbol, is_beyond in (
            (each[1], scale.low, _TIPS[along][0], each[1] < scale.low),
            (each[2], scale.high, _TIPS[along][1], each[2] > scale.high),
        )
        if is_beyond
    ]
    if not tips:
        return [dots]
    return [
        dots,
        {
            "type": "scatter",
            "mode": "markers",
            along: [tip[0] for tip in tips],
            across: [tip[1] for tip in tips],
            "marker": {"color": colours[hue], "size": 9, "symbol": [tip[2] for tip in tips]},
            "hoverinfo": "skip",
            "cliponaxis": False,
        },
    ]
