"""What is said in one word, on the command line and in a file: shares, outcomes, looks, discounts.

    share                     whether a visitor did it
    count:share               how many times, per visitor
    referred:sign             how many did it through a visitor's links
    ratio:share/visit         events per event
    value:amount              the sum of a column, per visitor; value:amount/donate of some events

`@14d` after any of them is a window of its own. `conversion:` says that what follows is a name, whatever is in it.

What was said in full, and where, is the argument `within` of what reads it: for the sentence that refuses it.
"""

from __future__ import annotations

import math
import re
from decimal import Decimal, InvalidOperation

from funnel.errors import DefinitionError, did_you_mean, listed
from funnel.outcomes import Conversion, Count, Guardrail, Outcome, Ratio, Referred, Value

EXAMPLES = {
    "conversion": "conversion:share",
    "count": "count:share",
    "referred": "referred:sign",
    "ratio": "ratio:share/visit",
    "value": "value:amount",
}


def share(said: str, within: str) -> float:
    """Return the number that 0.12, 12% or 12 % means; whether it makes sense is for whoever uses it to say."""
    written = said.strip()
    try:
        number = Decimal(written.removesuffix("%").strip()) / (100 if written.endswith("%") else 1)
    except InvalidOperation:
        number = Decimal("nan")
    if not math.isfinite(number):
        raise DefinitionError(f"'{said}' in {within} is no number. Write 0.12, or 12%.")
    return float(number)


def looks_of(said: str) -> str | int:
    """Return "fixed", "anytime", or the number of planned looks."""
    return int(said) if re.fullmatch(r"\s*\d{1,9}\s*", said) else said.strip()


def discount(said: str, within: str) -> str | float:
    """Return "all", "none", or the part of its weight that a signature keeps with each generation."""
    return share(said, within) if re.match(r"\s*[-+.\d]", said) else said.strip()


def outcome(said: str, within: str) -> Outcome:
    """Return the outcome that a word means; see the top of the module.

    >>> outcome("count:share@14 days", "'count:share@14 days'")
    Count(event='share', window='14 days')
    """
    asked, window = windowed(said)
    kind, colon, what = asked.partition(":")
    if not colon:
        return Conversion(asked, window)
    if kind not in EXAMPLES:
        raise DefinitionError(
            f"No kind of outcome is named '{kind}' in {within}. {did_you_mean(kind, EXAMPLES)}Known:"
            f" {listed(EXAMPLES)}. If that is an event's whole name, write conversion:{said}."
        )
    if not what.strip():
        raise DefinitionError(f"{within} names nothing to count. Write {EXAMPLES[kind]}.")
    match kind:
        case "count":
            return Count(what, window)
        case "referred":
            return Referred(what, window)
        case "ratio":
            return _ratio(what, window, within)
        case "value":
            column, slash, event = what.partition("/")
            return Value(column, event if slash else None, window)
    return Conversion(what, window)


def _ratio(said: str, window: str | None, within: str) -> Outcome:
    parts = said.split("/")
    if len(parts) != 2 or not all(part.strip() for part in parts):
        raise DefinitionError(f"{within} is no ratio of one event to another. Write {EXAMPLES['ratio']}.")
    return Ratio(parts[0], parts[1], window)


def outcome_word(asked: Outcome) -> str | None:
    """Return the word that `outcome` reads as this outcome; None where no word says it.

    None says a Step with a condition, or a name in which the word's own signs are. Windows are as they are written.

    >>> outcome_word(Value("amount", "donate", window="14 days"))
    'value:amount/donate@14 days'
    """
    word = _plain_word(asked)
    if word is None:
        return None
    window = "" if asked.window is None else f"@{asked.window}"
    for each in (word + window, f"conversion:{word}{window}"):
        try:
            if outcome(each, each) == asked:
                return each
        except DefinitionError:
            pass
    return None


def _plain_word(asked: Outcome) -> str | None:
    match asked:
        case Conversion(str(event)):
            return event
        case Count(str(event)):
            return f"count:{event}"
        case Referred(str(event), _, None):
            return f"referred:{event}"
        case Ratio(str(numerator), str(denominator)):
            return f"ratio:{numerator}/{denominator}"
        case Value(str(column), None):
            return f"value:{column}"
        case Value(str(column), str(event)):
            return f"value:{column}/{event}"
    return None


def guardrail(said: str, bearable: float) -> Guardrail:
    """Return the guardrail of an event, its window after @ if it has one; below 0, less of it is worse.

    >>> guardrail("donate@14d", -0.005)
    Guardrail(event='donate', margin=0.005, worse='lower', window='14d')
    """
    event, window = windowed(said)
    return Guardrail(event, abs(bearable), "higher" if bearable > 0 else "lower", window)


def windowed(said: str) -> tuple[str, str | None]:
    """Split off a window of its own: share@14d. Only what begins with a number after the last @ is one."""
    found = re.fullmatch(r"(.+)@\s*([-+]?\d.*)", said)
    return (found[1], found[2]) if found else (said, None)
