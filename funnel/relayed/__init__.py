"""What relays bring: visitors and signatures of each, what their trees add, and how sure that is."""

from funnel.relayed.counting import Counted, counted

__all__ = ["Counted", "counted"]
