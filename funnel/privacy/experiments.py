"""What the frames of an experiment, and of what was forgone, say about people."""

from __future__ import annotations

from itertools import groupby
from typing import TYPE_CHECKING, Any

import numpy as np

from funnel.privacy.funnels import Z
from funnel.privacy.sheets import Count, Sheet, bounds, count, known

if TYPE_CHECKING:
    from numpy.typing import NDArray

_CONTROL = "control"
_EFFECTS = (
    *bounds("difference", "lift"),
    *("simultaneous_low", "simultaneous_high", "bootstrap_low", "bootstrap_high"),
    *("p", "p_adjusted", "z", "interaction_p", "interaction_p_adjusted"),
    *bounds("shrunk"),
)
_EXACT = 1e-9


def answer(sheet: Sheet) -> None:
    """One row an outcome and variant, the control first; visitors and pending are all units, and total did it."""
    for _, rows in groupby(enumerate(sheet.rows()), key=lambda each: str(each[1]["outcome"])):
        control: tuple[Count, ...] = ()
        for number, (place, row) in enumerate(rows):
            of = {"variant": row["variant"] if number else _CONTROL}
            outcome = "primary" if row["role"] == "primary" else row["outcome"]
            over = sheet.shown(place, "visitors", count("over", outcome, of=of))
            pending = sheet.shown(place, "pending", count("pending", outcome, of=of))
            did = sheet.shown(place, "total", count("did", outcome, of=of))
            sheet.sum(count("units", of=of), (over, pending))
            parts = (over, did) if row["kind"] != "share" else (over, did, sheet.rest(over, did, "experiment"))
            control = control or parts
            sheet.made(place, bounds("rate"), *parts)
            sheet.made(place, _EFFECTS, *parts, *control)


def split(sheet: Sheet) -> None:
    """One row a check of the split: over everything, by day, by group."""
    for place, row in enumerate(sheet.rows()):
        of = {"overall": {}, "sequential": {}, "day": {"day": row["group"]}}.get(
            str(row["check"]), {str(row["column"]): row["group"]}
        )
        sheet.made(place, ("statistic", "p", "p_adjusted"), sheet.shown(place, "exposed", count("units", of=of)))


def posterior(sheet: Sheet) -> None:
    """One row a variant: visitors and converted of the primary outcome."""
    for place, row in enumerate(sheet.rows()):
        of = {"variant": row["variant"] if place else _CONTROL}
        over = sheet.shown(place, "visitors", count("over", "primary", of=of))
        did = sheet.shown(place, "converted", count("did", "primary", of=of))
        rest = sheet.rest(over, did, "experiment")
        sheet.made(place, (*bounds("rate"), "probability_best", "expected_loss"), over, did, rest)


def segments(sheet: Sheet) -> None:
    """One row a column, group and variant. Who converted is in no column, but the difference of two shares gives it."""
    for place, row in enumerate(sheet.rows()):
        group = {str(row["column"]): row["group"]}
        over = sheet.shown(place, "visitors", count("over", "primary", of={**group, "variant": row["variant"]}))
        control = sheet.shown(place, "control_visitors", count("over", "primary", of={**group, "variant": _CONTROL}))
        sheet.made(place, _EFFECTS, over, control)
        if over in sheet.counts and control in sheet.counts and known(row["difference"]):
            sizes = round(sheet.counts[over]), round(sheet.counts[control])
            found = _numerators(row, *sizes)
            small = ((found > 0) & (found < sheet.k)) | ((found < sizes) & (np.array(sizes) - found < sheet.k))
            if small.any():
                sheet.hide(place, bounds("difference", "shrunk"))


def _numerators(row: dict[str, Any], n: int, n0: int) -> NDArray[np.int64]:
    """Return the pairs (of the variant, of the control) of people that give this difference and interval; a row each.

    The interval is Newcombe's: difference - low is the root of the squares of p - its Wilson low and of the control's
    Wilson high - its p. Where none fits (of a mean, say), there are none.
    """
    did = np.arange(n + 1)
    control = (did / n - row["difference"]) * n0
    whole = np.round(control).astype(int)
    fits = (abs(control - whole) < _EXACT * (1 + n0)) & (whole >= 0) & (whole <= n0)
    pairs = np.stack([did[fits], whole[fits]], axis=1)
    p, p0 = pairs[:, 0] / n, pairs[:, 1] / n0
    low = row["difference"] - np.hypot(p - _wilson(p, n)[0], _wilson(p0, n0)[1] - p0)
    return pairs[abs(low - row["difference_low"]) < 1e-6]


def _wilson(p: NDArray[np.float64], n: int) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    middle, half = p + Z**2 / (2 * n), Z * np.sqrt(p * (1 - p) / n + Z**2 / (4 * n**2))
    return (middle - half) / (1 + Z**2 / n), (middle + half) / (1 + Z**2 / n)


def horizon(sheet: Sheet) -> None:
    """One row an outcome and variant: all units, pending ones too."""
    for _, rows in groupby(enumerate(sheet.rows()), key=lambda each: str(each[1]["outcome"])):
        control: tuple[Count, ...] = ()
        for number, (place, row) in enumerate(rows):
            of = {"variant": row["variant"] if number else _CONTROL}
            units = sheet.shown(place, "visitors", count("units", of=of))
            control = control or (units,)
            sheet.made(place, (*bounds("rate"), *_EFFECTS), units, *control)


def growing(sheet: Sheet) -> None:
    """One row a variant and day, counted from the beginning: what a day adds is people as well."""
    before: dict[str, Count] = {}
    for place, row in enumerate(sheet.rows()):
        so_far = sheet.shown(place, "visitors", count("looked", row["looked_on"], of={"variant": row["variant"]}))
        parts = [so_far]
        if str(row["variant"]) in before:
            parts.append(sheet.rest(so_far, before[str(row["variant"])], "until", row["looked_on"]))
        if so_far in sheet.counts:
            before[str(row["variant"])] = so_far
        sheet.made(place, ("fraction", *_EFFECTS), *parts)


def forgone(sheet: Sheet) -> None:
    """One row a variant, outcome and assumption: how many signers, and rates of an experiment told on the same page."""
    for place, row in enumerate(sheet.rows()):
        made_of = []
        if "signers" in sheet.frame:
            made_of.append(sheet.shown(place, "signers", count("signers", row["counted"])))
        for outcome in ("primary", row["outcome"]) if row.get("role", "primary") == "primary" else (row["outcome"],):
            for variant in (row["variant"], _CONTROL):
                did = count("did", outcome, of={"variant": variant})
                made_of += [did, Count(("experiment", "not", *did.what), did.group)]
        sheet.made(place, (*bounds("forgone"), "rate_shown", "rate_variant"), *made_of)
