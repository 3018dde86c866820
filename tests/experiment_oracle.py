"""A recount of experiments in plain Python: one visitor at a time, no SQL, nothing of the package.

Rows are tuples of FIELDS, `minute` counting from the beginning. Who brought whom comes from the recount of trees in
tests/test_forest.py.
"""

from collections import Counter, defaultdict
from collections.abc import Callable
from dataclasses import dataclass, field
from math import comb

from tests.test_forest import by_hand

FIELDS = ("visitor_id", "event", "minute", "variant", "experiment", "referred_by", "link_id", "device", "value")


@dataclass(frozen=True)
class Asked:
    """One outcome: `kind` is share, count, value, ratio or brought; `fits` picks its events; windows in minutes."""

    label: str
    kind: str
    fits: Callable[[dict], bool]
    window: int
    over: Callable[[dict], bool] | None = None
    generations: int | None = None


@dataclass(frozen=True)
class Rules:
    """How an experiment counts; every exposure is an event `shown` of the experiment `name`."""

    asked: list[Asked]
    cutoff: int
    name: str = "page"
    shown: str = "shown"
    two_variants: str = "leave_out"
    has_names: bool = True


@dataclass
class Unit:
    """One visitor exposed."""

    exposed_at: int
    variant: str
    variants: int
    device: str | None
    is_root: bool
    parent: str | None
    root: str | None
    events: list[dict] = field(default_factory=list)
    counted: dict[str, tuple[float, float]] = field(default_factory=dict)


@dataclass
class Recount:
    """`cells`: label to visitors, pending, total, squares, denominator, its squares, products; by variant and group."""

    units: dict[str, Unit]
    exposed: dict[str, Unit]
    cells: dict[tuple, dict[str, tuple]]
    counts: dict[str, int]
    before: dict[str, int]


def recount(rows, rules, *, group=lambda unit: ()):
    """Return what an experiment finds in these rows; `group` gives further keys of a cell."""
    table = [dict(zip(FIELDS, row, strict=True)) for row in rows if row[2] <= rules.cutoff]
    exposures = [row for row in table if is_exposure(row, rules)]
    exposed = {who: _exposed(shown) for who, shown in _by_visitor([row for row in exposures if row["variant"]]).items()}
    named = _as_signatures(table, lambda row: is_exposure(row, rules) and row["variant"] is not None)
    signers, _, _ = by_hand(named, str)
    for who, unit in exposed.items():
        parent, _, _, root, generation, _, _ = signers[who]
        unit.is_root, unit.parent, unit.root = generation == 0, parent, root
    for row in table:
        if row["visitor_id"] in exposed:
            exposed[row["visitor_id"]].events.append(row)
    units = {
        who: unit
        for who, unit in exposed.items()
        if unit.is_root and (unit.variants == 1 or rules.two_variants == "first")
    }
    for asked in rules.asked:
        brought = _brought(table, asked, exposed) if asked.kind == "brought" else {}
        for who, unit in exposed.items():
            unit.counted[asked.label] = brought.get(who, (0, 1)) if asked.kind == "brought" else _own(unit, asked)
    return Recount(
        units,
        exposed,
        _cells(units, rules, group),
        _counts(table, exposures, exposed, units, rules),
        _before(units, rules),
    )


def is_exposure(row, rules):
    return row["event"] == rules.shown and (not rules.has_names or row["experiment"] == rules.name)


def expected_refusal(told, variants, *, referred="again"):
    """Return whether a declaration about referred visitors is refused, with equal shares planned."""
    known, crossed = told.counts["known_referrer"], told.counts["crossed"]
    if not known:
        return False
    if referred == "inherit":
        return crossed > 0.05 * known
    agreed, share = known - crossed, 1 / variants
    tail = sum(comb(known, each) * share**each * (1 - share) ** (known - each) for each in range(agreed, known + 1))
    return agreed > share * known and tail < 0.001


