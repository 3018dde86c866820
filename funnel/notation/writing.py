"""Writing a funnel as a line that reads as the same funnel."""

import re
from collections.abc import Mapping, Sequence
from datetime import timedelta

from sqlglot import exp

from funnel.conditions import columns_named, condition_sql
from funnel.definition import UNITS, Definition, Exclusion, Step
from funnel.errors import DefinitionError, FunnelError
from funnel.notation.reading import RESERVED
from funnel.notation.tokens import WORD, condition_end

BARE_LENGTH = re.compile(r"\d+(?:\.\d+)? ?[^\W\d_]+")


def written(definition: Definition, by: Sequence[str] = ()) -> str:
    """Return the line that `read` reads as this funnel, broken down by these columns.

    It reads as an equal funnel, with three exceptions that ask the same: a timedelta becomes text, a mapping of columns
    to values the SQL it stands for, and a list of one event that event. The window is always there, the other rules
    only where they are not the usual ones. Raises DefinitionError for a condition that is none.
    """
    follow_ups = " | ".join(_step(each) for each in definition.every_follow_up)
    steps = [_step(each) for each in definition.every_step]
    said = [" > ".join([*steps, f"({follow_ups})"] if follow_ups else steps), f"within {_length(definition.window)}"]
    if definition.follow_up_window != Definition.follow_up_window:
        said.append(f"follow-ups within {_length(definition.follow_up_window)}")
    rules = {rule: getattr(definition, rule) for rule in ("order", "entry", "ties")}
    said.extend(f"{rule} {value}" for rule, value in rules.items() if value != getattr(Definition, rule))
    said.extend(_exclusion(each) for each in definition.exclude)
    if by:
        said.append(f"by {', '.join(_name(column) for column in by)}")
    return " ".join(said)


def _step(step: Step) -> str:
    optional = "?" if step.optional else ""
    return _events(step) + optional + ("" if step.name is None else f" as {_name(step.name)}")


def _events(step: Step) -> str:
    names = " or ".join(_name(event) for event in step.events)
    if step.where is None:
        return names
    return f"{names}{' ' if len(step.events) > 1 else ''}[{_condition(step.where)}]"


def _exclusion(exclusion: Exclusion) -> str:
    said = [f"without {_events(exclusion.step)}"]
    said += [f"{end} {_name(name)}" for end in ("after", "before") if (name := getattr(exclusion, end)) is not None]
    return " ".join(said if exclusion.policy == "stop" else [*said, f"else {exclusion.policy}"])


def _name(name: str) -> str:
    """Return the name, in quotes unless it is a word: single ones only where they save doubling the others."""
    return name if WORD.fullmatch(name) and name not in RESERVED else _quoted(name)


def _quoted(text: str) -> str:
    if '"' in text and "'" not in text:
        return f"'{text}'"
    return '"' + text.replace('"', '""') + '"'


def _length(length: str | timedelta) -> str:
    if isinstance(length, str):
        return length if BARE_LENGTH.fullmatch(length) else _quoted(length)
    return length_of(length // timedelta(microseconds=1))


def length_of(whole: int) -> str:
    """Return so many microseconds as text, in the largest unit up to days of which they are a whole number.

    >>> [length_of(168 * 3_600_000_000), length_of(129_600_000_000), length_of(1_500_000)]
    ['7 days', '36 hours', '1.5 seconds']
    """
    unit = next((unit for unit in ("day", "hour", "minute") if whole % UNITS[unit] == 0), "second")
    number, rest = divmod(whole, UNITS[unit])
    decimals = f".{rest:06d}".rstrip("0") if rest else ""
    return f"{number}{decimals} {unit}{'' if whole == UNITS[unit] else 's'}"


def _condition(where: str | Mapping[str, object]) -> str:
    written = condition_of(where)
    if condition_end(f"{written}]", 0) != len(written):
        raise DefinitionError(f"The condition {where!r} cannot be written in one line: its brackets do not match.")
    return written


def condition_of(where: str | Mapping[str, object]) -> str:
    """Return a condition as SQL text: a mapping as what it stands for. Raises DefinitionError for what is none.

    >>> condition_of({"language": ["fr", "en"]})
    "language IN ('fr', 'en')"
    """
    tree = condition_sql(where, columns_named(where))
    return where if isinstance(where, str) else _as_typed(tree)


def _as_typed(condition: exp.Expr) -> str:
    """Return the condition with its columns unquoted, as one would type it, where it then still means the same."""
    quoted = condition.sql("duckdb")
    plain = condition.copy()
    for name in plain.find_all(exp.Identifier):
        name.set("quoted", False)
    typed = plain.sql("duckdb")
    try:
        again = condition_sql(typed, columns_named(quoted)).sql("duckdb")
    except FunnelError:
        return quoted
    return typed if again == quoted else quoted
