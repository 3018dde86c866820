"""What the frames of a funnel say about people."""

from __future__ import annotations

import math
from datetime import timedelta
from itertools import groupby
from typing import TYPE_CHECKING, Any

import numpy as np

from funnel.privacy.sheets import Count, Sheet, bounds, count, known

if TYPE_CHECKING:
    from collections.abc import Mapping

Z = 1.959963984540054
_DIGITS = 3
_HALF = 0.5 * 10**-_DIGITS
_EXACT = 1e-5
_QUANTILES = {"median_seconds": 0.5, "p75_seconds": 0.75, "p90_seconds": 0.9}


def funnel(sheet: Sheet) -> None:
    """One row a group and step: who reached it, of these lost and pending are the rest of the step before."""
    names = [str(name) for name in sheet.frame.columns]
    by = names[: names.index("step")]
    for _, rows in groupby(enumerate(sheet.rows()), key=lambda each: [str(each[1][name]) for name in by]):
        _steps(sheet, list(rows), by)


def _steps(sheet: Sheet, rows: list[tuple[int, dict[str, Any]]], by: list[str]) -> None:
    reached: dict[str, Count] = {}
    waiting: list[Count] = []
    entered = count("entered")
    for place, row in rows:
        of = {name: row[name] for name in by}
        is_first = not isinstance(row["after"], str)
        here = sheet.shown(
            place, "visitors", count("entered", of=of) if is_first else count("reached", row["step"], of=of)
        )
        reached[str(row["step"])] = here
        if is_first:
            entered = here
            sheet.made(place, bounds("overall_rate", "overall_bound"), entered)
            continue
        before = reached[row["after"]]
        rest, never = sheet.rest(before, here, "step"), sheet.rest(entered, here, "entry")
        lost = sheet.shown(place, "dropped", count("lost", row["step"], of=of))
        pending = sheet.shown(place, "pending", count("pending", row["step"], of=of))
        waiting.append(pending)
        sheet.sum(rest, (lost, pending))
        sheet.made(place, bounds("step_rate"), here, before, rest)
        sheet.made(place, bounds("overall_rate"), here, entered, never)
        sheet.made(place, ("step_bound_low", "step_bound_high"), here, before, rest, pending)
        sheet.made(place, ("overall_bound_low", "overall_bound_high"), here, entered, never, *waiting)
        sheet.quantiles(place, here, {**_QUANTILES, **{f"{name}_from_entry": q for name, q in _QUANTILES.items()}})
        closed(sheet, place, "step_rate", row, here, before)
        closed(sheet, place, "overall_rate", row, here, entered)


def closed(sheet: Sheet, place: int, rate: str, row: Mapping[str, Any], part: Count, whole: Count) -> None:
    """See to a rate over those whose time is up, whose counts are in no column but can be had from its interval.

    Wilson's ends solve (p - e)² = z² e (1 - e) / n, so that they give n, and p n. These, and the rest, are small or are
    not; and what they lack of the counts of everyone (who has converted while the window is open) can be worked out as
    well. So the rate and its ends are told to a tenth of a point, and the ends not at all where that is too fine.
    """
    ends = [row[f"{rate}_low"], row[f"{rate}_high"]]
    if not all(map(known, (row[rate], *ends))):
        return
    columns = bounds(rate)
    sheet.rounded.extend((place, name) for name in columns)
    p = float(row[rate])
    sizes = [_size(p, float(end)) for end in ends]
    found = [round(size) for size in sizes if math.isfinite(size) and abs(size - round(size)) < _EXACT * max(1.0, size)]
    if not found or abs(p * found[0] - round(p * found[0])) > _EXACT * max(1.0, found[0]):
        return
    n, did = found[0], round(p * found[0])
    if any(map(sheet.is_small, (n, did, n - did))):
        sheet.hide(place, columns)
        return
    everyone, all_did = sheet.counts.get(whole), sheet.counts.get(part)
    if everyone is None or all_did is None:
        return
    rounded = [round(float(row[name]), _DIGITS) for name in columns]
    fewest, fewest_did = _fitting(rounded[0], rounded[1:], int(everyone), int(all_did))
    for left, told in ((everyone - n, everyone - fewest), (all_did - did, all_did - fewest_did)):
        if sheet.is_small(left) and told < max(sheet.k, left + sheet.k / 2):
            sheet.hide(place, columns[1:])


def _size(p: float, end: float) -> float:
    return Z**2 * end * (1 - end) / (p - end) ** 2 if 0 < end < 1 and p != end else math.inf


