"""Small counts hidden in what is published, with whatever would reveal them; analysts keep full numbers."""

from funnel.privacy.cells import LEAST, USUAL, Suppression, intervals, suppress
from funnel.privacy.frames import KINDS, Published, kind_of, safe, safe_together
from funnel.privacy.told import told

__all__ = [
    "KINDS",
    "LEAST",
    "USUAL",
    "Published",
    "Suppression",
    "intervals",
    "kind_of",
    "safe",
    "safe_together",
    "suppress",
    "told",
]
