"""The verdict of an experiment: what to do, how sure, what is not known. Numbers in, sentences out."""

from funnel.verdicts.decision import Decision, decide
from funnel.verdicts.remarks import remarks
from funnel.verdicts.sentences import Told, verdict

__all__ = ["Decision", "Told", "decide", "remarks", "verdict"]
