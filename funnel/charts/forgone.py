"""What was not collected: how much more each page would have brought, a panel an outcome."""

import math
from typing import TYPE_CHECKING

from funnel.charts.differences import difference_forest
from funnel.language import language as language_of

if TYPE_CHECKING:
    import pandas
    from plotly.graph_objects import Figure

from funnel.charts.look import Theme

_ALL, _NEAR = "all generations", "within the horizon"


def forgone_forest(
    frame: "pandas.DataFrame",
    *,
    shown: str | None,
    language: str = "en",
    title: str | None = None,
    theme: Theme = "light",
) -> "Figure":
    """Draw `ForgoneResult.frame`: a panel an outcome, a row a variant, what was shown as a line at zero.

    `shown` is the variant that was shown, None where each signer saw what they saw. Follow-ups are those of the
    signers themselves; signatures have a panel for the first generation and one for all, or up to the horizon for the
    variants whose sum has no end.
    """
    import pandas

    words = language_of(language)
    heading = words.text("What was not collected") if title is None else title
    base = words.text("what each saw") if shown is None else shown
    panels = []
    for (outcome, counted), rows in frame.groupby(["outcome", "counted"], sort=False):
        is_of_these = (frame["outcome"] == outcome) & (frame["counted"] == "these signers")
        known = rows[rows["forgone"].notna()]
        if known.empty or (counted in (_ALL, _NEAR) and is_of_these.any()):
            continue
        name = words.name(str(outcome))
        if counted == _NEAR:
            name = words.text("{outcome}, up to the horizon", outcome=name)
        panels.append(_panel(known, name, base))
    whole = pandas.concat(panels, ignore_index=True) if panels else pandas.DataFrame(columns=["outcome"])
    return difference_forest(whole, language=language, title=heading, theme=theme)


def _panel(rows: "pandas.DataFrame", name: str, base: str) -> "pandas.DataFrame":
    """Return the rows of one outcome as the forest of differences reads them, what was shown first."""
    import pandas

    numbers = {
        "visitors": [0.0, *rows["signers"]],
        "difference": [0.0, *rows["forgone"]],
        "difference_low": [math.nan, *rows["forgone_low"]],
        "difference_high": [math.nan, *rows["forgone_high"]],
    }
    unknown = ("rate", "rate_low", "rate_high", "simultaneous_low", "simultaneous_high", "margin")
    return pandas.DataFrame(
        {
            "outcome": name,
            "variant": [base, *rows["variant"]],
            "role": str(rows["role"].iloc[0]),
            "kind": "mean",
            "safety": None,
            **{column: pandas.Series(values, dtype=float) for column, values in numbers.items()},
            **dict.fromkeys(unknown, math.nan),
        }
    )
