"""Reports: answers gathered into one HTML page that stands alone.

`Report` gathers any results under headings; `campaign_report` is the whole story of a petition's funnel,
`experiment_report` that of one experiment.
"""

from funnel.report.campaign import campaign_report
from funnel.report.experiment import USUAL_CONTROL, experiment_report, shown, usual_experiments
from funnel.report.report import Report

__all__ = ["USUAL_CONTROL", "Report", "campaign_report", "experiment_report", "shown", "usual_experiments"]
