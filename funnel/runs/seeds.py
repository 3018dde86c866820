"""Where chance begins in the methods that draw at random."""

from __future__ import annotations

import inspect
from typing import TYPE_CHECKING

from funnel.forgone import Forgone

if TYPE_CHECKING:
    from collections.abc import Callable


def seeds() -> dict[str, int]:
    """Return the seed of each method that draws: the same seed draws the same numbers with the same numpy."""
    from funnel.stats.credit import credit_intervals
    from funnel.stats.means import bootstrap_difference

    return {
        "forgone": Forgone.seed,
        "credit": _default(credit_intervals),
        "skewed means": _default(bootstrap_difference),
    }


def _default(method: Callable[..., object]) -> int:
    return int(inspect.signature(method).parameters["seed"].default)
