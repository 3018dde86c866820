"""Charts: a frame in, a plotly figure out, one function a chart. Figures carry aggregates only."""

from funnel.charts.boundary import boundary
from funnel.charts.branches import branch_diagram
from funnel.charts.comparison import groups
from funnel.charts.definitions import sensitivity
from funnel.charts.delays import time_to_convert
from funnel.charts.differences import difference_forest
from funnel.charts.generations import generation_bars
from funnel.charts.incidence import curves
from funnel.charts.look import config, themes
from funnel.charts.novelty import experiment_novelty
from funnel.charts.offspring import cycle_bars, offspring_bars
from funnel.charts.posterior import posterior
from funnel.charts.power_curve import power_curve
from funnel.charts.reproduction import reproduction_over_time
from funnel.charts.segment_forest import segment_forest
from funnel.charts.steps import funnel_bars
from funnel.charts.triangle import cohort_triangle
from funnel.charts.variant_curves import variant_curves

__all__ = [
    "boundary",
    "branch_diagram",
    "cohort_triangle",
    "config",
    "curves",
    "cycle_bars",
    "difference_forest",
    "experiment_novelty",
    "funnel_bars",
    "generation_bars",
    "groups",
    "offspring_bars",
    "posterior",
    "power_curve",
    "reproduction_over_time",
    "segment_forest",
    "sensitivity",
    "themes",
    "time_to_convert",
    "variant_curves",
]
