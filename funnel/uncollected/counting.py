"""What is counted for it: who saw what, what they did, and what their links brought. All of it sums, but for one array.

Nobody is in two places: an exposed visitor is in the wave of their exposure if the experiment compares them, else among
the friends (arrived by a share link) if they saw one variant.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from sqlglot import exp

from funnel.definition import Step
from funnel.design import Measure
from funnel.errors import DataError
from funnel.events import from_epoch_us
from funnel.exposures import Exposures
from funnel.outcomes import Conversion, Count, Guardrail
from funnel.spread import Spread
from funnel.statements import column, named, number, sql, statement

Floats = NDArray[np.float64]

WAVES = 4
FRIENDS = "friends"


@dataclass(frozen=True)
class Tally:
    """A number of something over some exposure to it: `total` over `exposure`, and how much it varies.

    `exposure` is visitors whose window is over, or the share of their friends that has had time, summed.
    `overdispersion` is the variance over Poisson's, at least 1; `is_share` where each visitor counts once or not.
    """

    total: float
    exposure: float
    overdispersion: float
    is_share: bool = False

    @property
    def value(self) -> float:
        """The rate; not a number where nobody was followed."""
        return self.total / self.exposure if self.exposure else math.nan


Tallies = Mapping[str, Mapping[str, Tally]]


@dataclass(frozen=True, eq=False)
class Counted:
    """All that the draws need to know.

    `signers`: how many the question is about. `pending`: exposed visitors still within the window of the primary
    outcome. `shown`: how many saw each variant first. `unshown`: signers who saw none. `followed`: for each measure and
    variant, what the compared did; `groups`: the same by wave of their exposure, and of friends where they were
    randomised too.
    `brought`: by variant, what the links of the compared brought. `carrier`: the measure that counts what brings
    friends, None where there is none; `friends`: its tally among friends, whatever they saw. `carried_overdispersion`:
    the variance, over Poisson's, of the signatures that come of it.
    """

    found: Exposures
    spread: Spread
    signers: int
    pending: int
    shown: Mapping[str, int]
    unshown: int
    measures: tuple[Measure, ...]
    followed: Tallies
    groups: Mapping[str, Tallies]
    brought: Mapping[str, Tally]
    carrier: str | None
    friends: Tally
    carried_overdispersion: float

    @property
    def variants(self) -> tuple[str, ...]:
        """The variants, the control first."""
        return self.found.variants

    @property
    def weights(self) -> Mapping[str, float]:
        """The share of all signers that saw each variant; who saw none counts as one who saw the control."""
        everyone = sum(self.shown.values()) + self.unshown
        more = {self.variants[0]: self.unshown}
        return {variant: (self.shown[variant] + more.get(variant, 0)) / everyone for variant in self.variants}

    @property
    def k_factor(self) -> float:
        """Referred signatures per signer of these events, all having had time."""
        return float(self.spread.k_factor.value)

    @property
    def seeded_share(self) -> float:
        """The share of signers whom nobody's link brought."""
        return 1 - float(self.spread.lineage.is_referred.mean())

    @property
    def referred_and_followed(self) -> tuple[float, float]:
        """Referred signatures, and signers weighed by the share of their friends that has had time."""
        return float(self.spread.lineage.children.sum()), float(self.spread.seen.sum())


def counted(found: Exposures, spread: Spread, shared: Step, *, who: str, before_us: int | None) -> Counted:
    """Count who the question is about, what the exposed did, and what their links brought.

    Raises DataError where it is about nobody.
    """
    measures = tuple(each for each in found.design.measures if isinstance(each.outcome, Conversion | Count | Guardrail))
    sums = _sums_by_group(found, measures)
    groups = {name: _tallies(measures, [group]) for name, group in sums.items()}
    followed = _tallies(measures, [group for name, group in sums.items() if name != FRIENDS], found.variants)
    people = _people(found, spread, before_us)
    signers = people.asked(who)
    if not signers:
        _refuse_nobody(found, spread, before_us)
    carrier = _carrier(measures, shared, followed)
    friends = Tally(0, 0, 1.0)
    if carrier is not None and FRIENDS in sums:
        friends = _tally(carrier, sums[FRIENDS][carrier.label].values())
    brought, overdispersion = _brought(found, spread, carrier)
    if found.design.referred == "inherit":
        groups.pop(FRIENDS, None)
    return Counted(
        found=found,
        spread=spread,
        signers=signers,
        pending=people.pending,
        shown=people.shown,
        unshown=people.unshown,
        measures=measures,
        followed=followed,
        groups=groups,
        brought=brought,
        carrier=None if carrier is None else carrier.label,
        friends=friends,
        carried_overdispersion=overdispersion,
    )


