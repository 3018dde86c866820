"""What a report asks unless it is told: the experiments that the events hold, and the ladder of a funnel."""

from __future__ import annotations

from typing import TYPE_CHECKING

from funnel.climbing import Friend, Rung
from funnel.experiments import Experiment
from funnel.ladder import Ladder
from funnel.outcomes import Conversion, Guardrail, Referred
from funnel.stages import required_labels
from funnel.statements import column, sql, statement, text

if TYPE_CHECKING:
    from funnel.events import Events
    from funnel.funnels import Funnel

USUAL_CONTROL, USUAL_EXPOSURE = "thanks_only", "thanks_shown"
USUAL_MARGIN = 0.005
SHARED = "share"


def shown(
    events: Events, *, exposure: str = USUAL_EXPOSURE, variant: str = "variant"
) -> dict[str | None, dict[str, int]]:
    """Return the exposures of each variant, by experiment, most first; None stands for all where none names one.

    Exposures that name no variant, or no experiment where others do, are in none. Empty where the events have no such
    column or no such event.
    """
    if variant not in events.columns or exposure not in events.names:
        return {}
    is_named = "experiment" in events.columns
    query = statement(
        """
        /* one row an experiment and variant */
        select
            cast(_experiment as varchar) as experiment,
            cast(_variant as varchar) as variant,
            count(*) as exposures
        from _events as events
        where cast(events.event as varchar) = _exposure and _variant is not null
        group by all
        order by exposures desc, experiment, variant
        """,
        events=events.name,
        experiment=column("experiment", of="events") if is_named else statement("select null").expressions[0],
        variant=column(variant, of="events"),
        exposure=text(exposure),
    )
    found: dict[str | None, dict[str, int]] = {}
    for experiment, name, exposures in events.connection.execute(sql(query)).fetchall():
        found.setdefault(experiment, {})[name] = exposures
    return {name: variants for name, variants in found.items() if name is not None} or found


def usual_experiments(events: Events) -> list[Experiment]:
    """Return what one would ask of the variants in these events, an experiment each.

    Against `thanks_only`, where that is one of several variants: shares first, then clicks to the partner and
    signatures brought, unsubscribing as guardrail (half a point), and whether devices differ, as far as there are such
    events and columns.
    """
    secondary = [Conversion("partner_click")] if "partner_click" in events.names else []
    brought = [Referred("sign")] if events.has_referrals else []
    return [
        Experiment(
            name or USUAL_EXPOSURE,
            control=USUAL_CONTROL,
            primary=Conversion("share"),
            secondary=[*secondary, *brought],
            guardrails=[Guardrail("unsubscribe", USUAL_MARGIN)] if "unsubscribe" in events.names else [],
            segments=["device"] if "device" in events.columns else [],
        )
        for name, variants in shown(events).items()
        if USUAL_CONTROL in variants and len(variants) > 1
    ]


def usual_ladder(events: Events, funnel: Funnel) -> Ladder | None:
    """Return the ladder whose rungs are the funnel's steps, then what follows them; None without follow-ups.

    Whoever brings a friend stands above whoever shares, where the events say who brought whom.
    """
    if not funnel.follow_up_labels:
        return None
    steps = [step for step in funnel.every_step if step.label in required_labels(funnel)]
    rungs: list[str | Rung] = [*steps]
    for follow_up in funnel.every_follow_up:
        rungs.append(follow_up)
        if follow_up.label == SHARED and events.has_referrals:
            rungs.append(Friend(of=steps[-1]))
    return Ladder(rungs)
