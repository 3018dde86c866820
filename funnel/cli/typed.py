"""What is typed in one word: names, shares, outcomes and guardrails.

    share                     whether a visitor did it
    count:share               how many times, per visitor
    referred:sign             how many did it through a visitor's links
    ratio:share/visit         events per event
    value:amount              the sum of a column, per visitor; value:amount/donate of some events

`@14d` after any of them is a window of its own. `conversion:` says that what follows is a name, whatever is in it.
"""

from __future__ import annotations

import csv
import math
import re
from decimal import Decimal, InvalidOperation
from typing import TYPE_CHECKING

from funnel.errors import DefinitionError, did_you_mean, listed

if TYPE_CHECKING:
    from funnel.outcomes import Guardrail, Outcome

KINDS = ("conversion", "count", "referred", "ratio", "value")


def names(typed: str | None) -> list[str]:
    """Split at commas; a name that holds one goes in double quotes."""
    if not typed:
        return []
    return [name.strip() for name in next(csv.reader([typed], skipinitialspace=True)) if name.strip()]


def share(typed: str, within: str) -> float:
    """Return the number that 0.12, 12% or 12 % means; whether it makes sense is for whoever uses it to say.

    `within` is all that was typed, for the sentence that refuses it.
    """
    written = typed.strip()
    try:
        number = Decimal(written.removesuffix("%").strip()) / (100 if written.endswith("%") else 1)
    except InvalidOperation:
        number = Decimal("nan")
    if not math.isfinite(number):
        raise DefinitionError(f"'{typed}' in {within} is no number. Write 0.12, or 12%.")
    return float(number)


def shares_of(typed: str | None) -> dict[str, float] | None:
    """Return the planned share of each variant, from thanks_only=0.5,share=50%."""
    if typed is None:
        return None
    planned: dict[str, float] = {}
    for each in names(typed):
        variant, equals, number = each.rpartition("=")
        if not equals or variant in planned:
            what = "is there twice" if equals else "has no share"
            raise DefinitionError(
                f"In --shares, '{variant or each}' {what}. Give each variant its own:"
                " --shares thanks_only=0.5,share=0.5."
            )
        planned[variant] = share(number, f"--shares {typed}")
    return planned


def looks_of(typed: str) -> str | int:
    """Return "fixed", "anytime", or the number of planned looks."""
    return int(typed) if re.fullmatch(r"\s*\d{1,9}\s*", typed) else typed.strip()


def discount(typed: str) -> str | float:
    """Return "all", "none", or the part of its weight that a signature keeps with each generation."""
    return share(typed, f"--downstream {typed}") if re.match(r"\s*[-+.\d]", typed) else typed.strip()


def outcomes(typed: str | None, option: str) -> list[Outcome]:
    """Return the outcomes in a list separated by commas."""
    return [outcome(each, option) for each in names(typed)]


def outcome(typed: str, option: str) -> Outcome:
    """Return the outcome that a word means; see the top of the module."""
    from funnel.outcomes import Conversion, Count, Referred, Value

    asked, window = _windowed(typed)
    kind, colon, what = asked.partition(":")
    if not colon:
        return Conversion(asked, window)
    if kind not in KINDS:
        raise DefinitionError(
            f"No kind of outcome is named '{kind}' in {option} {typed}. {did_you_mean(kind, KINDS)}Known:"
            f" {listed(KINDS)}. If that is an event's whole name, write conversion:{typed}."
        )
    if not what.strip():
        raise DefinitionError(f"{option} {typed} names nothing to count. Write {_example(kind)}.")
    match kind:
        case "count":
            return Count(what, window)
        case "referred":
            return Referred(what, window)
        case "ratio":
            return _ratio(what, window, f"{option} {typed}")
        case "value":
            column, slash, event = what.partition("/")
            return Value(column, event if slash else None, window)
    return Conversion(what, window)


def _ratio(typed: str, window: str | None, option: str) -> Outcome:
    from funnel.outcomes import Ratio

    parts = typed.split("/")
    if len(parts) != 2 or not all(part.strip() for part in parts):
        raise DefinitionError(f"{option} is no ratio of one event to another. Write {_example('ratio')}.")
    return Ratio(parts[0], parts[1], window)


def _example(kind: str) -> str:
    return {
        "conversion": "conversion:share",
        "count": "count:share",
        "referred": "referred:sign",
        "ratio": "ratio:share/visit",
        "value": "value:amount",
    }[kind]


def guardrail(typed: str) -> Guardrail:
    """Return the guardrail that unsubscribe=0.005 means; a margin below 0 says that less is worse."""
    from funnel.outcomes import Guardrail

    asked, equals, margin = typed.rpartition("=")
    event, window = _windowed(asked)
    if not (equals and event.strip()):
        raise DefinitionError(
            f"--guardrail {typed} has no margin. Give how much worse is still bearable: --guardrail unsubscribe=0.005"
            " (half a percentage point more), or donate=-0.005 where less is worse."
        )
    bearable = share(margin, f"--guardrail {typed}")
    if not 0 < abs(bearable) < 1:
        raise DefinitionError(
            f"The margin in --guardrail {typed} is no share between 0 and 1. Half a percentage point is"
            f" {asked}=0.005, or {asked}=0.5%."
        )
    return Guardrail(event, abs(bearable), "higher" if bearable > 0 else "lower", window)


def _windowed(typed: str) -> tuple[str, str | None]:
    """Split off a window of its own: share@14d. Only what begins with a number after the last @ is one."""
    found = re.fullmatch(r"(.+)@\s*([-+]?\d.*)", typed)
    return (found[1], found[2]) if found else (typed, None)
