"""Reading a line: each part is checked as it is read, so that whatever is refused has a place to point at."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import Any

from funnel.conditions import columns_named, condition_sql
from funnel.definition import Definition, Exclusion, Step, microseconds
from funnel.errors import DefinitionError, did_you_mean, listed
from funnel.notation.tokens import Token, refusal, tokens

EXAMPLE = "visit > sign within 7 days"
CLAUSES = ("within", "follow-ups", "order", "entry", "ties", "without", "by")
# Words that are never a name unless quoted. After a name there is no other, so `order`, `entry` and `ties` need none.
RESERVED = frozenset({"or", "as", "within", "follow-ups", "without", "after", "before", "else", "by"})


@dataclass(frozen=True)
class Reading:
    """What a line says: the funnel, and the columns it asks to break the answer down by."""

    definition: Definition
    by: tuple[str, ...]


def read(text: str) -> Reading:
    """Return what a line of the notation says.

    Raises DefinitionError, which shows the line with a caret where it goes wrong: also for a funnel that is refused
    however it is written, and for a condition that is none. Whether events and columns exist, only data can tell.

    >>> read("visit > sign > (share | partner_click) within 7 days by channel").by
    ('channel',)
    >>> read("visit > sign withn 7 days")
    Traceback (most recent call last):
        ...
    funnel.errors.DefinitionError: Column 14: 'withn' has no place here. Did you mean 'within'? Steps are separated by
    >; after the last come within, follow-ups, order, entry, ties, without, by.
        visit > sign withn 7 days
                     ^
    """
    if not isinstance(text, str):
        raise DefinitionError(f"A funnel in one line is text; got {text!r}. Write for example {EXAMPLE!r}.")
    return _Reader(text).line()


@dataclass(frozen=True)
class _Part:
    """A step, and where it and its question mark stand."""

    step: Step
    place: int
    optional: int | None


class _Reader:
    """Goes through the tokens of one text, from left to right."""

    definition: Definition

    def __init__(self, text: str) -> None:
        self.text = text
        self.tokens = list(tokens(text))
        self.at = 0
        self.by: tuple[str, ...] = ()

    def line(self) -> Reading:
        if self.now.kind == "end":
            raise DefinitionError(f"A funnel in one line needs steps; the line is empty. Write for example {EXAMPLE}.")
        self.definition = self.chain()
        clauses = {
            "within": self.window,
            "follow-ups": self.follow_up_window,
            "without": self.exclusion,
            "by": self.columns,
        }
        seen: set[str] = set()
        while self.now.kind != "end":
            name = self.keyword(*CLAUSES)
            if name is None:
                raise self.out_of_place(begun=True)
            if name.text in seen and name.text != "without":
                raise self.refused(name.place, f"'{name.text}' is here for the second time. Keep one.")
            seen.add(name.text)
            clauses.get(name.text, lambda word=name.text: self.rule(word))()
        return Reading(self.definition, self.by)

    # The steps

    def chain(self) -> Definition:
        steps: list[_Part] = []
        follow_ups: list[_Part] = []
        while True:
            if self.now.kind == "(":
                follow_ups = self.alternatives(is_first=not steps)
                break
            steps.append(self.step())
            if not self.take(">"):
                break
        if self.now.kind != "end" and not (self.now.kind == "word" and self.now.text in CLAUSES):
            raise self.out_of_place(begun=False)
        if len(steps) < 2 and not follow_ups:
            raise self.refused(
                self.now.place, "A funnel needs at least two steps. Write > and the step to reach: visit > sign."
            )
        return self.checked(steps, follow_ups)

    def alternatives(self, *, is_first: bool) -> list[_Part]:
        """Read follow-ups in their parentheses."""
        opened = self.now
        self.at += 1
        if is_first:
            raise self.refused(
                opened.place,
                "Parentheses hold follow-ups, which come after a step: visit > sign > (share | partner_click).",
            )
        parts = [self.step()]
        while self.take("|"):
            parts.append(self.step())
        if not self.take(")"):
            raise self.refused(
                self.now.place, f"Between follow-ups stands |, and after the last one ), not {self.now.shown}."
            )
        for each in parts:
            if each.optional is not None:
                raise self.refused(each.optional, "A follow-up is optional by nature. Leave the ? out.")
        if self.now.kind == ">":
            raise self.refused(
                self.now.place,
                "Follow-ups come last. For one step that any of several events fills, write share or mail.",
            )
        return parts

    def step(self) -> _Part:
        place = self.now.place
        events, where = self.events()
        mark = self.take("?")
        name = self.name("The name of the step") if self.keyword("as") else None
        with self.pointing_at(name.place if name else place):
            step = Step(events, where, None if name is None else name.text, optional=mark is not None)
        return _Part(step, name.place if name else place, None if mark is None else mark.place)

    def events(self) -> tuple[str | tuple[str, ...], str | None]:
        """Read the names of one event or several, and their condition."""
        names = [self.name("The name of an event").text]
        while self.keyword("or"):
            names.append(self.name("The name of an event").text)
        condition = self.take("condition")
        if condition:
            self.check_condition(condition)
        return names[0] if len(names) == 1 else tuple(names), condition.text if condition else None

    def check_condition(self, condition: Token) -> None:
        """Refuse what is no condition, whatever columns there will be."""
        sql = condition.text
        try:
            condition_sql(sql, columns_named(sql) if sql.strip() else ())
        except DefinitionError as error:
            raise self.refused(condition.place + 1, str(error)) from None

    def checked(self, steps: Sequence[_Part], follow_ups: Sequence[_Part]) -> Definition:
        """Return the funnel of these steps; whatever is refused is pointed at, the first step to be too much."""
        every = [*steps, *follow_ups]
        for count in range(2, len(every) + 1):
            with self.pointing_at(every[count - 1].place):
                Definition([replace(part.step, optional=False) for part in every[:count]])
        edge = steps[0] if steps[0].optional is not None else steps[-1]
        with self.pointing_at(edge.place if edge.optional is None else edge.optional):
            return Definition([part.step for part in steps], [part.step for part in follow_ups])

    # The clauses

    def window(self) -> None:
        self.definition = replace(self.definition, window=self.length())

    def follow_up_window(self) -> None:
        if not self.keyword("within"):
            raise self.refused(self.now.place, "After follow-ups comes within: follow-ups within 3 days.")
        self.definition = replace(self.definition, follow_up_window=self.length())

    def length(self) -> str:
        """Read a length of time: `7 days`, `7d`, or any that `Funnel` takes, in quotes."""
        first = self.now
        if first.kind != "quoted" and not (first.kind == "word" and first.text[0].isdecimal()):
            raise self.refused(
                first.place, "A length of time is missing after within. Write a number and a unit, for example 7 days."
            )
        self.at += 1
        written = first.text
        if first.kind == "word" and not any(sign.isalpha() for sign in written):
            unit = self.now if self.now.kind == "word" and self.now.text not in CLAUSES else None
            self.at += unit is not None
            written = f"{written} {unit.text}" if unit else written
        try:
            microseconds(written, argument="window")
        except DefinitionError as error:
            told = str(error).replace(f"window={written!r}", f"'{written}'")
            raise self.refused(first.place, told) from None
        return written

    def rule(self, name: str) -> None:
        """Read the word that says which order, entry or ties."""
        value = self.now
        if value.kind != "word":
            raise self.refused(value.place, f"A word is missing after {name}. Write for example {name} strict.")
        self.at += 1
        with self.pointing_at(value.place):
            rule: dict[str, Any] = {name: value.text}
            self.definition = replace(self.definition, **rule)

    def exclusion(self) -> None:
        first = self.now
        events, where = self.events()
        ends = {each: self.name("The name of a step") for each in ("after", "before") if self.keyword(each)}
        policy = self.name("What to do") if self.keyword("else") else None
        with self.pointing_at(policy.place if policy else first.place):
            found = Exclusion(
                events,
                **{each: token.text for each, token in ends.items()},
                policy=policy.text if policy else "stop",
                where=where,
            )
        known = [self.definition.step_labels[place] for place in self.definition.required]
        unknown = [token.place for token in ends.values() if token.text not in known]
        with self.pointing_at(unknown[0] if unknown else first.place):
            self.definition = replace(self.definition, exclude=[*self.definition.exclude, found])

    def columns(self) -> None:
        names = [self.name("The name of a column").text]
        while self.take(","):
            names.append(self.name("The name of a column").text)
        self.by = tuple(names)

    # One token after the other

    @property
    def now(self) -> Token:
        return self.tokens[self.at]

    def take(self, kind: str) -> Token | None:
        """Go past a token of this kind, and return it, or None where another stands."""
        token = self.now
        if token.kind != kind:
            return None
        self.at += 1
        return token

    def keyword(self, *words: str) -> Token | None:
        return self.take("word") if self.now.text in words else None

    def name(self, what: str) -> Token:
        token = self.now
        is_reserved = token.kind == "word" and token.text in RESERVED
        if token.kind not in ("word", "quoted") or is_reserved or not token.text:
            before = f" after {self.tokens[self.at - 1].shown}" if self.at else ""
            advice = f' A name that is a word of the notation goes in quotes: "{token.text}".' if is_reserved else ""
            raise self.refused(token.place, f"{what} is missing{before}.{advice}")
        self.at += 1
        return token

    def out_of_place(self, *, begun: bool) -> DefinitionError:
        """Return the error about a token that continues nothing; `begun`: a clause has been read."""
        token = self.now
        if token.kind == "|":
            return self.refused(
                token.place,
                "| separates follow-ups, which stand in parentheses after the last step."
                " For one step that any of several events fills, write visit or scan.",
            )
        guess = did_you_mean(token.text, CLAUSES if begun else (*CLAUSES, "or", "as")) if token.kind == "word" else ""
        order = "After the steps come" if begun else "Steps are separated by >; after the last come"
        return self.refused(token.place, f"{token.shown} has no place here. {guess}{order} {listed(CLAUSES)}.")

    def refused(self, place: int, sentence: str) -> DefinitionError:
        return refusal(self.text, place, sentence)

    @contextmanager
    def pointing_at(self, place: int) -> Iterator[None]:
        """Let what a definition is refused for point at a place, in the words of the notation: order 'any'."""
        try:
            yield
        except DefinitionError as error:
            told = re.sub(r"\b(order|entry|ties|policy|after|before)=(?=')", r"\1 ", str(error))
            raise self.refused(place, told) from None