Sums = dict[str, dict[str, tuple[int, int, int]]]
"""By measure and variant: visitors whose window is over, what is counted of them, and its squares."""


def _sums_by_group(found: Exposures, measures: Sequence[Measure]) -> dict[str, Sums]:
    """Return the sums of every measure by group: the compared by wave of exposure, and friends."""
    if not measures:
        return {}
    query = statement(
        """
        with placed as (
            /* one row a visitor exposed */
            select
                units.*,
                ntile(_waves) over (
                    partition by units.is_unit
                    order by units.exposed_at, cast(units.visitor_id as varchar)
                ) as wave
            from _units as units
            where units.is_unit or (not units.is_root and units.variants = 1)
        )
        /* one row a group and variant */
        select
            case when placed.is_unit then placed.wave else 0 end as wave,
            placed.variant as variant,
            _sums
        from placed
        group by all
        order by all
        """,
        waves=number(WAVES),
        sums=[each for measure in measures for each in _sums(found, measure)],
        units=found.units,
    )
    groups: dict[str, Sums] = {}
    for wave, variant, *row in found.rows(query):
        group = groups.setdefault(f"wave {wave}" if wave else FRIENDS, {measure.label: {} for measure in measures})
        for measure, place in zip(measures, range(0, len(row), 3), strict=True):
            visitors, total, squares = (int(each or 0) for each in row[place : place + 3])
            group[measure.label][str(variant)] = visitors, total, squares
    return groups


def _sums(found: Exposures, measure: Measure) -> list[exp.Expr]:
    place = found.design.measures.index(measure)
    parts = {
        "y": exp.cast(column(f"y_{place}", of="placed"), "hugeint"),
        "window": number(measure.window),
        "cutoff": number(found.cutoff_us),
    }
    is_over = "placed.exposed_at + _window <= _cutoff"
    templates = {
        "visitors": f"select count(*) filter (where {is_over})",
        "total": f"select sum(_y) filter (where {is_over})",
        "squares": f"select sum(_y * _y) filter (where {is_over})",
    }
    return [
        named(statement(template, **parts).expressions[0], f"{name}_{place}") for name, template in templates.items()
    ]


def _tallies(
    measures: Sequence[Measure], groups: Sequence[Sums], variants: Sequence[str] = ()
) -> dict[str, dict[str, Tally]]:
    """Return the tallies of these groups together: of the variants, or of every variant somebody of them saw."""
    found: dict[str, dict[str, Tally]] = {}
    for measure in measures:
        every = variants or sorted({variant for group in groups for variant in group[measure.label]})
        found[measure.label] = {
            variant: _tally(measure, [group[measure.label].get(variant, (0, 0, 0)) for group in groups])
            for variant in every
        }
    return found


def _tally(measure: Measure, rows: Iterable[tuple[int, int, int]]) -> Tally:
    """Return the tally of sums added up."""
    visitors, total, squares = (sum(each) for each in zip((0, 0, 0), *rows, strict=True))
    if measure.kind == "share":
        return Tally(total, visitors, 1.0, is_share=True)
    return Tally(total, visitors, max((squares - total**2 / visitors) / total, 1.0) if total else 1.0)


@dataclass(frozen=True)
class _People:
    """Who saw what: numbers of visitors. `alone`: saw the control and nothing else."""

    shown: dict[str, int]
    alone: int
    pending: int
    unshown: int
    unshown_before: int

    def asked(self, who: str) -> int:
        """Return how many the question is about."""
        return {
            "control": self.alone,
            "everyone": sum(self.shown.values()) + self.unshown,
            "before": self.unshown_before,
        }[who]


