"""How a petition spreads from signer to signer: all its numbers, from the trees and what the law of branching says."""

from __future__ import annotations

import math
from dataclasses import dataclass
from datetime import date
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np

from funnel.definition import UNITS, Step
from funnel.events import epoch_us
from funnel.forest import Forest
from funnel.marks import filled
from funnel.spread.lineage import Counts, Lineage
from funnel.statements import sql, statement
from funnel.stats.branching import concentration, expected_total, extinction_probability
from funnel.stats.offspring import OffspringFit, fit_offspring, lorenz
from funnel.stats.proportions import normal_quantile
from funnel.stats.reproduction import CorrectedMean, corrected_mean, reproduction_number
from funnel.stats.truncation import Delays, right_truncated

if TYPE_CHECKING:
    import pandas

GENERATIONS = ("generation", "signatures", "share", "referred", "k_factor", "k_factor_low", "k_factor_high")
NUMBERS = ("measure", "value", "low", "high")
OVER_TIME = (
    "signed_on",
    "seeded",
    "referred",
    "reproduction_number",
    "reproduction_number_low",
    "reproduction_number_high",
)
OFFSPRING = ("brought", "signers", "expected")
TREES = ("rank", "signatures", "share", "generations", "structural_virality", "lasted_seconds")
CYCLE = ("elapsed_from_seconds", "elapsed_to_seconds", "signatures", "share")

HOUR_US, DAY_US = UNITS["hour"], UNITS["day"]
EDGES = (0, 60, 600, 3_600, 10_800, 21_600, 43_200, *(86_400 * day for day in (1, 2, 3, 5, 7, 14, 30)))
MANY = 0.8
FEWEST_BRINGING = 1


@dataclass(frozen=True, eq=False)
class Spread:
    """The trees of a forest, what was shared and who came by it.

    `shares` counts the events by which signers in trees shared a link, from their signature on; `visitors` those who
    came by the link of such a signer, signed or not. `outside` are the signers who are in no tree. `window_days` is the
    window of the reproduction number.
    """

    forest: Forest
    lineage: Lineage
    shares: int
    visitors: int
    outside: int
    window_days: int

    @property
    def cutoff_us(self) -> int:
        """The instant the data is complete to, in microseconds since 1970."""
        return epoch_us(self.forest.events.cutoff)

    @cached_property
    def cycle(self) -> Delays:
        """The time from a signature to one it brings, in seconds, freed of the haste of those that were seen."""
        trees = self.lineage
        parents = trees.parent[trees.is_referred]
        return right_truncated(trees.cycle_seconds, (self.cutoff_us - trees.signed_us[parents]) / 1e6)

    @cached_property
    def seen(self) -> np.ndarray:
        """The share of what each signer brings that has had the time to come."""
        followed = (self.cutoff_us - self.lineage.signed_us) / 1e6
        return self.cycle.by(followed) if len(self.cycle.time) else np.ones(len(self.lineage))

    @cached_property
    def k_factor(self) -> CorrectedMean:
        """Referred signatures per signer, corrected for signers whose friends have not had time yet."""
        return corrected_mean(self.lineage.children, self.seen)

    @cached_property
    def offspring(self) -> OffspringFit:
        """How many signatures signers have brought so far: mean and dispersion."""
        return fit_offspring(*np.unique(self.lineage.children, return_counts=True))


def spread_of(forest: Forest, shared: Step, *, window_days: int) -> Spread:
    """Read the trees of a forest, what its signers shared, and who came by it."""
    query = statement(
        """
        /* one row */
        select
            (
                select count(*)
                from _events as events
                join _signers as signers
                    on events.visitor_id = signers.visitor_id
                where _shared and signers.generation is not null and epoch_us(events.occurred_at) >= signers.signed_us
            ) as shares,
            (
                select count(*)
                from _referrers as referrers
                join _signers as parents
                    on referrers.parent = parents.visitor_id
                where parents.generation is not null
            ) as visitors,
            (select count(*) from _signers as signers where signers.generation is null) as outside
        """,
        events=forest.events.name,
        shared=filled(shared, forest.events.columns),
        signers=forest.signers,
        referrers=forest.referrers,
    )
    shares, visitors, outside = forest.connection.execute(sql(query)).fetchall()[0]
    return Spread(
        forest,
        forest.events.kept.once(("lineage", forest.signers), lambda: Lineage.of(forest)),
        int(shares),
        int(visitors),
        int(outside),
        window_days,
    )


def generations_of(spread: Spread) -> pandas.DataFrame:
    """Return one row a generation: its signatures, and what they brought."""
    import pandas

    trees, rows = spread.lineage, []
    for generation in range(int(trees.generation.max()) + 1 if len(trees) else 0):
        chosen = trees.generation == generation
        brought = corrected_mean(trees.children[chosen], spread.seen[chosen])
        share = chosen.sum() / len(trees)
        referred = int(trees.children[chosen].sum())
        rows.append((generation, int(chosen.sum()), share, referred, brought.value, brought.low, brought.high))
    return pandas.DataFrame(rows, columns=list(GENERATIONS))


