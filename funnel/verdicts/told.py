"""What a verdict is made of, and how its numbers are written."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from funnel.comparisons.looking import Look
from funnel.comparisons.table import Whole
from funnel.design import Measure
from funnel.exposures import Exposures
from funnel.language import Language
from funnel.verdicts.decision import Decision

if TYPE_CHECKING:
    import pandas


@dataclass(frozen=True)
class Told:
    """What the sentences are made of."""

    found: Exposures
    cells: Whole
    frame: pandas.DataFrame
    split: pandas.DataFrame
    look: Look
    decision: Decision

    @property
    def primary(self) -> Measure:
        """The primary outcome."""
        return self.found.design.measures[0]

    @property
    def control(self) -> str:
        """The control."""
        return self.found.variants[0]

    def row(self, variant: str, label: str | None = None) -> Any:
        """Return the row of a variant on an outcome; on the primary one unless named."""
        frame = self.frame
        return frame[(frame["outcome"] == (label or self.primary.label)) & (frame["variant"] == variant)].iloc[0]

    @property
    def compared(self) -> pandas.DataFrame:
        """The rows of the primary outcome that have a difference: one a variant compared with the control."""
        return self.frame[(self.frame["outcome"] == self.primary.label) & self.frame["difference"].notna()]

    @property
    def pending(self) -> int:
        """How many units still have time for the primary outcome."""
        return int(self.frame.loc[self.frame["outcome"] == self.primary.label, "pending"].sum())


def amount(measure: Measure, value: float, words: Language) -> str:
    """Return a rate as a percentage, or a number per visitor."""
    return words.percent(value) if measure.kind == "share" else words.number(value, 3)


def gap(measure: Measure, value: float, words: Language) -> str:
    """Return a difference in percentage points, or in numbers per visitor."""
    return words.points(value) if measure.kind == "share" else words.signed(value)


def between(measure: Measure, low: float, high: float, words: Language) -> str:
    """Return the ends of an interval of differences in one phrase, open where it is unbounded."""
    # A share cannot differ by more than 1.
    is_open_below, is_open_above = (math.isinf(low) or low <= -1, math.isinf(high) or high >= 1)
    if measure.kind != "share":
        is_open_below, is_open_above = math.isinf(low), math.isinf(high)
    if is_open_below and is_open_above:
        return words.text("any size, up or down")
    if is_open_below:
        return words.text("{end} or less", end=gap(measure, high, words))
    if is_open_above:
        return words.text("{end} or more", end=gap(measure, low, words))
    if measure.kind == "share":
        return words.text("{low} to {high} points", low=words.signed(low * 100, 1), high=words.signed(high * 100, 1))
    return words.text("{low} to {high}", low=words.signed(low), high=words.signed(high))


def quoted(name: str, words: Language) -> str:
    """Return a name in quotation marks."""
    return words.text("“{name}”", name=words.name(name))
