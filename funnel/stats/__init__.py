"""Statistics: pure functions of numbers and numpy arrays. No frames, no SQL."""

from funnel.stats.allocation import sample_ratio, sequential_sample_ratio
from funnel.stats.bayes import Posterior, beta_binomial, beta_binomial_variants
from funnel.stats.differences import boschloo, newcombe, z_test
from funnel.stats.heterogeneity import Heterogeneity, Pooled, heterogeneity, trend
from funnel.stats.means import (
    Clusters,
    MeanDifference,
    Moments,
    RatioMoments,
    bootstrap_difference,
    cluster_robust,
    delta_ratio,
    welch,
)
from funnel.stats.multiplicity import benjamini_hochberg, dunnett_critical, holm
from funnel.stats.planning import (
    MinimumEffect,
    RequiredVisitors,
    minimum_detectable_effect,
    power,
    required_visitors,
    required_visitors_non_inferior,
)
from funnel.stats.proportions import Estimate, wilson
from funnel.stats.scores import miettinen_nurminen, ratio_score, score_test
from funnel.stats.sequential import (
    Boundaries,
    confidence_sequence,
    confidence_sequence_test,
    crossing,
    obrien_fleming,
    peeking,
    repeated_p,
)
from funnel.stats.shares import same_share
from funnel.stats.significance import Test
from funnel.stats.survival import Incidence, aalen_johansen, homogeneity, horizon, stratified

__all__ = [
    "Boundaries",
    "Clusters",
    "Estimate",
    "Heterogeneity",
    "Incidence",
    "MeanDifference",
    "MinimumEffect",
    "Moments",
    "Pooled",
    "Posterior",
    "RatioMoments",
    "RequiredVisitors",
    "Test",
    "aalen_johansen",
    "benjamini_hochberg",
    "beta_binomial",
    "beta_binomial_variants",
    "bootstrap_difference",
    "boschloo",
    "cluster_robust",
    "confidence_sequence",
    "confidence_sequence_test",
    "crossing",
    "delta_ratio",
    "dunnett_critical",
    "heterogeneity",
    "holm",
    "homogeneity",
    "horizon",
    "miettinen_nurminen",
    "minimum_detectable_effect",
    "newcombe",
    "obrien_fleming",
    "peeking",
    "power",
    "ratio_score",
    "repeated_p",
    "required_visitors",
    "required_visitors_non_inferior",
    "same_share",
    "sample_ratio",
    "score_test",
    "sequential_sample_ratio",
    "stratified",
    "trend",
    "welch",
    "wilson",
    "z_test",
]