def numbers_of(spread: Spread) -> pandas.DataFrame:
    """Return one row a measure, with its interval at 95 % where there is one; docs/definitions.md says what each is."""
    import pandas

    trees, fit, k = spread.lineage, spread.offspring, spread.k_factor
    signers, referred = len(trees), int(trees.is_referred.sum())
    nothing = (math.nan, math.nan)
    rows: list[tuple] = [
        ("signatures", signers, *nothing),
        ("seeded", signers - referred, *nothing),
        ("referred", referred, *nothing),
        ("in no tree", spread.outside, *nothing),
        ("k_factor so far", fit.mean, fit.mean_low, fit.mean_high),
        ("k_factor", k.value, k.low, k.high),
        ("dispersion", fit.k, fit.k_low, fit.k_high),
        ("shares per signer", spread.shares / signers, *nothing),
        ("visitors per share", spread.visitors / spread.shares if spread.shares else math.nan, *nothing),
        ("signatures per visitor", referred / spread.visitors if spread.visitors else math.nan, *nothing),
        ("cycle seconds, median", spread.cycle.quantile(0.5), *nothing),
        ("cycle seconds, nine tenths", spread.cycle.quantile(0.9), *nothing),
        ("a seed dies out", *_extinction(k, fit.k)),
        ("signatures per seed in the end", *(expected_total(float(r)) for r in (k.value, k.low, k.high))),
        ("signatures still to come", *_still_to_come(spread)),
        ("bring 80 %", lorenz(*np.unique(trees.children, return_counts=True)).concentration(MANY), *nothing),
        ("bring 80 %, by the law", concentration(fit.mean, fit.k, share=MANY) if fit.mean else math.nan, *nothing),
    ]
    return pandas.DataFrame(rows, columns=list(NUMBERS))


def _extinction(k_factor: CorrectedMean, dispersion: float) -> tuple[float, float, float]:
    """Return the chance that the tree of one seed dies out, at the middle and the ends of the K-factor's interval."""
    if math.isnan(dispersion):
        return 1.0, math.nan, math.nan
    ends = [extinction_probability(float(r), dispersion) for r in (k_factor.value, k_factor.high, k_factor.low)]
    return ends[0], ends[1], ends[2]


def _still_to_come(spread: Spread) -> tuple[float, float, float]:
    """Return how many signatures the links of present signers have yet to bring, and those in turn, for ever.

    With an interval for what will come: a gamma law with the variance of the branching, overdispersion x value /
    (1 - K)², and that of K, (value / (K (1 - K)) x its standard error)². Its upper end is infinite where K's is 1 or
    more. Nothing is known where nobody has brought anybody.
    """
    from scipy.special import gammaincinv

    k, waiting = spread.k_factor, float((1 - spread.seen).sum())
    value, lowest, highest = float(k.value), float(k.low), float(k.high)
    if not value > 0:
        return math.nan, 0.0, math.inf
    if not waiting:
        return 0.0, 0.0, 0.0
    if value >= 1:
        return math.inf, expected_total(lowest, seeds=lowest * waiting), math.inf
    coming = expected_total(value, seeds=value * waiting)
    error = (highest - lowest) / 2 / normal_quantile(0.95)
    variance = k.overdispersion * coming / (1 - value) ** 2 + (coming / (value * (1 - value)) * error) ** 2
    low, high = (float(gammaincinv(coming**2 / variance, end)) * variance / coming for end in (0.025, 0.975))
    return coming, low, high if highest < 1 else math.inf


def over_time_of(spread: Spread) -> pandas.DataFrame:
    """Return one row a day: signatures that came by themselves, those brought, and the reproduction number up to then.

    Read in hours since the first signature, over a window that ends with the hour of the day's last signature; a friend
    who signs within the hour counts in the next one. The interval allows for the few who bring many, by the dispersion
    of `offspring`. Null on days without signatures, before a whole window, and where
    fewer than FEWEST_BRINGING signatures would be expected if each brought one.
    """
    import pandas

    trees = spread.lineage
    days = np.arange(trees.signed_on.min(), trees.signed_on.max() + 1)
    day, hour = trees.signed_on - days[0], (trees.signed_us - trees.signed_us.min()) // HOUR_US
    seeded, referred = (
        np.bincount(day[which], minlength=len(days)) for which in (~trees.is_referred, trees.is_referred)
    )
    values = np.full((len(days), 3), np.nan)
    if referred.any():
        hours = int(hour.max()) + 1
        everyone, alone = (np.bincount(each, minlength=hours) for each in (hour, hour[~trees.is_referred]))
        weights = _by_hour(spread.cycle)
        window, k = 24 * spread.window_days, spread.offspring.k
        read = reproduction_number(everyone, imported=alone, interval=weights, window=window, dispersion=k)
        last = np.zeros(len(days), dtype=np.int64)
        np.maximum.at(last, day, hour)
        signing = np.flatnonzero((seeded + referred > 0) & np.isin(last, read.last))
        places = np.searchsorted(read.last, last[signing])
        values[signing] = np.column_stack([read.mean, *read.interval()])[places]
        # With next to nobody to bring others, it would tell the prior.
        values[signing[read.infectivity[places] < FEWEST_BRINGING]] = np.nan
    dates = [date.fromordinal(date(1970, 1, 1).toordinal() + int(each)) for each in days]
    return pandas.DataFrame(dict(zip(OVER_TIME, (dates, seeded, referred, *values.T), strict=True)))


