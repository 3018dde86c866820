"""What the value of a key is: each kind is read from what was said, and written in the one way that is canonical."""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import MISSING, dataclass, field, fields
from datetime import datetime, time
from typing import Any

from funnel import shorthand
from funnel.analysis.places import Place
from funnel.definition import Step, as_step, microseconds
from funnel.errors import FunnelError
from funnel.events import instant
from funnel.notation import condition_of, length_of

Spoken = str | int | float | bool | list | dict


@dataclass(frozen=True)
class Kind:
    """How a value is read, and how it is written: reading what was written gives the value again."""

    read: Callable[[Place], Any]
    write: Callable[[Any], Any]


@dataclass(frozen=True)
class Form:
    """What a mapping says: a question, argument by argument.

    `keys` are the arguments it knows and the kind of each; `needs` those that must be there, with an example;
    `always` those that are written even where they are the usual ones, because other arguments decide what is usual.
    `renamed` are arguments whose key has another name.
    """

    question: type[Any]
    what: str
    keys: Mapping[str, Kind]
    needs: Mapping[str, str] = field(default_factory=dict)
    always: Sequence[str] = ()
    renamed: Mapping[str, str] = field(default_factory=dict)

    def read(self, place: Place) -> Any:
        """Return the question that a mapping asks."""
        said = place.known(self.keys, self.what)
        for key, example in self.needs.items():
            if key not in said:
                raise place.refused(f"{self.what.capitalize()} needs `{key}`. Write for example {key}: {example}.")
        given = {self.renamed.get(key, key): self.keys[key].read(each) for key, each in said.items()}
        try:
            return self.question(**given)
        except FunnelError as error:
            # Most sentences begin with the argument they are about: window='soon' is ..., Control 'a' has ...
            about = re.match(r"`?(\w+)", str(error))
            raise said.get(about[1].lower() if about else "", place).told(error) from None

    def write(self, asked: Any) -> dict[str, Spoken]:
        """Return the mapping that says the question, in the order of its keys; what is as usual is left out."""
        usual = {
            each.name: each.default if each.default_factory is MISSING else each.default_factory()
            for each in fields(asked)
        }
        written: dict[str, Spoken] = {}
        for key, kind in self.keys.items():
            argument = self.renamed.get(key, key)
            value, default = getattr(asked, argument), usual[argument]
            if value is None:
                continue
            said = kind.write(value)
            if key in self.always or default is MISSING or default is None or said != kind.write(default):
                written[key] = said
        return written

    @property
    def kind(self) -> Kind:
        """The form as the kind of a value."""
        return Kind(self.read, self.write)


def _text(place: Place) -> str:
    if isinstance(place.value, str):
        return place.value
    if isinstance(place.value, (bool, int, float)):
        kind = "a truth value" if isinstance(place.value, bool) else "a number"
        raise place.refused(f"{place.name} is text, and {place.got} is {kind} here. Write it in quotes: '{place.got}'.")
    raise place.refused(f"{place.name} is text; got {place.got}.")


def _flag(place: Place) -> bool:
    if isinstance(place.value, bool):
        return place.value
    raise place.refused(f"{place.name} is true or false; got {place.got}.")


def _number(place: Place) -> int | float:
    if isinstance(place.value, (int, float)) and not isinstance(place.value, bool) and math.isfinite(place.value):
        return place.value
    raise place.refused(f"{place.name} is a number; got {place.got}.")


def _part(place: Place) -> float:
    """Read a share: 0.005, 0.5 % or 0.5%."""
    if isinstance(place.value, str):
        with place.telling():
            return shorthand.share(place.value, place.name)
    if isinstance(place.value, (int, float)) and not isinstance(place.value, bool):
        return float(place.value)
    raise place.refused(f"{place.name} is a share, as 0.005 or 0.5 %; got {place.got}.")


def _length(place: Place) -> str:
    with place.telling():
        return length(place.value, argument=place.name.strip("`"))


def length(said: Any, *, argument: str) -> str:
    """Return a length of time in the one way it is written: '168 hours' and a timedelta of 7 days are '7 days'."""
    return length_of(microseconds(said, argument=argument))


def _moment(place: Place) -> str:
    with place.telling():
        return moment(place.value, argument=place.name.strip("`"))


def moment(said: Any, *, argument: str) -> str:
    """Return a date or time in the one way it is written: as '2018-01-14', or '2018-01-14 18:30+00:00'."""
    instant(said, "UTC", argument=argument)
    if not isinstance(said, (str, datetime)):
        return str(said.isoformat())
    found = datetime.fromisoformat(said.strip()) if isinstance(said, str) else said
    if found.tzinfo is None and found.time() == time():
        return found.date().isoformat()
    return found.isoformat(" ", "auto" if found.second or found.microsecond else "minutes")


def _names(place: Place) -> tuple[str, ...]:
    return tuple(_text(each) for each in place.items())


def _condition(place: Place) -> str:
    if not isinstance(place.value, (str, Mapping)):
        raise place.refused(
            f"{place.name} is a SQL condition, or columns and their values; got {place.got}."
            " Write for example where: language = 'fr'."
        )
    with place.telling():
        return condition_of(place.value)


def _events(place: Place) -> str | tuple[str, ...]:
    names = _names(place)
    return names[0] if len(names) == 1 else names


def _step(place: Place) -> str | Step:
    if isinstance(place.value, Mapping):
        step = STEP_FORM.read(place)
    else:
        names = _events(place)
        with place.telling():
            step = Step(names)
    return _plainest(step)


def _plainest(step: Step) -> str | Step:
    events = step.events[0] if len(step.events) == 1 else step.events
    plain = Step(events, step.where, step.name, step.optional)
    return events if isinstance(events, str) and plain == Step(events) else plain


def _write_step(given: Any) -> str | list[str] | dict[str, Spoken]:
    step = as_step(given)
    plain = _plainest(step)
    return plain if isinstance(plain, str) else STEP_FORM.write(plain)


def each_of(kind: Kind) -> Kind:
    """Return the kind of a list of such values; a value alone is a list of one."""
    return Kind(
        lambda place: [kind.read(each) for each in place.items()],
        lambda values: [kind.write(each) for each in values],
    )


def _as_it_is(place: Place) -> Any:
    return place.value


TEXT = Kind(_text, str)
FLAG = Kind(_flag, bool)
NUMBER = Kind(_number, lambda value: value)
PART = Kind(_part, float)
LENGTH = Kind(_length, lambda value: length(value, argument="length"))
MOMENT = Kind(_moment, lambda value: moment(value, argument="moment"))
NAMES = Kind(_names, list)
EVENTS = Kind(_events, lambda value: value if isinstance(value, str) else list(value))
CONDITION = Kind(_condition, lambda where: where if isinstance(where, str) else condition_of(where))
PLAIN = Kind(_as_it_is, lambda value: value)
STEP = Kind(_step, _write_step)
STEPS = each_of(STEP)
STEP_FORM = Form(
    Step,
    "a step",
    {"event": EVENTS, "where": CONDITION, "name": TEXT, "optional": FLAG},
    needs={"event": "sign"},
)
