"""Whether referred signers saw the variant of whoever referred them, or were randomised again: never a mix of both."""

from __future__ import annotations

from typing import TYPE_CHECKING

from funnel.errors import DataError
from funnel.statements import statement

if TYPE_CHECKING:
    from funnel.exposures import Exposures

# Somebody who changed device or cleared their cookies may have lost what they inherited.
MOST_CROSSED = 0.05
DOUBTLESS = 0.001


def check_mixing(found: Exposures) -> None:
    """Refuse a declaration that the data contradicts.

    That is disagreement where variants are said to be inherited, and more agreement than chance gives where they are
    said to be drawn again.
    """
    known, crossed = found.counts.known_referrer, found.counts.crossed
    if not known:
        return
    if found.design.referred == "inherit":
        if crossed > MOST_CROSSED * known:
            raise DataError(
                f"{crossed:,} of {known:,} referred visitors saw another variant than whoever referred them, so"
                " variants were not inherited. If each visitor was randomised again, say referred='again'; if some"
                " inherited and some did not, no analysis can put them together."
            )
        return
    agreed, expected = known - crossed, _agreement_by_chance(found) * known
    if agreed > expected and _chance(agreed, known, expected / known) < DOUBTLESS:
        raise DataError(
            f"{agreed:,} of {known:,} referred visitors saw the variant of whoever referred them, where drawing again"
            f" would give about {expected:,.0f}. If all inherit it, say referred='inherit'; if some do and some do not,"
            " no analysis can put them together."
        )


def _agreement_by_chance(found: Exposures) -> float:
    """Return how likely a draw agrees with the referrer's variant, over the referrers as they are."""
    query = statement(
        """
        /* one row a variant of referrers */
        select
            parent_variant,
            count(*) as visitors
        from _units as units
        where not is_root and parent_variant is not null and variants = 1
        group by all
        order by all
        """,
        units=found.units,
    )
    rows = found.rows(query)
    return sum(found.shares.get(variant, 0.0) * visitors for variant, visitors in rows) / sum(n for _, n in rows)


def _chance(agreed: int, known: int, expected: float) -> float:
    from scipy.special import bdtrc

    return float(bdtrc(agreed - 1, known, expected))