def _fitting(p: float, ends: list[float], everyone: int, all_did: int) -> tuple[int, int]:
    """Return the least n, and the least number of n who did it, that fit the rate and its ends as they are told."""
    least, most = 1.0, float(everyone)
    for end in ends:
        near, far = max(abs(p - end) - 2 * _HALF, 0.0), abs(p - end) + 2 * _HALF
        spread = sorted(Z**2 * e * (1 - e) for e in (max(end - _HALF, 0.0), min(end + _HALF, 1.0)))
        least = max(least, spread[0] / far**2)
        most = min(most, spread[1] / near**2 if near else math.inf)
    sizes = np.arange(math.ceil(least), math.floor(most) + 1)
    lowest = np.maximum(np.ceil((p - _HALF) * sizes), 0)
    fits = (lowest <= np.floor((p + _HALF) * sizes)) & (lowest <= all_did)
    return (int(sizes[fits].min()), int(lowest[fits].min())) if fits.any() else (everyone, all_did)


def follow_ups(sheet: Sheet) -> None:
    """One row a group and combination: all sum to the last step's visitors, those of one follow-up to who did it."""
    names = [str(name) for name in sheet.frame.columns]
    by = names[: names.index("combination")]
    groups: dict[tuple[str, ...], list[tuple[int, dict[str, Any]]]] = {}
    for place, row in enumerate(sheet.rows()):
        groups.setdefault(tuple(str(row[name]) for name in by), []).append((place, row))
    for rows in groups.values():
        of = {name: rows[0][1][name] for name in by}
        cells = [
            sheet.shown(place, "visitors", count("did", row["combination"], row["first"], of=of)) for place, row in rows
        ]
        whole = sheet.through(count("followed", of=of), sum(float(row["visitors"]) for _, row in rows))
        sheet.sum(whole, cells)
        labels = sorted({label for _, row in rows for label in _labels(row)})
        for label in labels:
            sheet.sum(
                count("reached", label, of=of),
                [cell for cell, (_, row) in zip(cells, rows, strict=True) if label in _labels(row)],
            )
        for cell, (place, row) in zip(cells, rows, strict=True):
            pending = sheet.shown(place, "pending", count("may yet", row["combination"], row["first"], of=of))
            sheet.rest(cell, pending, "follow-up")
            rest = sheet.rest(whole, cell, "follow-up")
            sheet.made(place, bounds("last_step_rate"), cell, whole, rest)
            closed(sheet, place, "last_step_rate", row, cell, whole)


def _labels(row: Mapping[str, Any]) -> tuple[str, ...]:
    return () if row["combination"] == "none" else tuple(str(row["combination"]).split(" + "))


def cohorts(sheet: Sheet) -> None:
    """One row a day of entry and age: who reached the last step grows with age, and the growth is people as well."""
    before: dict[str, tuple[int, Count]] = {}
    for place, row in enumerate(sheet.rows()):
        of = {"entered_on": row["entered_on"]}
        entered = sheet.shown(place, "visitors", count("entered", of=of))
        if not (known(row["overall_rate"]) and known(row["visitors"])):
            continue
        by_then = sheet.through(
            count("reached by", row["age_days"], of=of), round(float(row["overall_rate"]) * float(row["visitors"]))
        )
        sheet.made(place, ("overall_rate",), by_then, entered, sheet.rest(entered, by_then, "cohort"))
        if str(row["entered_on"]) in before:
            sheet.rest(by_then, before[str(row["entered_on"])][1], "since", row["age_days"])
        before[str(row["entered_on"])] = place, by_then


def times(sheet: Sheet) -> None:
    """One row a step and span of time; those of a step sum to who made it."""
    spans: dict[str, list[Count]] = {}
    for place, row in enumerate(sheet.rows()):
        name = count("took", row["step"], row["elapsed_from_seconds"])
        spans.setdefault(str(row["step"]), []).append(sheet.shown(place, "visitors", name))
    for step, cells in spans.items():
        if all(cell in sheet.counts for cell in cells):
            sheet.sum(sheet.through(count("took", step), sum(sheet.counts[cell] for cell in cells)), cells)


def sensitivity(sheet: Sheet) -> None:
    """One row a definition: who entered, and who converted."""
    for place, row in enumerate(sheet.rows()):
        entered = sheet.shown(place, "entered", count("entered by", row["definition"]))
        converted = sheet.shown(place, "converted", count("converted by", row["definition"]))
        rest = sheet.rest(entered, converted, "definition")
        sheet.made(place, bounds("overall_rate"), converted, entered, rest)
        closed(sheet, place, "overall_rate", row, converted, entered)


