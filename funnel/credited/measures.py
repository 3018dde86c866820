"""How many conversions each channel is credited with by each model, with intervals and with what signers brought."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from funnel.credited.counting import Counted
from funnel.stats.credit import credit_intervals, markov_removal, rules, shapley
from funnel.stats.laws import binomial_quantile
from funnel.stats.paths import Floats, Paths
from funnel.stats.proportions import Estimate

if TYPE_CHECKING:
    import pandas

CREDITS = ("model", "credited", "credited_low", "credited_high", "share", "downstream", "downstream_share")

# An interval is of so many draws of visitors; of fewer where there are many distinct paths, but never below the least.
DRAWS, FEWEST_DRAWS, ROWS_DRAWN = 1_000, 200, 20_000_000
# Ages make a path of every visitor. For more than so many who converted, time decay is without interval.
MOST_AGED = 50_000


@dataclass(frozen=True)
class Asked:
    """What the models are asked: which of them, the channel that is direct, half-life in days, order, self-loops."""

    models: Sequence[str]
    direct: str
    half_life: float
    order: int
    self_loops: bool


def is_drawn(model: str, counted: Counted) -> bool:
    """Tell whether a model has an interval."""
    return model != "time_decay" or len(counted.aged.lengths) <= MOST_AGED


def credits_of(counted: Counted, by: str, asked: Asked) -> pandas.DataFrame:
    """Return one row a model and channel, and for each model a last one of the conversions without a touch.

    In that row the channel is null. Credits of a model sum to the conversions, downstream too.
    """
    import pandas

    everyone = counted.conversions or math.nan
    nobody, brought_by_nobody = _nobody(counted)
    credited = _credited(counted, asked)
    rows: list[tuple[object, ...]] = []
    for model in asked.models:
        brought = [*_brought(counted, model, asked), brought_by_nobody]
        told = zip([*counted.channels, None], [*credited[model], nobody], brought, strict=True)
        rows += [
            (name, model, each.value, each.low, each.high, each.value / everyone, further, further / everyone)
            for name, each, further in told
        ]
    frame = pandas.DataFrame(rows, columns=[by, *CREDITS])
    frame[by] = pandas.Series([row[0] for row in rows], dtype=object)
    return frame


def _nobody(counted: Counted) -> tuple[Estimate, float]:
    """Return the conversions without a touch, and the signatures in their trees.

    The ends are those that more and more draws of visitors come to: quantiles of the binomial law.
    """
    chance = counted.untouched / counted.visitors
    low, high = (float(binomial_quantile(share, counted.visitors, chance)) for share in (0.025, 0.975))
    brought = math.nan
    if counted.downstream is not None:
        brought = float(counted.downstream[counted.paths.lengths == 0].sum())
    return Estimate(float(counted.untouched), low, high), brought


def _credited(counted: Counted, asked: Asked) -> dict[str, list[Estimate]]:
    """Return by each model the conversions of each channel, with an interval at 95 % over visitors drawn again."""
    tallied = [model for model in asked.models if model != "time_decay"]
    credited = _drawn(counted.paths, tallied, asked) if tallied else {}
    if "time_decay" in asked.models:
        if is_drawn("time_decay", counted):
            everyone = _with_others(counted.aged, counted.visitors - counted.conversions)
            credited |= _drawn(everyone, ["time_decay"], asked)
        else:
            values = _values(counted.aged, "time_decay", asked)
            credited["time_decay"] = [Estimate(value, math.nan, math.nan) for value in values]
    return credited


def _drawn(paths: Paths, models: Sequence[str], asked: Asked) -> dict[str, list[Estimate]]:
    found = credit_intervals(
        paths,
        models=models,
        direct=asked.direct,
        half_life=asked.half_life,
        order=asked.order,
        self_loops=asked.self_loops,
        resamples=min(DRAWS, max(FEWEST_DRAWS, ROWS_DRAWN // len(paths.lengths))),
    )
    return {model: list(channels.values()) for model, channels in found.items()}


def _with_others(aged: Paths, others: int) -> Paths:
    """Return the paths of those who converted, and all who did not in a row more: they are drawn too."""
    return replace(
        aged,
        lengths=np.append(aged.lengths, 0),
        conversions=np.append(aged.conversions, 0.0),
        non_conversions=np.append(aged.non_conversions, float(others)),
    )


def _brought(counted: Counted, model: str, asked: Asked) -> list[float]:
    """Return the signatures in the trees of those each channel brought, shared out by a model as conversions are."""
    if counted.downstream is None or counted.aged_downstream is None:
        return [math.nan] * len(counted.channels)
    if model == "time_decay":
        return _values(_weighing(counted.aged, counted.aged_downstream), model, asked)
    return _values(_weighing(counted.paths, counted.downstream), model, asked)


def _weighing(paths: Paths, conversions: Floats) -> Paths:
    return replace(paths, conversions=conversions)


def _values(paths: Paths, model: str, asked: Asked) -> list[float]:
    if model == "markov":
        credit = markov_removal(paths, order=asked.order, self_loops=asked.self_loops)
    elif model == "shapley":
        credit = shapley(paths)
    else:
        credit = rules(paths, model=model, direct=asked.direct, half_life=asked.half_life)
    return list(credit.values())
