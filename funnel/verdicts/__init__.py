"""The verdict of an experiment: what to do, how sure, what is not known. Numbers in, sentences out."""

from funnel.language import Language
from funnel.verdicts.decision import Decision, decide
from funnel.verdicts.how_sure import how_sure
from funnel.verdicts.not_known import not_known
from funnel.verdicts.remarks import remarks
from funnel.verdicts.to_do import to_do
from funnel.verdicts.told import Told

__all__ = ["Decision", "Told", "decide", "remarks", "verdict"]


def verdict(told: Told, words: Language) -> tuple[str, str, str]:
    """Return the three sentences."""
    return to_do(told, words), how_sure(told, words), not_known(told, words)
