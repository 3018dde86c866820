"""What relays bring, as numbers: directly, with those they led to, how fast, before launch and after."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np

from funnel.definition import UNITS
from funnel.relayed.counting import AFTER, BEFORE, Counted, Counts, Floats
from funnel.stats.means import Moments, welch
from funnel.stats.proportions import Estimate, wilson
from funnel.stats.reproduction import corrected_mean
from funnel.stats.weighted_counts import weighted_count

if TYPE_CHECKING:
    import pandas

RELAYS = (
    "relay",
    "kind",
    "wave",
    "visitors",
    "visits",
    "pending",
    "signatures",
    "declared",
    "rate",
    "rate_low",
    "rate_high",
    "downstream",
    "downstream_low",
    "downstream_high",
    "total",
    "total_low",
    "total_high",
    "k_factor",
    "k_factor_low",
    "k_factor_high",
    "half_seconds",
    "first_day_share",
    "per_thousand",
)
GENERATIONS = ("relay", "generation", "signatures", "weight", "counted")
WAVES = (
    "measure",
    "before_relays",
    "before",
    "after_relays",
    "after",
    "difference",
    "difference_low",
    "difference_high",
    "p",
)
FIRST_DAY = ("source", "signatures", "downstream", "later", "total", "share")
COMPARED = ("visitors", "rate", "signatures", "downstream_per_signature", "per_thousand", "first_day_share")
NO_RELAY, UNDATED = "no relay", "relays, date unknown"
SOURCES = {BEFORE: "relays before launch", AFTER: "relays after launch", None: UNDATED}

DAY_US = UNITS["day"]
FEWEST_RELAYS = 2
HEAVY = 0.99


def relays_of(counted: Counted, discount: float) -> pandas.DataFrame:
    """Return one row a relay, the most in total first, ties by name; and a last one of no relay."""
    import pandas

    relays = counted.relays
    names = {"relay": [each.name for each in relays], "kind": [each.kind for each in relays]}
    names["wave"] = [counted.wave(each) for each in relays]
    sums = _sums(counted, discount)
    audience = np.array([each.audience or math.nan for each in relays])
    columns = {
        **{name: pandas.Series(values, dtype=object) for name, values in names.items()},
        **{name: [getattr(each, name) for each in relays] for name in ("visitors", "visits", "pending")},
        **_direct(counted),
        **sums,
        **_k_factors(counted),
        **_speed(counted),
        "per_thousand": 1_000 * sums["total"] / audience,
    }
    *named, nobody = range(len(relays))
    order = sorted(named, key=lambda place: (-sums["total"][place], place))
    return pandas.DataFrame(columns)[list(RELAYS)].iloc[[*order, nobody]].reset_index(drop=True)


def _direct(counted: Counted) -> dict[str, Floats | Counts]:
    """Return signatures of those who came by each relay, and the rate at which its visitors signed."""
    relays = len(counted.relays)
    followed = np.array([each.followed for each in counted.relays])
    rate = wilson([each.converted for each in counted.relays], followed)
    known = Estimate(*(np.where(followed > 0, each, np.nan) for each in (rate.value, rate.low, rate.high)))
    return {
        "signatures": np.bincount(counted.of_root, minlength=relays),
        "declared": np.bincount(counted.of_root[counted.is_declared], minlength=relays),
        **_columns("rate", known),
    }


def _sums(counted: Counted, discount: float) -> dict[str, Floats]:
    """Return what the trees of each relay come to, without their roots and with them."""
    lineage, referred = counted.spread.lineage, counted.spread.lineage.is_referred
    weights = np.asarray(discount ** lineage.generation[referred].astype(float))
    below = np.bincount(lineage.root[referred], weights, len(counted.of_root)).astype(float)
    return {
        **_columns("downstream", _summed(counted, below, least=discount)),
        **_columns("total", _summed(counted, 1 + below, least=1.0)),
    }


def _summed(counted: Counted, trees: Floats, *, least: float) -> Estimate:
    """Return the sum over the trees of each relay, each tree a Poisson count: of weight 0, or of `least` and more.

    One more may weigh as much as the heaviest of the relay's, or as one in a hundred of all trees if that is more. With
    the relay's own alone, upper ends were too low for one relay in eight of simulated campaigns.
    """
    relays = len(counted.relays)
    if not least:
        return Estimate(*np.zeros((3, relays)))
    heavy = max(float(np.quantile(trees, HEAVY)), least) if len(trees) else least
    heaviest = np.full(relays, heavy)
    np.maximum.at(heaviest, counted.of_root, trees)
    sums, squares = (np.bincount(counted.of_root, each, relays) for each in (trees, trees**2))
    return weighted_count(sums, squares, heaviest)


def _k_factors(counted: Counted) -> dict[str, Floats]:
    """Return how many signatures each direct signer of a relay brings, once all have had time."""
    lineage, seen = counted.spread.lineage, counted.spread.seen
    unknown = Estimate(math.nan, 0.0, math.inf)
    found = [
        corrected_mean(lineage.children[roots], seen[roots]) if len(roots) else unknown for roots in _roots(counted)
    ]
    return _columns("k_factor", Estimate(*np.array([(each.value, each.low, each.high) for each in found]).T))


def _speed(counted: Counted) -> dict[str, Floats]:
    """Return how soon after the first visitor those who came by each relay signed; who only declared it is left out."""
    found: list[tuple[float, float]] = []
    for relay, roots in zip(counted.relays, _roots(counted), strict=True):
        signed_us = counted.spread.lineage.signed_us[roots[~counted.is_declared[roots]]]
        if relay.first_us is None or not len(signed_us):
            found.append((math.nan, math.nan))
            continue
        # Who came by no relay may sign without a visit, before anybody visits.
        waited_us = signed_us - min(relay.first_us, int(signed_us[0]))
        is_over = counted.spread.cutoff_us - relay.first_us >= DAY_US
        share = float((waited_us <= DAY_US).mean()) if is_over else math.nan
        found.append((float(waited_us[(len(waited_us) - 1) // 2]) / UNITS["second"], share))
    half, shares = np.array(found).T
    return {"half_seconds": half, "first_day_share": shares}


def _roots(counted: Counted) -> list[Counts]:
    """Return the places of the roots of each relay, in the order in which they signed."""
    order = np.argsort(counted.of_root, kind="stable")
    edges = np.searchsorted(counted.of_root[order], np.arange(1, len(counted.relays)))
    return np.split(order, edges)


def _columns(name: str, estimate: Estimate) -> dict[str, Floats]:
    ends = {name: estimate.value, f"{name}_low": estimate.low, f"{name}_high": estimate.high}
    return {each: np.asarray(values, dtype=float) for each, values in ends.items()}


def generations_of(counted: Counted, discount: float, order: list[str | None]) -> pandas.DataFrame:
    """Return one row a relay and generation, relays in this order: how many signatures, and what they count."""
    import pandas

    places = {each.name: place for place, each in enumerate(counted.relays)}
    generation = counted.spread.lineage.generation
    deepest = int(generation.max()) + 1 if len(generation) else 1
    cells = np.bincount(counted.of_signer * deepest + generation, minlength=len(places) * deepest)
    rows = [
        (name, far, count, discount**far, count * discount**far)
        for name in order
        for far, count in enumerate(cells.reshape(-1, deepest)[places[name]].tolist())
        if count or not far
    ]
    frame = pandas.DataFrame(rows, columns=list(GENERATIONS)).astype({"weight": float, "counted": float})
    frame["relay"] = pandas.Series([row[0] for row in rows], dtype=object)
    return frame


def waves_of(counted: Counted, relays: pandas.DataFrame) -> pandas.DataFrame:
    """Return one row a measure: its mean over relays who agreed before launch, and after; relays are the units.

    Who agreed after the end of the data is left out. With fewer than FEWEST_RELAYS on a side nothing is compared.
    """
    import pandas

    sides = compared(counted)
    units = relays.assign(downstream_per_signature=relays["downstream"] / relays["signatures"].where(lambda n: n > 0))
    rows = []
    for measure in COMPARED:
        known = units[units[measure].notna()]
        before, after = (
            known.loc[known["relay"].isin(sides[wave]), measure].to_numpy(float) for wave in (BEFORE, AFTER)
        )
        means = [float(each.mean()) if len(each) else math.nan for each in (before, after)]
        told = (measure, len(before), means[0], len(after), means[1])
        if min(len(before), len(after)) < FEWEST_RELAYS:
            rows.append((*told, *[math.nan] * 4))
        else:
            found = welch(Moments.of(before), Moments.of(after))
            rows.append((*told, found.value, found.low, found.high, found.p))
    return pandas.DataFrame(rows, columns=list(WAVES))


def compared(counted: Counted) -> dict[str, list[str]]:
    """Return the names of the relays who agreed before launch, and of those who did after it, in the data's time."""
    sides: dict[str, list[str]] = {BEFORE: [], AFTER: []}
    for relay in counted.relays:
        wave = counted.wave(relay)
        if wave and relay.name is not None and (relay.agreed_us or 0) <= counted.spread.cutoff_us:
            sides[wave].append(relay.name)
    return sides


def first_day_of(counted: Counted) -> pandas.DataFrame:
    """Return one row a source of signatures: those of the first 24 hours, and what their trees brought later."""
    import pandas

    lineage, launched_us = counted.spread.lineage, counted.launched_us
    names = [NO_RELAY if each.name is None else SOURCES[counted.wave(each)] for each in counted.relays]
    sources = [each for each in (*SOURCES.values(), NO_RELAY) if each != UNDATED or UNDATED in names]
    source = np.array([sources.index(each) for each in names])[counted.of_signer]
    is_early = (lineage.signed_us >= launched_us) & (lineage.signed_us < launched_us + DAY_US)
    is_begun = is_early[lineage.root]
    parts = (
        is_early & ~lineage.is_referred,
        is_early & is_begun & lineage.is_referred,
        is_begun & ~is_early,
    )
    counts = np.array([np.bincount(source[part], minlength=len(sources)) for part in parts])
    total = counts.sum(axis=0)
    share = total / counted.signatures if counted.signatures else np.full(len(sources), np.nan)
    return pandas.DataFrame(dict(zip(FIRST_DAY, (sources, *counts, total, share), strict=True)))
