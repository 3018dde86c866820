"""What is believed of the primary share of each variant after the data, with uniform priors."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from funnel.comparisons.table import Whole
from funnel.exposures import Exposures
from funnel.stats.bayes import beta_binomial_variants

if TYPE_CHECKING:
    import pandas

COLUMNS = (
    "variant",
    "visitors",
    "converted",
    "rate",
    "rate_low",
    "rate_high",
    "probability_best",
    "expected_loss",
)


def posterior_of(found: Exposures, cells: Whole) -> pandas.DataFrame:
    """Return one row a variant: posterior mean, 95 % credible interval, probability to be best, expected loss.

    By quadrature, so the same digits every time; looking again and again is not cured by it.
    """
    import pandas
    from scipy.special import betaincinv

    arms = cells[found.design.measures[0].label]
    visitors = np.array([arms[variant].visitors for variant in found.variants])
    converted = np.array([arms[variant].total for variant in found.variants])
    belief = beta_binomial_variants(converted, visitors)
    prior_and_data = 1 + converted, 1 + visitors - converted
    values = (
        list(found.variants),
        visitors,
        converted,
        (1 + converted) / (2 + visitors),
        betaincinv(*prior_and_data, 0.025),
        betaincinv(*prior_and_data, 0.975),
        belief.probability,
        belief.expected_loss,
    )
    return pandas.DataFrame(dict(zip(COLUMNS, values, strict=True)))
