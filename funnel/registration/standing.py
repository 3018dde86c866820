"""How the questions of an analysis stand to what was registered: as registered, changed, not registered, not asked."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

from funnel.registration.changes import Change, changes

if TYPE_CHECKING:
    from funnel.analysis import Analysis
    from funnel.registration.registering import Registration

Stands = Literal["registered", "changed", "not registered", "left open", "not asked"]

# Questions by their key in campaign.yml, and the section of a report that answers them; those without one always count.
QUESTIONS: Mapping[str, str | None] = {
    "funnel": None,
    "by": "by",
    "experiments": "experiments",
    "referrals": "referrals",
    "relays": "relays",
    "mentions": "mentions",
    "attribution": "attribution",
    "ladder": "ladder",
    "data": None,
    "period": None,
}
# No questions, but what hangs on them is another number: told where they differ.
_RULES = ("data", "period")


@dataclass(frozen=True)
class Standing:
    """One question: its key (and the name of an experiment), how it stands, and what differs from the registration.

    "left open": neither says it, so it is asked as one usually would, where the events allow.
    """

    key: str
    name: str
    stands: Stands
    differs: tuple[Change, ...] = ()


def standings(analysis: Analysis, registration: Registration | None) -> tuple[Standing, ...]:
    """Return how each question stands; without a registration, none is registered."""
    registered = dict(registration.definitions) if registration else {}
    return tuple(_standings(analysis, registered))


def _standings(analysis: Analysis, registered: Mapping[str, Any]) -> Iterator[Standing]:
    asked, told = analysis.counted(), analysis.sections
    for key, section in QUESTIONS.items():
        is_told = section is None or told is None or section in told
        if key == "experiments":
            yield from _experiments(registered.get(key), asked.get(key), is_told)
        elif key in _RULES:
            before, after = registered.get(key), asked.get(key)
            if registered and before != after:
                yield Standing(key, "", "changed", tuple(changes(before or {}, after or {})))
        elif key in registered or key in asked:
            yield _standing(key, "", registered.get(key), asked.get(key) if is_told else None)
        elif is_told:
            yield Standing(key, "", "left open")


def _experiments(registered: Any, asked: Any, is_told: bool) -> Iterator[Standing]:
    if registered is None and asked is None:
        if is_told:
            yield Standing("experiments", "", "left open")
        return
    before, after = ({each["name"]: each for each in side or ()} for side in (registered, asked if is_told else None))
    for name in dict.fromkeys((*before, *after)):
        yield _standing("experiments", name, before.get(name), after.get(name))


def _standing(key: str, name: str, registered: Any, asked: Any) -> Standing:
    if registered == asked:
        return Standing(key, name, "registered")
    if asked is None:
        return Standing(key, name, "not asked")
    if registered is None:
        return Standing(key, name, "not registered")
    return Standing(key, name, "changed", tuple(changes(registered, asked)))
