"""Statistics: pure functions of numbers and numpy arrays. No frames, no SQL."""

from funnel.stats.allocation import sample_ratio, sequential_sample_ratio
from funnel.stats.bayes import Posterior, beta_binomial, beta_binomial_variants
from funnel.stats.branching import (
    chain_size_pmf,
    concentration,
    expected_total,
    extinction_probability,
    structural_virality,
)
from funnel.stats.credit import credit_intervals, markov_removal, rules, shapley
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
from funnel.stats.offspring import Lorenz, OffspringFit, fit_offspring, lorenz
from funnel.stats.paths import Paths
from funnel.stats.planning import (
    MinimumEffect,
    RequiredVisitors,
    minimum_detectable_effect,
    power,
    required_visitors,
    required_visitors_non_inferior,
)
from funnel.stats.proportions import Estimate, wilson
from funnel.stats.reproduction import (
    CorrectedMean,
    ReproductionNumber,
    corrected_mean,
    discretised_interval,
    reproduction_number,
)
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
    "CorrectedMean",
    "Estimate",
    "Heterogeneity",
    "Incidence",
    "Lorenz",
    "MeanDifference",
    "MinimumEffect",
    "Moments",
    "OffspringFit",
    "Paths",
    "Pooled",
    "Posterior",
    "RatioMoments",
    "ReproductionNumber",
    "RequiredVisitors",
    "Test",
    "aalen_johansen",
    "benjamini_hochberg",
    "beta_binomial",
    "beta_binomial_variants",
    "bootstrap_difference",
    "boschloo",
    "chain_size_pmf",
    "cluster_robust",
    "concentration",
    "confidence_sequence",
    "confidence_sequence_test",
    "corrected_mean",
    "credit_intervals",
    "crossing",
    "delta_ratio",
    "discretised_interval",
    "dunnett_critical",
    "expected_total",
    "extinction_probability",
    "fit_offspring",
    "heterogeneity",
    "holm",
    "homogeneity",
    "horizon",
    "lorenz",
    "markov_removal",
    "miettinen_nurminen",
    "minimum_detectable_effect",
    "newcombe",
    "obrien_fleming",
    "peeking",
    "power",
    "ratio_score",
    "repeated_p",
    "reproduction_number",
    "required_visitors",
    "required_visitors_non_inferior",
    "rules",
    "same_share",
    "sample_ratio",
    "score_test",
    "sequential_sample_ratio",
    "shapley",
    "stratified",
    "structural_virality",
    "trend",
    "welch",
    "wilson",
    "z_test",
]
