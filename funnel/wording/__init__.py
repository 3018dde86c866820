"""A funnel in words: its definition, its answer in two or three sentences, and what to keep in mind."""

from funnel.wording.definition import described
from funnel.wording.remarks import complete_to, remarks
from funnel.wording.summary import compared, summarised

__all__ = ["compared", "complete_to", "described", "remarks", "summarised"]
