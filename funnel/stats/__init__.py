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
from funnel.stats.counters import Binned, Increments, Silence, binned, increments, silences
from funnel.stats.credit import credit_intervals, markov_removal, rules, shapley
from funnel.stats.decay import Decay, decay
from funnel.stats.differences import boschloo, newcombe, z_test
from funnel.stats.heterogeneity import Heterogeneity, Pooled, heterogeneity, trend
from funnel.stats.interrupted import Interruption, interrupted_series
from funnel.stats.kernels import Separation, separate
from funnel.stats.local_level import LocalLevel, StructuralEffect, local_level, structural_effect
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
from funnel.stats.placebo import Placebo, placebo_rank, placebo_test, window_excesses
from funnel.stats.planning import (
    MinimumEffect,
    RequiredVisitors,
    minimum_detectable_effect,
    power,
    required_visitors,
    required_visitors_non_inferior,
)
from funnel.stats.proportions import Estimate, wilson
from funnel.stats.rates import (
    Dispersion,
    RateExcess,
    dispersion,
    garwood,
    poisson_excess,
    quasi_poisson_excess,
    rate_excess,
)
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
from funnel.stats.slots import slot_dispersion, slot_excess
from funnel.stats.survival import Incidence, aalen_johansen, homogeneity, horizon, stratified
from funnel.stats.weighted_counts import weighted_count

__all__ = [
    "Binned",
    "Boundaries",
    "Clusters",
    "CorrectedMean",
    "Decay",
    "Dispersion",
    "Estimate",
    "Heterogeneity",
    "Incidence",
    "Increments",
    "Interruption",
    "LocalLevel",
    "Lorenz",
    "MeanDifference",
    "MinimumEffect",
    "Moments",
    "OffspringFit",
    "Paths",
    "Placebo",
    "Pooled",
    "Posterior",
    "RateExcess",
    "RatioMoments",
    "ReproductionNumber",
    "RequiredVisitors",
    "Separation",
    "Silence",
    "StructuralEffect",
    "Test",
    "aalen_johansen",
    "benjamini_hochberg",
    "beta_binomial",
    "beta_binomial_variants",
    "binned",
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
    "decay",
    "delta_ratio",
    "discretised_interval",
    "dispersion",
    "dunnett_critical",
    "expected_total",
    "extinction_probability",
    "fit_offspring",
    "garwood",
    "heterogeneity",
    "holm",
    "homogeneity",
    "horizon",
    "increments",
    "interrupted_series",
    "local_level",
    "lorenz",
    "markov_removal",
    "miettinen_nurminen",
    "minimum_detectable_effect",
    "newcombe",
    "obrien_fleming",
    "peeking",
    "placebo_rank",
    "placebo_test",
    "poisson_excess",
    "power",
    "quasi_poisson_excess",
    "rate_excess",
    "ratio_score",
    "repeated_p",
    "reproduction_number",
    "required_visitors",
    "required_visitors_non_inferior",
    "rules",
    "same_share",
    "sample_ratio",
    "score_test",
    "separate",
    "sequential_sample_ratio",
    "shapley",
    "silences",
    "slot_dispersion",
    "slot_excess",
    "stratified",
    "structural_effect",
    "structural_virality",
    "trend",
    "weighted_count",
    "welch",
    "wilson",
    "window_excesses",
    "z_test",
]