def _by_visitor(rows):
    found = defaultdict(list)
    for row in rows:
        found[row["visitor_id"]].append(row)
    return found


def _exposed(shown):
    """Return a visitor's unit from the exposures that name a variant: at one instant the lesser one counts."""
    at = min(row["minute"] for row in shown)
    first = [row for row in shown if row["minute"] == at]
    devices = [row["device"] for row in first if row["device"] is not None]
    variants = {row["variant"] for row in shown}
    return Unit(at, min(row["variant"] for row in first), len(variants), min(devices, default=None), False, None, None)


def _as_signatures(table, signs):
    """Return the rows as the recount of trees reads them, with `signs` picking the events the trees are of."""
    named = {True: "sign", False: "other"}
    return [
        (
            row["visitor_id"],
            "share" if row["event"] == "share" else named[signs(row)],
            row["minute"],
            row["referred_by"],
            row["link_id"],
        )
        for row in table
    ]


def _in_time(row, unit, window):
    return unit.exposed_at <= row["minute"] <= unit.exposed_at + window


def _own(unit, asked):
    """Return what is counted of one visitor, and the denominator of a ratio (else 1)."""
    inside = [row for row in unit.events if _in_time(row, unit, asked.window)]
    counted = [row for row in inside if asked.fits(row)]
    if asked.kind == "share":
        return min(len(counted), 1), 1
    if asked.kind == "value":
        return sum(round(row["value"] * 1_000_000) for row in counted if row["value"] is not None), 1
    return len(counted), sum(map(asked.over, inside)) if asked.kind == "ratio" else 1


def _brought(table, asked, exposed):
    """Return by root how many did it in the tree, within the window of the root's exposure."""
    signers, _, _ = by_hand(_as_signatures(table, asked.fits), str)
    found = Counter()
    for _, _, _, root, generation, _, at in signers.values():
        if root not in exposed or not 1 <= generation <= (asked.generations or generation):
            continue
        found[root] += 0 <= at - exposed[root].exposed_at <= asked.window
    return {who: (count, 1) for who, count in found.items()}


def _cells(units, rules, group):
    cells = defaultdict(lambda: {asked.label: (0,) * 7 for asked in rules.asked})
    for unit in units.values():
        cell = cells[(unit.variant, *group(unit))]
        for asked in rules.asked:
            y, x = unit.counted[asked.label]
            is_over = unit.exposed_at + asked.window <= rules.cutoff
            one = (1, 0, y, y * y, x, x * x, y * x) if is_over else (0, 1, 0, 0, 0, 0, 0)
            cell[asked.label] = tuple(map(sum, zip(cell[asked.label], one, strict=True)))
    return dict(cells)


def _counts(table, exposures, exposed, units, rules):
    elsewhere = {row["visitor_id"] for row in table if row["experiment"] not in (None, rules.name)}
    referred = [unit for unit in exposed.values() if not unit.is_root]
    known = [
        (unit.variant, exposed[unit.parent].variant)
        for unit in referred
        if unit.variants == 1 and unit.parent in exposed and exposed[unit.parent].variants == 1
    ]
    return {
        "unnamed": sum(row["variant"] is None for row in exposures),
        "several": sum(unit.variants > 1 for unit in exposed.values()),
        "referred": len(referred),
        "known_referrer": len(known),
        "crossed": sum(own != parents for own, parents in known),
        "elsewhere": len(elsewhere & set(units)) if rules.has_names else 0,
    }


def _before(units, rules):
    """Return by label how many units had the outcome before they were exposed; signatures brought have no before."""
    found = Counter()
    for asked in rules.asked:
        if asked.kind != "brought":
            found[asked.label] = sum(
                any(_counts_as(row, asked) and row["minute"] < unit.exposed_at for row in unit.events)
                for unit in units.values()
            )
    return dict(+found)


def _counts_as(row, asked):
    return asked.fits(row) and (asked.kind != "value" or row["value"] is not None)
