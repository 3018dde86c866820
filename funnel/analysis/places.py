"""What was said and where, so that whatever is refused can be found: a line of a file, or a key of a mapping."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import Any

from funnel.errors import DefinitionError, FunnelError, did_you_mean, listed

Way = tuple[str | int, ...]


def by_key(way: Way, sentence: str) -> str:
    """Return a sentence with the keys that lead to what it is about before it.

    >>> by_key(("experiments", 0, "control"), "`control` is text.")
    'experiments[0].control: `control` is text.'
    """
    said = "".join(f"[{key}]" if isinstance(key, int) else f".{key}" for key in way)
    return f"{said.removeprefix('.')}: {sentence}" if way else sentence


def nowhere(_: Way, sentence: str) -> str:
    """Return the sentence as it is: what an argument of a call says needs no place."""
    return sentence


@dataclass(frozen=True)
class Place:
    """A value as it was said: text, a number, a list, a mapping; and the way to it from the whole.

    `placed` makes the sentence that says where it is, of the way to it and what is wrong with it.
    """

    value: object
    way: Way = ()
    placed: Callable[[Way, str], str] = by_key

    @property
    def name(self) -> str:
        """The key under which it stands, in the words of a sentence."""
        keys = [key for key in self.way if isinstance(key, str)]
        return f"`{keys[-1]}`" if keys else "The analysis"

    @property
    def got(self) -> str:
        """The value, as a sentence shows it."""
        if self.value is None:
            return "nothing"
        return str(self.value).lower() if isinstance(self.value, bool) else repr(self.value)

    def refused(self, sentence: str) -> DefinitionError:
        """Return the error that says where it is, and what is wrong with it."""
        return DefinitionError(self.placed(self.way, sentence))

    def told(self, error: FunnelError) -> FunnelError:
        """Return an error that says what this one says, and where it is."""
        return type(error)(self.placed(self.way, str(error)))

    @contextmanager
    def telling(self) -> Iterator[None]:
        """Let what a question is refused for say where it stands."""
        try:
            yield
        except FunnelError as error:
            raise self.told(error) from None

    def items(self) -> list[Place]:
        """Return the places of a list, in order; of a value that is no list, the value as the only one."""
        if isinstance(self.value, (list, tuple)):
            return [self._within(place, each) for place, each in enumerate(self.value)]
        return [self]

    def pairs(self) -> dict[str, Place]:
        """Return the places of a mapping by their keys."""
        assert isinstance(self.value, Mapping)
        return {str(key): self._within(str(key), each) for key, each in self.value.items()}

    def known(self, keys: Mapping[str, Any], what: str) -> dict[str, Place]:
        """Return the places of a mapping by their keys, those without a value left out; refuse keys of no meaning."""
        if not isinstance(self.value, Mapping):
            raise self.refused(
                f"{self.name} holds keys and values; got {self.got}. Known keys: {listed(keys, most=len(keys))}."
            )
        pairs = self.pairs()
        for key, place in pairs.items():
            if key not in keys:
                raise place.refused(
                    f"'{key}' is no key of {what}. {did_you_mean(key, keys)}Known: {listed(keys, most=len(keys))}."
                )
        return {key: place for key, place in pairs.items() if place.value is not None}

    def _within(self, key: str | int, value: object) -> Place:
        return replace(self, value=value, way=(*self.way, key))
