"""The law of the draws: every rate that enters, drawn many times from what the data leaves possible.

Each rate is an array whose first number is the estimate and whose others are draws, so that one formula gives both.

- A share of visitors: beta, of Jeffreys' prior, successes + 1/2 and failures + 1/2 (Brown, Cai and DasGupta 2001, Stat
  Sci 16:101).
- A number per visitor, and signatures per share: gamma of shape total / overdispersion + 1/2, which is Jeffreys' for a
  Poisson count that varies so many times more.
- What every variant shares is drawn once: the control's rates, the mix's, and what a share is worth. So differences
  are of one world each.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from funnel.uncollected.counting import Counted, Tallies, Tally

Floats = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Drawn:
    """The rates, each an array of the estimate and its draws.

    `rates` by measure and variant; `groups` the same by group of exposed. `brings`: signatures that one signer who sees
    a variant brings directly. `by_links`: the same as counted for each variant's own links, whatever was shared.
    `worth`: signatures for one unit of the carrier; None where the signatures were counted directly. `weights`: the
    share of signers that saw each variant.
    """

    rates: Mapping[str, Mapping[str, Floats]]
    groups: Mapping[str, Mapping[str, Mapping[str, Floats]]]
    brings: Mapping[str, Floats]
    by_links: Mapping[str, Floats]
    worth: Floats | None
    weights: Mapping[str, float]

    def mixed(self, rates: Mapping[str, Floats]) -> Floats:
        """Return the rate over all signers, each under the variant they saw."""
        return mixed(rates, self.weights)

    @property
    def mix_brings(self) -> Floats:
        """Signatures that one signer brings directly, over all: the K-factor."""
        return self.mixed(self.brings)


def drawn(counts: Counted, *, draws: int, seed: int) -> Drawn:
    """Draw every rate, always in the same order: the same counts and seed give the same numbers."""
    generator = np.random.default_rng(seed)
    rates = _each(counts.followed, generator, draws)
    by_links = {variant: possible(counts.brought[variant], generator, draws) for variant in counts.variants}
    k_factor = counts.k_factor
    if counts.carrier is None:
        observed = mixed(by_links, counts.weights)[0]
        # The compared came by themselves; what all signers bring is the K-factor, and each variant keeps its ratio.
        scale = k_factor / observed if observed > 0 else 1.0
        worth, brings = None, {variant: scale * each for variant, each in by_links.items()}
    else:
        carried = rates[counts.carrier]
        worth = _worth(counts, mixed(carried, counts.weights), generator, draws)
        brings = {variant: worth * each for variant, each in carried.items()}
    groups = {name: _each(group, generator, draws) for name, group in counts.groups.items()}
    return Drawn(rates, groups, brings, by_links, worth, counts.weights)


def _worth(counts: Counted, compared: Floats, generator: np.random.Generator, draws: int) -> Floats:
    """Return the signatures that come of one unit of the carrier as the compared do it.

    So that all signers, under what they saw, bring the K-factor. Friends share as they share, so the signatures of one
    share are drawn first, and what all signers share is that of the compared and of friends.
    """
    total, signers = counts.referred_and_followed
    friends, followed = counts.friends, sum(each.exposure for each in counts.followed[str(counts.carrier)].values())
    part = friends.exposure / (friends.exposure + followed)
    theirs = possible(friends, generator, draws) if friends.exposure else compared
    everyone = (1 - part) * compared + part * theirs
    each = possible(Tally(total, signers * everyone[0], counts.carried_overdispersion), generator, draws)
    return each * everyone / compared


def mixed(rates: Mapping[str, Floats], weights: Mapping[str, float]) -> Floats:
    """Return the mean of rates by variant, weighed."""
    return np.asarray(sum(weights[variant] * rates[variant] for variant in weights))


def possible(tally: Tally, generator: np.random.Generator, draws: int) -> Floats:
    """Return the rate of a tally, and draws of what it may be; not a number where nobody was followed."""
    if not tally.exposure:
        return np.full(draws + 1, np.nan)
    if tally.is_share:
        made = generator.beta(tally.total + 0.5, tally.exposure - tally.total + 0.5, draws)
    else:
        scale = tally.overdispersion / tally.exposure
        made = generator.gamma(tally.total / tally.overdispersion + 0.5, scale, draws)
    return np.concatenate([[tally.value], made])


def _each(tallies: Tallies, generator: np.random.Generator, draws: int) -> dict[str, dict[str, Floats]]:
    return {
        label: {variant: possible(tally, generator, draws) for variant, tally in by_variant.items()}
        for label, by_variant in tallies.items()
    }
