"""What to keep in mind about a funnel's answer."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from funnel.definition import Definition
from funnel.events import Events
from funnel.journey_table import JourneyTable
from funnel.language import Language
from funnel.stages import required_labels

if TYPE_CHECKING:
    import pandas

    from funnel.results import Saying


def remarks(table: JourneyTable, whole: pandas.DataFrame) -> tuple[Saying, ...]:
    """Return what to keep in mind about a funnel's answer."""
    return tuple(_remarks(table, whole))


def _remarks(table: JourneyTable, whole: pandas.DataFrame) -> list[Saying]:
    events, definition = table.events, table.definition
    said: list[Saying] = [partial(complete_to, events)]
    if definition.entry == "each":
        said.append(lambda words: words.text("Counts are of attempts, not of visitors: one visitor may have several."))
    if definition.order != "any":
        said.append(lambda words: _tie_sensitive(table, words))
    if table.dropped:
        said.append(
            lambda words: words.plural(
                "{n} visitor is left out by an exclusion.", "{n} visitors are left out by an exclusion.", table.dropped
            )
        )
    if table.orphans:
        said.append(lambda words: _orphans(table, words))
    said.extend(partial(_shared, definition, *each) for each in table.shared)
    refused = sum(events.refused.values())
    if refused:
        said.append(
            lambda words: words.plural(
                "{n} row of the source could not be used and was set aside: {reasons}.",
                "{n} rows of the source could not be used and were set aside: {reasons}.",
                refused,
                reasons=words.listing(
                    [f"{words.name(reason)} ({words.number(rows)})" for reason, rows in events.refused.items() if rows]
                ),
            )
        )
    if _is_outside_bounds(whole):
        said.append(
            lambda words: words.text(
                "Recent entries convert otherwise than earlier ones: the rate of those whose time is up lies outside"
                " what is possible for all. Read the curves, which take those who are pending into account."
            )
        )
    return said


def _tie_sensitive(table: JourneyTable, words: Language) -> str:
    if not table.tie_sensitive:
        return words.text("Nobody’s depth depends on how events at the same instant are read.")
    return words.plural(
        "For {n} visitor the depth depends on how events at the same instant are read.",
        "For {n} visitors the depth depends on how events at the same instant are read.",
        table.tie_sensitive,
    )


def complete_to(events: Events, words: Language) -> str:
    """Return the instant the data is complete to, and that it is the last event's where no other was given."""
    moment = words.moment(events.cutoff, events.timezone)
    if events.cutoff_is_default:
        return words.text(
            "The data is taken to be complete to {moment}, its last event; no cutoff was given.", moment=moment
        )
    return words.text("The data is complete to {moment}.", moment=moment)


def _orphans(table: JourneyTable, words: Language) -> str:
    labels = required_labels(table.definition)
    return words.plural(
        "{n} visitor has “{second}” but never “{first}”, and is not in the funnel.",
        "{n} visitors have “{second}” but never “{first}”, and are not in the funnel.",
        table.orphans,
        first=words.name(labels[0]),
        second=words.name(labels[1]),
    )


def _shared(definition: Definition, one: int, other: int, events: int, words: Language) -> str:
    return words.plural(
        "{n} event fits both “{one}” and “{other}”; in one attempt it counts as one of them only.",
        "{n} events fit both “{one}” and “{other}”; in one attempt each counts as one of them only.",
        events,
        one=words.name(definition.labels[one]),
        other=words.name(definition.labels[other]),
    )


def _is_outside_bounds(whole: pandas.DataFrame) -> bool:
    steps = whole[(whole["kind"] == "step") & whole["after"].notna()]
    if steps.empty:
        return False
    last = steps.iloc[-1]
    return (
        not last["overall_bound_low"] <= last["overall_rate"] <= last["overall_bound_high"]
        and not last.isna()["overall_rate"]
    )
