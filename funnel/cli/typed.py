"""What is typed after an option: lists of names, of outcomes, of shares, and guardrails.

Each word in a list is read as `funnel.shorthand` says: count:share@14d, 12%.
"""

import csv

import typer

from funnel import shorthand
from funnel.errors import DefinitionError
from funnel.outcomes import Guardrail, Outcome


def given_options(context: typer.Context) -> set[str]:
    """Return the names of the arguments and options that were typed; the others are at their defaults."""
    sources = {name: context.get_parameter_source(name) for name in context.params}
    return {name for name, source in sources.items() if source is not None and source.name != "DEFAULT"}


def names(typed: str | None) -> list[str]:
    """Split at commas; a name that holds one goes in double quotes."""
    if not typed:
        return []
    return [name.strip() for name in next(csv.reader([typed], skipinitialspace=True)) if name.strip()]


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
        planned[variant] = shorthand.share(number, f"--shares {typed}")
    return planned


def outcomes(typed: str | None, option: str) -> list[Outcome]:
    """Return the outcomes in a list separated by commas."""
    return [outcome(each, option) for each in names(typed)]


def outcome(typed: str, option: str) -> Outcome:
    """Return the outcome that a word after an option means."""
    return shorthand.outcome(typed, f"{option} {typed}")


def guardrail(typed: str) -> Guardrail:
    """Return the guardrail that unsubscribe=0.005 means; a margin below 0 says that less is worse."""
    asked, equals, margin = typed.rpartition("=")
    if not (equals and shorthand.windowed(asked)[0].strip()):
        raise DefinitionError(
            f"--guardrail {typed} has no margin. Give how much worse is still bearable: --guardrail unsubscribe=0.005"
            " (half a percentage point more), or donate=-0.005 where less is worse."
        )
    bearable = shorthand.share(margin, f"--guardrail {typed}")
    if not 0 < abs(bearable) < 1:
        raise DefinitionError(
            f"The margin in --guardrail {typed} is no share between 0 and 1. Half a percentage point is"
            f" {asked}=0.005, or {asked}=0.5%."
        )
    return shorthand.guardrail(asked, bearable)
