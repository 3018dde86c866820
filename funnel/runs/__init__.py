"""Analyses run again: what a run writes, how two runs differ, and whether a page still says what the data says."""

from funnel.runs.comparing import Comparison, compare
from funnel.runs.registered import tell
from funnel.runs.running import Run, run
from funnel.runs.verifying import Verification, verify

__all__ = ["Comparison", "Run", "Verification", "compare", "run", "tell", "verify"]
