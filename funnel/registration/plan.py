"""The plan of an experiment: who is compared, on what, how often it is looked at, and what it will be able to find."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from funnel.comparisons.looking import ALPHA
from funnel.definition import as_step
from funnel.errors import DefinitionError

if TYPE_CHECKING:
    from funnel.experiments import Experiment
    from funnel.language import Language

POWER = 0.8
# Shares of successes of the control, for which the smallest difference is told: which one it is, only data will tell.
BASELINES = (0.01, 0.02, 0.05, 0.1, 0.2, 0.3, 0.5)
_DIGITS = 4


def plan_of(experiment: Experiment, words: Language) -> tuple[dict[str, Any], list[str]]:
    """Return the plan of an experiment as it is registered, and in words.

    `smallest_differences` are those that the planned visitors find with a power of 80%, in shares to four decimals, for
    several shares of the control; null where nothing is planned, or the primary outcome is no share. Without planned
    shares, two variants are supposed.
    """
    found = _smallest(experiment)
    plan = {
        "experiment": experiment.name,
        "primary": experiment.primary.label,
        "window_seconds": experiment.window_us // 1_000_000,
        "guardrails": [
            {"event": each.label, "margin": each.margin, "worse": each.worse} for each in experiment.guardrails
        ],
        "looks": experiment.looks,
        "planned": experiment.planned,
        "alpha": ALPHA,
        "power": POWER,
        "smallest_differences": found,
    }
    return plan, list(_told(experiment, found, words))


def _smallest(experiment: Experiment) -> list[dict[str, float]] | None:
    if experiment.planned is None or experiment.measures[0].kind != "share":
        return None
    return [
        {"baseline": baseline, "difference": round(difference, _DIGITS)}
        for baseline in BASELINES
        if (difference := _difference(experiment, baseline)) is not None
    ]


def _difference(experiment: Experiment, baseline: float) -> float | None:
    """Return the smallest rise above a share that the planned visitors find, None where they find none."""
    from funnel.stats.planning import minimum_detectable_effect

    shares = [share for share in (experiment.shares or {}).values() if share] or [0.5, 0.5]
    control = experiment.shares[experiment.control] if experiment.shares else shares[0]
    treated = sorted(shares)
    treated.remove(control)
    if not treated or experiment.planned is None:
        return None
    n = experiment.planned * treated[0] / _factor(experiment, baseline, len(shares))
    try:
        found = minimum_detectable_effect(
            baseline, n=n, variants=len(shares), power=POWER, alpha=ALPHA, ratio=treated[0] / control
        )
    except DefinitionError:
        return None
    return found.difference


def _factor(experiment: Experiment, baseline: float, variants: int) -> float:
    """Return how many times the visitors it takes to look so often; that does not hang on the difference."""
    from funnel.stats.planning import required_visitors

    if experiment.looks == "fixed":
        return 1.0
    rules: dict[str, Any] = {"variants": variants, "power": POWER, "alpha": ALPHA}
    slight = baseline / 100
    often = required_visitors(baseline, difference=slight, looks=experiment.looks, **rules)
    return often.total / required_visitors(baseline, difference=slight, looks="fixed", **rules).total


def _told(experiment: Experiment, found: list[dict[str, float]] | None, words: Language) -> Any:
    yield words.text(
        "Experiment “{name}”: “{primary}” decides, within {window} of “{exposure}”, each variant against “{control}”;"
        " two-sided at {alpha}.",
        name=words.name(experiment.name),
        primary=words.name(experiment.primary.label),
        window=words.duration(experiment.window_us / 1e6),
        exposure=words.name(as_step(experiment.exposure).label),
        control=words.name(experiment.control),
        alpha=words.percent(ALPHA, 0),
    )
    if experiment.looks == "fixed":
        yield words.text("It is looked at once, at the planned end.")
    elif experiment.looks == "anytime":
        yield words.text("It may be looked at as often as one likes (confidence sequence).")
    else:
        yield words.text("It is looked at {n} times, as planned (O’Brien-Fleming).", n=words.number(experiment.looks))
    for guardrail in experiment.guardrails:
        yield words.text(
            "“{event}” must not get worse by {margin}.",
            event=words.name(guardrail.label),
            margin=words.points(guardrail.margin, 2).lstrip("+"),
        )
    if experiment.planned is None:
        yield words.text("No number of visitors is planned, so what it will find cannot be told.")
        return
    yield words.plural(
        "{n} visitor of all variants is planned.", "{n} visitors of all variants are planned.", experiment.planned
    )
    if found and experiment.shares is None:
        yield words.text("Two variants of equal size are supposed, for no shares are planned.")
    for each in found or ():
        yield words.text(
            "Where the control has {baseline}, a rise of {difference} is found with a power of {power}.",
            baseline=words.percent(each["baseline"], 0),
            difference=words.points(each["difference"], 2).lstrip("+"),
            power=words.percent(POWER, 0),
        )