def changes(sheet: Sheet) -> None:
    """One row a number: who did it in a period, of how many, and the same of the period before.

    Who came in a period is the sum of its days, where these are told too.
    """
    for place, row in enumerate(sheet.rows()):
        made_of: list[Count] = []
        for prefix in ("", "before_"):
            first, last = row[f"{prefix}from_on"], row[f"{prefix}to_on"]
            period = (row["step"], row["number"], first, last)
            did = sheet.shown(place, f"{prefix}visitors", count("did in", *period))
            parts = [did]
            if row["number"] == "rate":
                among = sheet.shown(place, f"{prefix}among", count("were in", *period))
                parts += [among, sheet.rest(among, did, "period")]
                sheet.made(place, bounds(f"{prefix}rate"), *parts)
            elif not place and did in sheet.counts:
                days = [first + timedelta(days=day) for day in range((last - first).days + 1)]
                sheet.sum(did, [count("entered", of={"entered_on": day}) for day in days])
            made_of += parts
        sheet.made(place, ("change", *bounds("difference")), *made_of)


def curves(sheet: Sheet) -> None:
    """One row an outcome and time: thinned, so that between two that are shown at least k were decided.

    Of one group, all outcomes are thinned alike, because they are of the same people. An outcome that fewer than k had
    in all is not shown; nor is a time at which 1 to k - 1 were still followed.
    """
    aside = {"outcome", "elapsed_seconds", "rate", "rate_low", "rate_high", "at_risk"}
    groups = [str(name) for name in sheet.frame.columns if str(name) not in aside]
    columns = ("rate", "rate_low", "rate_high", "at_risk")
    together: dict[tuple[str, ...], dict[float, list[tuple[int, dict[str, Any]]]]] = {}
    for place, row in enumerate(sheet.rows()):
        if known(row["rate"]) and known(row["at_risk"]):
            key = tuple(str(row[name]) for name in groups)
            together.setdefault(key, {}).setdefault(float(row["elapsed_seconds"]), []).append((place, row))
    for points in together.values():
        ends: dict[str, float] = {}
        for _, rows in sorted(points.items()):
            for _, row in rows:
                ends[str(row["outcome"])] = max(ends.get(str(row["outcome"]), 0.0), row["rate"])
        first = max(float(row["at_risk"]) for rows in points.values() for _, row in rows)
        rare = {outcome for outcome, rate in ends.items() if sheet.is_small(round(rate * first))}
        kept = _thinned([points[elapsed] for elapsed in sorted(points)], rare, sheet)
        for elapsed, rows in points.items():
            for place, row in rows:
                if row["outcome"] in rare or elapsed not in kept:
                    sheet.hide(place, columns)


def _thinned(points: list[list[tuple[int, dict[str, Any]]]], rare: set[str], sheet: Sheet) -> set[float]:
    """Return the times to keep: forward from the first, then the last in place of those too near before it."""
    told = [{str(row["outcome"]): row for _, row in rows if row["outcome"] not in rare} for rows in points]
    # Where few are still followed a curve ends: the last time before that takes its end's place.
    told = [each for each in told if each and not any(sheet.is_small(row["at_risk"]) for row in each.values())]
    kept: list[dict[str, dict[str, Any]]] = []
    for each in told:
        if _is_far(kept[-1] if kept else None, each, sheet):
            kept.append(each)
    if told and (not kept or kept[-1] is not told[-1]):
        while kept and not _is_far(kept[-1], told[-1], sheet):
            kept.pop()
        if kept:
            kept.append(told[-1])
    return {float(next(iter(each.values()))["elapsed_seconds"]) for each in kept}


def _is_far(before: dict[str, dict[str, Any]] | None, here: dict[str, dict[str, Any]], sheet: Sheet) -> bool:
    """Tell whether everything that happened between two times happened to none, or to k at least."""
    for outcome, row in here.items():
        if sheet.is_small(row["at_risk"]):
            return False
        if before is None:
            if sheet.is_small(round(row["rate"] * row["at_risk"])):
                return False
            continue
        if outcome not in before:
            continue
        last = before[outcome]
        rate, gone = row["rate"] - last["rate"], last["at_risk"] - row["at_risk"]
        had = rate * max(row["at_risk"], 1.0)
        if sheet.is_small(gone) or (rate > 1e-12 and had < sheet.k):
            return False
    return True
