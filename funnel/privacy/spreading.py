"""What the frames of referrals, relays, attribution and ladders say about people."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from funnel.privacy.sheets import Count, Sheet, bounds, count, known

if TYPE_CHECKING:
    from collections.abc import Mapping

_SIGNATURES = count("signatures")
_WINDOW = 7


def generations(sheet: Sheet) -> None:
    """One row a generation: all sum to the signatures, and what one refers is the next."""
    rows = sheet.rows()
    cells = []
    for place, row in enumerate(rows):
        here = sheet.shown(place, "signatures", _of("generation", row["generation"]))
        brought = sheet.shown(place, "referred", count("brought by generation", row["generation"]))
        if place + 1 < len(rows):
            sheet.sum(_of("generation", rows[place + 1]["generation"]), (brought,))
        sheet.made(place, ("share",), here, _SIGNATURES)
        sheet.made(place, bounds("k_factor"), here, brought)
        cells.append(here)
    _whole(sheet, _SIGNATURES, cells)


def _of(column: str, value: object) -> Count:
    return count("signatures", of={column: value})


def _whole(sheet: Sheet, name: Count, parts: list[Count]) -> None:
    """Note the total of a column that is complete and wholly known."""
    if parts and all(part in sheet.counts for part in parts):
        sheet.through(name, sum(sheet.counts[part] for part in dict.fromkeys(parts)))
        sheet.sum(name, dict.fromkeys(parts))


def days(sheet: Sheet) -> None:
    """One row a day: seeded ones sum to the first generation, and the others to all later ones.

    The reproduction number of a day is made of the days of its window; it is hidden where one of the last seven is.
    """
    cells: list[tuple[Count, Count]] = []
    for place, row in enumerate(sheet.rows()):
        of = {"signed_on": row["signed_on"]}
        cells.append(
            (
                sheet.shown(place, "seeded", count("seeded", of=of)),
                sheet.shown(place, "referred", count("referred", of=of)),
            )
        )
        recent = [name for pair in cells[-_WINDOW:] for name in pair]
        sheet.made(place, bounds("reproduction_number"), *recent)
    _whole(sheet, count("seeded"), [seeded for seeded, _ in cells])
    _whole(sheet, count("referred"), [referred for _, referred in cells])
    sheet.sum(_of("generation", 0), (count("seeded"),))
    sheet.sum(_SIGNATURES, (count("seeded"), count("referred")))


def cycle(sheet: Sheet) -> None:
    """One row a span of time."""
    cells = []
    for place, row in enumerate(sheet.rows()):
        here = sheet.shown(place, "signatures", count("cycle", row["elapsed_from_seconds"]))
        sheet.made(place, ("share",), here, count("cycle"))
        cells.append(here)
    _whole(sheet, count("cycle"), cells)


def trees(sheet: Sheet) -> None:
    """One row a tree: one of fewer than k signatures is not told at all."""
    columns = ("signatures", *bounds("share"), "generations", "structural_virality", "lasted_seconds")
    for place, row in enumerate(sheet.rows()):
        sheet.made(place, columns, sheet.shown(place, "signatures", count("tree", row["rank"])))


def relays(sheet: Sheet) -> None:
    """One row a relay, the last of no relay: direct and downstream are the total; totals may sum to all signatures."""
    rows = sheet.rows()
    columns: dict[str, list[Count]] = {name: [] for name in ("visitors", "signatures", "total")}
    for place, row in enumerate(rows):
        of = {"relay": row["relay"]}
        came = sheet.shown(place, "visitors", count("came", of=of))
        direct = sheet.shown(place, "signatures", count("direct", of=of))
        below = sheet.shown(place, "downstream", count("downstream", of=of))
        total = sheet.shown(place, "total", count("signatures", of=of))
        declared = sheet.shown(place, "declared", count("declared", of=of))
        pending = sheet.shown(place, "pending", count("pending at relay", of=of))
        visits = sheet.shown(place, "visits", count("visits", of=of))
        sheet.sum(total, (direct, below))
        seen = sheet.rest(direct, declared, "seen")
        left = (sheet.rest(came, direct, "relay"), sheet.rest(came, pending, "relay"))
        sheet.made(place, bounds("rate"), came, direct, pending, seen, *left)
        sheet.made(place, ("visits",), came, visits)
        sheet.made(place, bounds("downstream"), below)
        sheet.made(place, bounds("total"), total, direct, below)
        sheet.made(place, ("per_thousand",), total)
        sheet.made(place, bounds("k_factor"), direct, below)
        sheet.made(place, ("half_seconds", "first_day_share"), seen, direct)
        if known(row["first_day_share"]) and seen in sheet.counts:
            first = float(row["first_day_share"]) * sheet.counts[seen]
            if any(map(sheet.is_small, (round(first), round(sheet.counts[seen] - first)))):
                sheet.hide(place, ("first_day_share",))
        sheet.quantiles(place, direct, {"half_seconds": 0.5})
        for name, cell in zip(columns, (came, direct, total), strict=True):
            columns[name].append(cell)
    _whole(sheet, count("came"), columns["visitors"])
    _whole(sheet, count("direct"), columns["signatures"])
    _whole(sheet, _SIGNATURES, columns["total"])
    for wave in ("before launch", "after launch"):
        for what, name in (("came", "visitors"), ("direct", "signatures")):
            members = [cell for cell, row in zip(columns[name], rows, strict=True) if row["wave"] == wave]
            sheet.sum(count(what, of={"wave": wave}), members)


def waves(sheet: Sheet) -> None:
    """One row a measure: its mean over the relays of each wave, so also their sum."""
    cells: dict[str, list[Count]] = {"before launch": [], "after launch": []}
    for place, row in enumerate(sheet.rows()):
        for wave, side in (("before launch", "before"), ("after launch", "after")):
            what = {"visitors": "came", "signatures": "direct"}.get(row["measure"])
            if what and known(row[side]):
                name = sheet.through(
                    count(what, of={"wave": wave}), round(float(row[side]) * float(row[f"{side}_relays"]))
                )
                cells[wave].append(name)
                sheet.made(place, (side,), name)
    for place in range(len(sheet.frame)):
        sheet.made(place, ("before",), *cells["before launch"])
        sheet.made(place, ("after",), *cells["after launch"])
        sheet.made(place, (*bounds("difference"), "p"), *cells["before launch"], *cells["after launch"])


def first_day(sheet: Sheet) -> None:
    """One row a source of the first day: direct, downstream and later are the total."""
    for place, row in enumerate(sheet.rows()):
        of = {"source": row["source"]}
        parts = [sheet.shown(place, name, count("day", name, of=of)) for name in ("signatures", "downstream", "later")]
        total = sheet.shown(place, "total", count("day", "total", of=of))
        sheet.sum(total, parts)
        sheet.made(place, ("share",), total)


def credit(sheet: Sheet) -> None:
    """One row a model and channel: the channels of a model sum to all conversions."""
    by = str(sheet.frame.columns[0])
    columns: dict[Count, list[Count]] = {}
    for place, row in enumerate(sheet.rows()):
        of = {by: row[by] if isinstance(row[by], str) else None}
        for name in ("credited", "downstream"):
            whole, here = count(name, row["model"]), count(name, row["model"], of=of)
            columns.setdefault(whole, []).append(sheet.shown(place, name, here))
            share = bounds("share") if name == "credited" else ("downstream_share",)
            sheet.made(place, (*bounds(name), *share), here, whole)
    for whole, cells in columns.items():
        _whole(sheet, whole, cells)


def paths(sheet: Sheet) -> None:
    """One row a flow: those that end sum to all visitors; what flows into a channel flows on."""
    rows = sheet.rows()
    by = str(sheet.frame.columns[0])
    cells = []
    for place, row in enumerate(rows):
        what = (row[by], row["next"], row["touches_left"])
        went = sheet.shown(place, "visitors", count("flow", *what))
        did = sheet.shown(place, "converted", count("flow converted", *what))
        sheet.made(place, bounds("rate"), went, did, sheet.rest(went, did, "flow"))
        cells.append((went, did))
    for side in (0, 1):
        end = [pair[side] for pair, row in zip(cells, rows, strict=True) if row["touches_left"] <= 1]
        _whole(sheet, count(("flow", "flow converted")[side]), end)
        for row in rows:
            _flow(sheet, rows, [pair[side] for pair in cells], row, by)


def _flow(sheet: Sheet, rows: list[dict[str, Any]], cells: list[Count], row: Mapping[str, Any], by: str) -> None:
    """Note that who comes to a channel with so many touches left goes on from there."""
    left = row["touches_left"]
    into = [
        cell
        for cell, each in zip(cells, rows, strict=True)
        if each["next"] == row[by] and each["touches_left"] == left + 1
    ]
    out = [cell for cell, each in zip(cells, rows, strict=True) if each[by] == row[by] and each["touches_left"] == left]
    if into:
        sheet.relations.append({**dict.fromkeys(into, 1), **dict.fromkeys(out, -1)})


def ladder(sheet: Sheet) -> None:
    """One row a group and rung: the highest rungs sum to everyone, and from a rung on to who reached or skipped it."""
    names = [str(name) for name in sheet.frame.columns]
    by = names[: names.index("rung")]
    groups: dict[tuple[str, ...], list[tuple[int, dict[str, Any]]]] = {}
    for place, row in enumerate(sheet.rows()):
        groups.setdefault(tuple(str(row[name]) for name in by), []).append((place, row))
    for rows in groups.values():
        of = {name: rows[0][1][name] for name in by}
        tops = [sheet.shown(place, "highest", count("highest", row["rung"], of=of)) for place, row in rows]
        for number, (place, row) in enumerate(rows):
            everyone = sheet.shown(place, "visitors", count("entered", of=of))
            reached = sheet.shown(place, "reached", count("rung", row["rung"], of=of))
            skipped = sheet.shown(place, "skipped", count("skipped", row["rung"], of=of))
            rest = sheet.rest(everyone, reached, "ladder")
            sheet.relations.append({reached: 1, skipped: 1, **dict.fromkeys(tops[number:], -1)})
            sheet.made(place, bounds("rate"), reached, everyone, rest)
        sheet.sum(count("entered", of=of), tops)


def transitions(sheet: Sheet) -> None:
    """One row a rung and the next: those from a rung sum to who reached it."""
    columns: dict[str, list[tuple[int, Count]]] = {}
    for place, row in enumerate(sheet.rows()):
        here = sheet.shown(place, "visitors", count("climbed", row["rung"], row["to"]))
        columns.setdefault(str(row["rung"]), []).append((place, here))
    for rung, cells in columns.items():
        whole = count("climbing", rung)
        _whole(sheet, whole, [here for _, here in cells])
        sheet.sum(count("rung", rung), (whole,))
        for place, here in cells:
            sheet.made(place, bounds("share"), here, whole, sheet.rest(whole, here, "climb"))


def value(sheet: Sheet) -> None:
    """One row a highest rung: signers, and what they brought."""
    for place, row in enumerate(sheet.rows()):
        who = sheet.shown(place, "signers", count("signers on", row["rung"]))
        brought = sheet.shown(place, "brought", count("brought by", row["rung"]))
        below = sheet.shown(place, "downstream", count("below", row["rung"]))
        sheet.made(place, (*bounds("k_factor", "value"), "downstream"), who, brought, below)


def fatigue(sheet: Sheet) -> None:
    """One row a number of asks: of those who saw so many, pending, responded, harmed now and before."""
    for place, row in enumerate(sheet.rows()):
        of = {"asks": row["asks"]}
        cells = {
            name: sheet.shown(place, name, count("asked", name, of=of))
            for name in ("visitors", "pending", "responded", "harmed", "harmed_before")
        }
        over = sheet.rest(cells["visitors"], cells["pending"], "asked")
        silent = sheet.rest(over, cells["responded"], "asked")
        spared = sheet.rest(sheet.rest(over, cells["harmed_before"], "asked"), cells["harmed"], "asked")
        sheet.made(place, bounds("response_rate"), over, cells["responded"], silent)
        sheet.made(place, bounds("harm_rate"), over, cells["harmed"], cells["harmed_before"], spared)