def _by_hour(cycle: Delays) -> np.ndarray:
    """Return the chance that 0, 1, 2 ... hours lie between a signature and one it brings; none in the same hour.

    The first falls anywhere in its hour, so a delay of 1.3 hours is one step in seven of ten cases, else two.
    """
    chances = np.diff(cycle.share, prepend=0.0)
    steps, part = np.divmod(cycle.time / 3_600, 1)
    steps = steps.astype(np.int64)
    weights = np.bincount(steps, chances * (1 - part), int(steps[-1]) + 2) + np.bincount(
        steps + 1, chances * part, int(steps[-1]) + 2
    )
    weights[1] += weights[0]
    weights[0] = 0.0
    return np.asarray(weights / weights.sum())


def offspring_of(spread: Spread) -> pandas.DataFrame:
    """Return one row a number of signatures brought: how many signers brought that many, and how many by the law."""
    import pandas
    from scipy.stats import nbinom, poisson

    brought, signers = np.unique(spread.lineage.children, return_counts=True)
    fit = spread.offspring
    law = poisson(fit.mean) if not fit.k < math.inf else nbinom(fit.k, fit.k / (fit.k + fit.mean))
    return pandas.DataFrame(
        dict(zip(OFFSPRING, (brought, signers, len(spread.lineage) * law.pmf(brought)), strict=True))
    )


def largest_trees(trees: Lineage, *, most: int) -> Counts:
    """Return the places of the roots of the largest trees, the largest first; of one size, those that lasted longer."""
    roots = np.flatnonzero(~trees.is_referred)
    return roots[np.lexsort((-_lasted(trees)[roots], -trees.sizes[roots]))][:most]


def _lasted(trees: Lineage) -> np.ndarray:
    """Return the seconds from each root's signature to the last of its tree."""
    last = trees.signed_us.copy()
    np.maximum.at(last, trees.root, trees.signed_us)
    return np.asarray((last - trees.signed_us) / 1e6)


def trees_of(spread: Spread, roots: Counts) -> pandas.DataFrame:
    """Return one row a tree, given by its root, in their order, without a trace of who is in it."""
    import pandas

    trees = spread.lineage
    size, inside = trees.sizes, trees.sizes[trees.root]
    # Goel et al. 2016: twice the sum over referrals of (signatures below) x (the rest), over all pairs.
    crossing = np.bincount(trees.root, np.where(trees.is_referred, size * (inside - size), 0), len(trees))
    deepest = np.zeros(len(trees), dtype=np.int64)
    np.maximum.at(deepest, trees.root, trees.generation)
    pairs = size[roots] * (size[roots] - 1)
    virality = np.where(pairs > 0, 2 * crossing[roots] / np.maximum(pairs, 1), 0.0)
    values = (
        np.arange(1, len(roots) + 1),
        size[roots],
        size[roots] / len(trees),
        deepest[roots],
        virality,
        _lasted(trees)[roots],
    )
    return pandas.DataFrame(dict(zip(TREES, values, strict=True)))


def cycle_of(spread: Spread) -> pandas.DataFrame:
    """Return one row a span of time from a signature to one it brings: how many took so long, and the share that do.

    `share` is freed of the haste of those seen so far (recent signers have had time for quick friends only).
    """
    import pandas

    seconds = spread.lineage.cycle_seconds
    longest = max(float(seconds.max()) if len(seconds) else 0.0, EDGES[1])
    edges = np.array([*(edge for edge in EDGES if edge < longest), np.nextafter(longest, np.inf)])
    counted = np.histogram(seconds, edges)[0]
    share = (
        np.diff(np.append(spread.cycle.by(edges[:-1] - 1e-9), 1.0)) if len(seconds) else np.full(len(counted), np.nan)
    )
    return pandas.DataFrame(dict(zip(CYCLE, (edges[:-1], edges[1:], counted, share), strict=True)))
