"""What was not collected while signers saw too little: what is counted, how it is drawn, the numbers, their words."""

from funnel.uncollected.counting import Counted, counted
from funnel.uncollected.drawing import Drawn, drawn

__all__ = ["Counted", "Drawn", "counted", "drawn"]
