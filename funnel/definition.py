"""What a funnel is: its steps, what may not happen between them, and the rules that decide what counts.

A definition holds no data and touches none. Everything that can be wrong without looking at events is refused here.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta

from funnel.errors import DefinitionError, did_you_mean, listed

type_of_where = str | Mapping[str, object] | None

UNITS = {
    "second": 1_000_000,
    "minute": 60_000_000,
    "hour": 3_600_000_000,
    "day": 86_400_000_000,
    "week": 604_800_000_000,
}
SHORT_UNITS = {
    "s": "second",
    "sec": "second",
    "secs": "second",
    "m": "minute",
    "min": "minute",
    "mins": "minute",
    "h": "hour",
    "hr": "hour",
    "hrs": "hour",
    "d": "day",
    "w": "week",
}
LONGEST = 100 * 366 * UNITS["day"]
MOST_STEPS = 40


def microseconds(duration: str | timedelta, *, argument: str) -> int:
    """Return a length of elapsed time in microseconds, from `"7 days"`, `"90 min"`, `"7d"` or a timedelta.

    A day is always 86,400 seconds: windows are elapsed time, so a change of clocks never shortens or lengthens one.
    Months and years have no fixed length and are refused, as is anything not longer than zero.

    >>> microseconds("1.5 hours", argument="window")
    5400000000
    """
    span = duration if isinstance(duration, timedelta) else None
    length = _parsed(duration, argument) if span is None else span // timedelta(microseconds=1)
    if length <= 0:
        raise DefinitionError(f"{argument}={_shown(duration)} is not longer than zero. Give for example '7 days'.")
    if length > LONGEST:
        raise DefinitionError(f"{argument}={_shown(duration)} is longer than a century. Give for example '7 days'.")
    return length


def _parsed(duration: object, argument: str) -> int:
    match = isinstance(duration, str) and re.fullmatch(r"\s*([-+]?\d+(?:\.\d+)?)\s*([^\W\d_]+)\s*", duration)
    if not match:
        raise DefinitionError(
            f"{argument}={duration!r} is not a length of time."
            " Give a number and a unit, for example '7 days' or '90 minutes'."
        )
    number, word = float(match[1]), match[2].lower()
    unit = SHORT_UNITS.get(word, word.removesuffix("s"))
    if unit not in UNITS:
        known = [f"{each}s" for each in UNITS]
        if unit in ("month", "year"):
            raise DefinitionError(
                f"{argument}={duration!r}: a {unit} has no fixed length. Give days, for example '30 days'."
            )
        raise DefinitionError(
            f"Unknown unit '{match[2]}' in {argument}={duration!r}. {did_you_mean(word, known)}Known: {listed(known)}."
        )
    return round(min(number * UNITS[unit], 2.0 * LONGEST))


def _shown(duration: str | timedelta) -> str:
    return repr(duration) if isinstance(duration, str) else f"'{duration}'"


@dataclass(frozen=True)
class Step:
    """One stage of a funnel: the events that fill it, and what they must satisfy.

    `event` is the name of an event, or several names of which any will do. `where` narrows them: a SQL condition
    (`"language = 'fr'"`) or `{"column": value}` or `{"column": [values]}`. `name` is what results call the step; it is
    the event's name unless given. An `optional` step never filters and never opens or closes a window: it is looked
    for between the required steps on either side of it.
    """

    event: str | Sequence[str]
    where: type_of_where = None
    name: str | None = None
    optional: bool = False

    def __post_init__(self) -> None:
        if not self.events or not all(isinstance(each, str) and each for each in self.events):
            raise DefinitionError(
                f"A step needs the name of an event, or several; got {self.event!r}. Give for example Step('sign')."
            )
        if not isinstance(self.event, str):
            object.__setattr__(self, "event", self.events)
        if self.name is not None and not (isinstance(self.name, str) and self.name.strip()):
            raise DefinitionError(f"A step's name is words; got {self.name!r}. Leave it out to use the event's name.")
        if self.where is not None and not isinstance(self.where, (str, Mapping)):
            raise DefinitionError(
                f"A step's `where` is a SQL condition or a mapping of columns to values; got {self.where!r}."
                " Give for example where=\"language = 'fr'\"."
            )

    @property
    def events(self) -> tuple[str, ...]:
        """The names of the events that fill the step."""
        if isinstance(self.event, str):
            return (self.event,)
        return tuple(self.event) if isinstance(self.event, Sequence) else ()

    @property
    def label(self) -> str:
        """What results call the step."""
        return self.name or " or ".join(self.events)


@dataclass(frozen=True)
class Exclusion:
    """An event that must not happen strictly between two steps (at the same instant as either, it may).

    `after` and `before` are names of required steps: the first and the last unless given. Policies:
    `stop` - the attempt ends before the event and stays in every denominator;
    `drop_attempt` - the attempt is left out, the visitor's others are kept;
    `drop_visitor` - the visitor is left out (after an experiment's exposure that selects on the outcome).
    """

    event: str | Sequence[str]
    after: str | None = None
    before: str | None = None
    policy: str = "stop"
    where: type_of_where = None

    def __post_init__(self) -> None:
        one_of(self.policy, ("stop", "drop_attempt", "drop_visitor"), "policy")
        # The names and the condition obey the rules of a step.
        object.__setattr__(self, "event", self.step.event)

    @property
    def step(self) -> Step:
        """The events that exclude, as a step."""
        return Step(self.event, self.where)


@dataclass(frozen=True)
class Definition:
    """The steps and rules of a funnel, checked: see `funnel.Funnel` for what each means."""

    steps: Sequence[str | Step]
    follow_ups: Sequence[str | Step] = ()
    window: str | timedelta = "7 days"
    follow_up_window: str | timedelta = "3 days"
    order: str = "ordered"
    entry: str = "any"
    ties: str = "forward"
    exclude: Sequence[Exclusion] = ()
    labels: tuple[str, ...] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        steps = _steps(self.steps, "steps")
        follow_ups = _steps(self.follow_ups, "follow_ups")
        for each in follow_ups:
            if each.optional:
                raise DefinitionError(f"Follow-up '{each.label}' is optional by nature. Leave `optional` out.")
        set_ = object.__setattr__
        set_(self, "steps", steps)
        set_(self, "follow_ups", follow_ups)
        set_(self, "exclude", _exclusions(self.exclude))
        set_(self, "labels", _labels((*steps, *follow_ups)))
        microseconds(self.window, argument="window")
        microseconds(self.follow_up_window, argument="follow_up_window")
        one_of(self.order, ("ordered", "strict", "any"), "order")
        one_of(self.entry, ("any", "first", "each"), "entry")
        one_of(self.ties, ("forward", "strict"), "ties")
        self._check_length()
        self._check_exclusions()

    def _check_length(self) -> None:
        steps, required = self.every_step, self.required
        if len(steps) < 2 and not (steps and self.follow_ups):
            raise DefinitionError(
                f"A funnel needs at least two steps; got {len(steps)}{': ' + steps[0].label if steps else ''}."
                " Add the step to reach, for example Funnel(['visit', 'sign'])."
            )
        total = len(steps) + len(self.follow_ups) + len(self.exclude)
        if total > MOST_STEPS:
            raise DefinitionError(
                f"{total} steps, follow-ups and exclusions are more than the {MOST_STEPS} that one funnel can hold."
                " Split it into several funnels."
            )
        if not required or required[0] != 0 or required[-1] != len(steps) - 1:
            edge = steps[0] if steps[0].optional else steps[-1]
            raise DefinitionError(
                f"Step '{edge.label}' is optional but stands first or last."
                " An optional step lies between two required steps."
            )
        if self.order == "any" and len(required) < len(steps):
            raise DefinitionError(
                "An optional step has no place where order='any': the steps have no order to lie between."
                " Leave it out, or use order='ordered'."
            )

    def _check_exclusions(self) -> None:
        if self.exclude and self.order == "any":
            raise DefinitionError(
                "An exclusion has no place where order='any': nothing is before or after. Use order='ordered'."
            )
        for each in self.exclude:
            self.zone(each)

    @property
    def every_step(self) -> tuple[Step, ...]:
        """The steps, optional ones too: `steps` once the definition is made."""
        return _steps(self.steps, "steps")

    @property
    def every_follow_up(self) -> tuple[Step, ...]:
        """The follow-ups: `follow_ups` once the definition is made."""
        return _steps(self.follow_ups, "follow_ups")

    @property
    def required(self) -> tuple[int, ...]:
        """Positions in `steps` of the steps that are not optional."""
        return tuple(place for place, step in enumerate(self.every_step) if not step.optional)

    @property
    def step_labels(self) -> tuple[str, ...]:
        """What results call the steps, in order; a repeated name carries its count."""
        return self.labels[: len(self.steps)]

    @property
    def follow_up_labels(self) -> tuple[str, ...]:
        """What results call the follow-ups, in order."""
        return self.labels[len(self.steps) :]

    @property
    def window_us(self) -> int:
        """The window in microseconds."""
        return microseconds(self.window, argument="window")

    @property
    def follow_up_window_us(self) -> int:
        """The follow-up window in microseconds."""
        return microseconds(self.follow_up_window, argument="follow_up_window")

    def zone(self, exclusion: Exclusion) -> tuple[int, int]:
        """Return the depths between which the exclusion holds: after step `a` and before step `b`, 1 the first."""
        known = [self.step_labels[place] for place in self.required]
        ends = []
        for argument, name, default in (("after", exclusion.after, 0), ("before", exclusion.before, len(known) - 1)):
            if name is not None and name not in known:
                raise DefinitionError(
                    f"Exclusion '{exclusion.step.label}' has {argument}='{name}', which is no required step."
                    f" {did_you_mean(name, known)}Steps: {listed(known)}."
                )
            ends.append(default if name is None else known.index(name))
        if ends[0] >= ends[1]:
            raise DefinitionError(
                f"Exclusion '{exclusion.step.label}' lies after '{known[ends[0]]}' and before '{known[ends[1]]}',"
                f" between which there is nothing. Steps in order: {listed(known)}."
            )
        return ends[0] + 1, ends[1] + 1


def _steps(given: object, argument: str) -> tuple[Step, ...]:
    if isinstance(given, (str, Step)) or not isinstance(given, Sequence):
        example = "['visit', 'sign']" if argument == "steps" else "['share', 'partner_click']"
        raise DefinitionError(f"`{argument}` takes a list of steps; got {given!r}. Give for example {example}.")
    return tuple(as_step(each) for each in given)


def _exclusions(given: object) -> tuple[Exclusion, ...]:
    every = tuple(given) if isinstance(given, Sequence) and not isinstance(given, str) else (given,)
    for each in every:
        if isinstance(given, Exclusion) or not isinstance(each, Exclusion):
            raise DefinitionError(
                f"`exclude` takes a list of exclusions; got {given!r}. Give for example [Exclusion('unsubscribe')]."
            )
    return every


def _labels(steps: Sequence[Step]) -> tuple[str, ...]:
    labels: list[str] = []
    for step in steps:
        if step.name and step.name in labels:
            raise DefinitionError(f"Two steps are named '{step.name}'. Give each step a name of its own.")
        times = sum(step.label == each.label for each in steps[: len(labels)])
        labels.append(f"{step.label} ({times + 1})" if times else step.label)
    if len(set(labels)) < len(labels):
        raise DefinitionError(f"Two steps share a name: {listed(labels)}. Give each step a name of its own.")
    return tuple(labels)


def one_of(value: object, known: Sequence[str], argument: str) -> None:
    """Refuse a value that is none of those known."""
    if value not in known:
        guess = did_you_mean(str(value), known)
        raise DefinitionError(f"{argument}={value!r} is not known. {guess}Known: {listed(known)}.")


def as_step(given: object) -> Step:
    """Return the step that an event's name, several names or a Step means."""
    return given if isinstance(given, Step) else Step(given)  # type: ignore[arg-type]  # Step checks what it is given


def column_names(by: object) -> tuple[str, ...]:
    """Return the columns to break down by: none, one or several."""
    names = () if by is None else (by,) if isinstance(by, str) else by
    if not isinstance(names, Sequence) or not all(isinstance(name, str) for name in names):
        raise DefinitionError(
            f"`by` takes the name of a column, or several; got {by!r}. Give for example by='channel'."
        )
    return tuple(names)
