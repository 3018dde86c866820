"""How people climb from a gesture to a bigger one: the rungs, who reached which, and what that comes to."""

from funnel.climbing.climbers import Climbers, climbers_of
from funnel.climbing.rungs import Friend, Repeat, Rung, rungs_of

__all__ = ["Climbers", "Friend", "Repeat", "Rung", "climbers_of", "rungs_of"]