def _people(found: Exposures, spread: Spread, before_us: int | None) -> _People:
    """Count who saw each variant first, and the signers who saw none: all, and those before the instant."""
    is_alone = exp.true() if found.design.two_variants == "first" else exp.condition("units.variants = 1")
    query = statement(
        """
        /* one row a variant */
        select
            units.variant as variant,
            count(*) as shown,
            count(*) filter (where _is_alone) as alone,
            count(*) filter (where units.exposed_at + _window > _cutoff) as pending
        from _units as units
        group by all
        order by all
        """,
        is_alone=is_alone,
        window=number(found.design.measures[0].window),
        cutoff=number(found.cutoff_us),
        units=found.units,
    )
    rows = {str(variant): (int(shown), int(alone), int(late)) for variant, shown, alone, late in found.rows(query)}
    query = statement(
        """
        /* one row: the signers who saw no variant */
        select
            count(*) as unshown,
            count(*) filter (where signers.signed_us < _before) as before
        from _signers as signers
        anti join _units as units
            on signers.visitor_id = units.visitor_id
        """,
        signers=spread.forest.signers,
        units=found.units,
        before=number(found.cutoff_us if before_us is None else before_us),
    )
    unshown, before = found.rows(query)[0]
    return _People(
        shown={variant: rows[variant][0] for variant in found.variants},
        alone=rows[found.variants[0]][1],
        pending=sum(late for _, _, late in rows.values()),
        unshown=int(unshown),
        unshown_before=int(before),
    )


def _refuse_nobody(found: Exposures, spread: Spread, before_us: int | None) -> None:
    if before_us is None:
        raise DataError(
            f"Nobody saw control '{found.variants[0]}' and no other variant, so nothing was forgone by showing it. Ask"
            " of everyone: who='everyone'."
        )
    first = from_epoch_us(int(spread.lineage.signed_us.min()))
    raise DataError(
        f"Nobody signed before {from_epoch_us(before_us):%Y-%m-%d %H:%M} UTC without seeing a variant: the first"
        f" signature is of {first:%Y-%m-%d %H:%M} UTC. Give a later before=, or leave it out to ask of those who saw"
        f" '{found.variants[0]}'."
    )


def _carrier(measures: Sequence[Measure], shared: Step, followed: Tallies) -> Measure | None:
    """Return the measure that counts sharing: by whether rather than how often, and only where somebody shared."""
    for kind in (Conversion, Count):
        for measure in measures:
            if isinstance(measure.outcome, kind) and measure.steps[0] == shared:
                tallies = followed[measure.label].values()
                if all(tally.exposure for tally in tallies) and any(tally.total for tally in tallies):
                    return measure
    return None


def _brought(found: Exposures, spread: Spread, carrier: Measure | None) -> tuple[dict[str, Tally], float]:
    """Return what the links of the compared brought, by variant, and how unevenly what is shared brings signatures.

    The latter over all exposed whose window of the carrier is over: the squared distance of what each brought from what
    their sharing makes expect, over what was brought.
    """
    place = 0 if carrier is None else found.design.measures.index(carrier)
    query = statement(
        """
        with children as (
            /* one row a signer who brought somebody */
            select
                signers.parent as visitor_id,
                count(*) as brought
            from _signers as signers
            where signers.generation > 0
            group by signers.parent
        )
        /* one row an exposed signer in a tree */
        select
            units.variant as variant,
            units.is_unit as is_unit,
            units.exposed_at + _window <= _cutoff as is_over,
            coalesce(children.brought, 0) as brought,
            cast(_carried as double) as carried,
            signers.signed_us as signed_us
        from _units as units
        join _signers as signers
            on units.visitor_id = signers.visitor_id
        left join children
            on units.visitor_id = children.visitor_id
        where signers.generation is not null
        order by all
        """,
        signers=spread.forest.signers,
        units=found.units,
        window=number(0 if carrier is None else carrier.window),
        cutoff=number(found.cutoff_us),
        carried=column(f"y_{place}", of="units"),
    )
    rows = found.connection.execute(sql(query)).fetchnumpy()
    variant, is_unit, is_over = (np.asarray(rows[name]) for name in ("variant", "is_unit", "is_over"))
    brought, carried = (np.asarray(rows[name], dtype=float) for name in ("brought", "carried"))
    followed = (found.cutoff_us - np.asarray(rows["signed_us"], dtype=np.int64)) / 1e6
    seen = spread.cycle.by(followed) if len(spread.cycle.time) else np.ones(len(followed))
    direct = {each: _uneven(brought, seen, (variant == each) & (is_unit == True)) for each in found.variants}  # noqa: E712 - an array
    if carrier is None:
        return direct, 1.0
    return direct, _uneven(brought, seen * carried, is_over == True).overdispersion  # noqa: E712 - an array


def _uneven(brought: Floats, exposure: Floats, chosen: NDArray[np.bool_]) -> Tally:
    total, over = float(brought[chosen].sum()), float(exposure[chosen].sum())
    if not (total and over):
        return Tally(total, over, 1.0)
    squares = float(((brought[chosen] - total / over * exposure[chosen]) ** 2).sum())
    return Tally(total, over, max(squares / total, 1.0))
