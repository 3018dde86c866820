"""A declared analysis: questions, data and what is told of them, written down once in `campaign.yml`."""

from funnel.analysis.analysis import PLACES, Analysis
from funnel.analysis.checks import SECTIONS
from funnel.analysis.data import Brand, Data

__all__ = ["PLACES", "SECTIONS", "Analysis", "Brand", "Data"]
