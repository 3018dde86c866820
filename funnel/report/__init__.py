"""Reports: answers gathered into one HTML page that stands alone.

`Report` gathers any results under headings; `campaign_report` is the whole story of a petition, as an analysis declares
it; `experiment_report` that of one experiment.
"""

from funnel.report.campaign import campaign_report
from funnel.report.experiment import experiment_report
from funnel.report.report import Report
from funnel.report.usual import USUAL_CONTROL, shown, usual_experiments
from funnel.sections.chapter import Chapter, PublishedChapter

__all__ = [
    "USUAL_CONTROL",
    "Chapter",
    "PublishedChapter",
    "Report",
    "campaign_report",
    "experiment_report",
    "shown",
    "usual_experiments",
]
