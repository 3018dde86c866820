"""What is made once for something, and kept as long as that is there."""

from collections.abc import Callable, Hashable
from typing import Any, TypeVar

Made = TypeVar("Made")

MOST = 8  # the latest asked for are kept, so that a hundred questions do not fill the memory


class Kept:
    """Things made of one owner, by what decides them. They go with the owner, so none of them may hold it.

    >>> kept = Kept()
    >>> kept.once("letters", lambda: ["a", "b"]) is kept.once("letters", lambda: ["a", "b"])
    True
    """

    def __init__(self) -> None:
        self._made: dict[Hashable, Any] = {}

    def once(self, what: Hashable, make: Callable[[], Made]) -> Made:
        """Return what `make` gives, or gave before for the same `what`: all that decides it beside the owner."""
        made: Made = self._made.pop(what) if what in self._made else make()
        self._made[what] = made
        if len(self._made) > MOST:
            del self._made[next(iter(self._made))]
        return made
