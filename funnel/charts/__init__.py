"""Charts: a frame in, a plotly figure out, one function a chart. Figures carry aggregates only."""

from funnel.charts.boundary import boundary
from funnel.charts.branches import branch_diagram
from funnel.charts.comparison import groups
from funnel.charts.credit import credit_by_model
from funnel.charts.definitions import sensitivity
from funnel.charts.delays import time_to_convert
from funnel.charts.differences import difference_forest
from funnel.charts.forgone import forgone_forest
from funnel.charts.generations import generation_bars
from funnel.charts.incidence import curves
from funnel.charts.ladder import ladder_rungs, ladder_times
from funnel.charts.look import config, themes
from funnel.charts.mention_counterfactual import mention_counterfactual
from funnel.charts.mention_ranking import mention_ranking
from funnel.charts.mention_timeline import mention_timeline
from funnel.charts.novelty import experiment_novelty
from funnel.charts.offspring import cycle_bars, offspring_bars
from funnel.charts.path_flow import path_flow
from funnel.charts.posterior import posterior
from funnel.charts.power_curve import power_curve
from funnel.charts.relay_forest import relay_forest
from funnel.charts.reproduction import reproduction_over_time
from funnel.charts.segment_forest import segment_forest
from funnel.charts.steps import funnel_bars
from funnel.charts.trees import largest_trees
from funnel.charts.triangle import cohort_triangle
from funnel.charts.variant_curves import variant_curves

__all__ = [
    "boundary",
    "branch_diagram",
    "cohort_triangle",
    "config",
    "credit_by_model",
    "curves",
    "cycle_bars",
    "difference_forest",
    "experiment_novelty",
    "forgone_forest",
    "funnel_bars",
    "generation_bars",
    "groups",
    "ladder_rungs",
    "ladder_times",
    "largest_trees",
    "mention_counterfactual",
    "mention_ranking",
    "mention_timeline",
    "offspring_bars",
    "path_flow",
    "posterior",
    "power_curve",
    "relay_forest",
    "reproduction_over_time",
    "segment_forest",
    "sensitivity",
    "themes",
    "time_to_convert",
    "variant_curves",
]
