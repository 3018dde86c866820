"""The first sentence of a verdict: what to do."""

from __future__ import annotations

from funnel.language import Language
from funnel.verdicts.decision import FEWEST
from funnel.verdicts.told import Told, amount


def to_do(told: Told, words: Language) -> str:
    """Return what to do, by the decision."""
    values = _names(told, words)
    match told.decision.code:
        case "split broken":
            return words.text("This experiment cannot be read: the split is broken.")
        case "not enough data":
            return _not_enough(told, words, values)
        case "wait":
            return words.text(
                "Do not decide yet: {visitors} of the {planned} planned visitors have had their {window}.",
                visitors=words.number(told.look.visitors),
                planned=words.number(told.found.design.planned),
                **values,
            )
        case "adopt":
            return words.text(
                "Show the variant “{variant}”: “{outcome}” comes to {rate} within {window}, against {base} with"
                " “{control}”.",
                **values,
            )
        case "harmful":
            return words.text(
                "Keep “{control}”: the variant “{variant}” brings more “{outcome}” ({rate} against {base}), but does"
                " harm ({guardrails}).",
                guardrails=words.listing(_guarded(told, words)),
                **values,
            )
        case "not shown safe":
            return words.text(
                "Do not show the variant “{variant}” to everyone yet: it brings more “{outcome}” ({rate} against"
                " {base}), but is not shown safe ({guardrails}).",
                guardrails=words.listing(_guarded(told, words)),
                **values,
            )
        case "keep control":
            if len(told.compared) == 1:
                return words.text(
                    "Keep “{control}”: the variant “{variant}” brings less “{outcome}” within {window}.", **values
                )
            return words.text(
                "Keep “{control}”: every other variant brings less “{outcome}” within {window}.", **values
            )
    return words.text(
        "No variant is shown to bring more “{outcome}” within {window} than “{control}”: keep it, or choose on other"
        " grounds.",
        **values,
    )


def _names(told: Told, words: Language) -> dict[str, str]:
    values = {
        "outcome": words.name(told.primary.label),
        "control": words.name(told.control),
        "window": words.duration(told.primary.window / 1e6),
        "base": amount(told.primary, told.row(told.control)["rate"], words),
    }
    if told.decision.variant is not None:
        values["variant"] = words.name(told.decision.variant)
        values["rate"] = amount(told.primary, told.row(told.decision.variant)["rate"], words)
    return values


def _not_enough(told: Told, words: Language, values: dict[str, str]) -> str:
    visitors = int(told.row(str(told.decision.variant))["visitors"])
    if visitors >= FEWEST:
        return words.text("Not enough data: there is no “{outcome}” in any variant yet.", **values)
    return words.plural(
        "Not enough data: the variant “{variant}” has {n} visitor whose {window} are over.",
        "Not enough data: the variant “{variant}” has {n} visitors whose {window} are over.",
        visitors,
        **values,
    )


def _guarded(told: Told, words: Language) -> list[str]:
    """Return the guardrails of the variant spoken of that its decision rests on, with difference and margin."""
    rows = told.frame[
        (told.frame["role"] == "guardrail")
        & (told.frame["variant"] == told.decision.variant)
        & (told.frame["safety"] == told.decision.code)
    ]
    return [
        words.text(
            "“{outcome}” {difference}, at worst {worst} by the interval, margin {margin}",
            outcome=words.name(row["outcome"]),
            difference=words.points(row["difference"], 2),
            worst=words.points(row["difference_high" if row["margin"] > 0 else "difference_low"], 2),
            margin=words.points(row["margin"], 2),
        )
        for _, row in rows.iterrows()
    ]
