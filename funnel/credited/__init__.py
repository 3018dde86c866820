"""How conversions are credited to channels: paths counted in the engine, eight models over them, and their words."""

from funnel.credited.counting import Counted, counted
from funnel.credited.flow import flow_of
from funnel.credited.measures import credits_of

__all__ = ["Counted", "counted", "credits_of", "flow_of"]
