"""What differs between two things that were written down, key by key."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeGuard

if TYPE_CHECKING:
    from funnel.language import Language


@dataclass(frozen=True)
class Change:
    """A key whose value is not the same; None where one side does not have it."""

    key: str
    before: Any
    after: Any


def changes(before: Any, after: Any, key: str = "") -> Iterator[Change]:
    """Yield the keys of two values of JSON that are not the same.

    Lists of objects that all have a name are compared by it, any other list as a whole.

    >>> [change.key for change in changes({"a": 1, "of": [{"name": "x", "b": 1}]}, {"of": [{"name": "x", "b": 2}]})]
    ['a', 'of[x].b']
    """
    if isinstance(before, Mapping) and isinstance(after, Mapping):
        for name in dict.fromkeys((*before, *after)):
            yield from changes(before.get(name), after.get(name), f"{key}.{name}" if key else str(name))
    elif (before or after) and _is_named(before) and _is_named(after):
        ones, others = ({str(each["name"]): each for each in side} for side in (before, after))
        for name in dict.fromkeys((*ones, *others)):
            yield from changes(ones.get(name), others.get(name), f"{key}[{name}]")
    elif before != after:
        yield Change(key, before, after)


def written(value: Any, words: Language) -> str:
    """Return a value as a person writes it: lists with commas, mappings as `key: value`, None as what is not said."""
    if value is None:
        return words.text("not given")
    if isinstance(value, bool):
        return words.text("yes") if value else words.text("no")
    if isinstance(value, int | float):
        return words.number(value, len(repr(value).partition(".")[2]) if value % 1 else None)
    if isinstance(value, Mapping):
        return ", ".join(f"{key}: {written(each, words)}" for key, each in value.items())
    if isinstance(value, Sequence) and not isinstance(value, str):
        return ", ".join(written(each, words) for each in value) or words.text("none")
    return str(value)


def _is_named(value: object) -> TypeGuard[Sequence[Mapping[str, Any]]]:
    return isinstance(value, list) and all(isinstance(each, Mapping) and "name" in each for each in value)
