"""What the plain arguments of an analysis may be: columns, sections, a language, a number of people."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from funnel.analysis.kinds import length
from funnel.definition import column_names
from funnel.errors import DefinitionError, did_you_mean, listed
from funnel.experiments import Experiment
from funnel.funnels import Funnel
from funnel.language import language as language_of

SECTIONS = (
    "funnel",
    "by",
    "changes",
    "follow-ups",
    "experiments",
    "forgone",
    "referrals",
    "relays",
    "mentions",
    "attribution",
    "ladder",
    "days",
    "counting",
    "definition",
    "quality",
    "privacy",
)
# Fewer than five are hidden everywhere: whoever knows four of five people in a cell knows the fifth.
FEWEST = 5
USUAL_LEAST = 10


def wrong(argument: str, wanted: str, got: object) -> DefinitionError:
    """Return the error about an argument of another type."""
    return DefinitionError(f"`{argument}` takes {wanted}; got {type(got).__name__}.")


def checked_by(funnel: Funnel, by: object) -> tuple[str, ...] | None:
    """Return the columns to break down by: the analysis' own, else the funnel's; refuse two that differ."""
    own = None if by is None else column_names(by)
    if funnel.by and own is not None and own != tuple(funnel.by):
        raise DefinitionError(
            f"The funnel is broken down by {listed(funnel.by)}, and the analysis by {listed(own)}. Say it once."
        )
    return own if own is not None else tuple(funnel.by) or None


def checked_experiments(given: object) -> Sequence[Experiment]:
    """Return the experiments; refuse what is none, and one that is there twice."""
    every: Sequence[Any] = given if isinstance(given, Sequence) and not isinstance(given, str) else [given]
    for each in every:
        if not isinstance(each, Experiment):
            raise wrong(
                "experiments",
                "a list of experiments, as [funnel.Experiment('thanks_page', control='thanks_only',"
                " primary=funnel.Conversion('share'))]",
                each,
            )
    names = [each.name for each in every]
    twice = [name for place, name in enumerate(names) if name in names[:place]]
    if twice:
        raise DefinitionError(
            f"Experiment '{twice[0]}' is there twice. Ask each once; further outcomes, each with a window of its own if"
            " need be, are secondary or exploratory."
        )
    return every


def _title(title: object) -> str | None:
    if title is not None and not (isinstance(title, str) and title.strip()):
        raise DefinitionError(f"title={title!r} is no heading. Give words, or leave it out.")
    return title


def _language(code: object) -> str:
    return language_of(str(code)).code


def _sections(given: object) -> tuple[str, ...] | None:
    if given is None:
        return None
    if isinstance(given, str) or not isinstance(given, Sequence):
        raise DefinitionError(
            f"`sections` takes a list of sections; got {given!r}. Known: {listed(SECTIONS, most=len(SECTIONS))}."
        )
    if not given:
        raise DefinitionError("`sections` is empty, so there is nothing to tell. Name one, or leave it out for all.")
    for place, name in enumerate(given):
        if name not in SECTIONS:
            raise DefinitionError(
                f"No section is named {name!r}. {did_you_mean(str(name), SECTIONS)}Known:"
                f" {listed(SECTIONS, most=len(SECTIONS))}."
            )
        if name in given[:place]:
            raise DefinitionError(f"Section '{name}' is there twice. Name each once.")
    return tuple(given)


def checked_least(given: object, argument: str = "least") -> int:
    """Return the fewest people that are shown; refuse a number so small that it hides nobody."""
    if not isinstance(given, int) or isinstance(given, bool):
        raise DefinitionError(f"{argument}={given!r} is no number of people. Give {FEWEST} or more; 10 is usual.")
    if given < FEWEST:
        raise DefinitionError(
            f"{argument}={given} would show counts by which people can be told apart. Give {FEWEST} or more; 10 is"
            " usual."
        )
    return given


def _period(given: Any) -> str:
    return length(given, argument="period")


CHECKS: Mapping[str, Callable[[Any], Any]] = {
    "title": _title,
    "language": _language,
    "period": _period,
    "sections": _sections,
}
