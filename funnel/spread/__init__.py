"""How a petition spreads from signer to signer: the trees as arrays, the numbers read from them, and their words."""

from funnel.spread.measures import Spread, spread_of

__all__ = ["Spread", "spread_of"]
