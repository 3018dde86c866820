"""Results as chapters, published as sections of a page: the sentence, the chart, the table and the bars of each."""

from funnel.sections.chapter import Chapter, PublishedChapter
from funnel.sections.publishing import Publication, publish
from funnel.sections.section import Answer, group_columns, in_words, step_bars, table_for

__all__ = [
    "Answer",
    "Chapter",
    "Publication",
    "PublishedChapter",
    "group_columns",
    "in_words",
    "publish",
    "step_bars",
    "table_for",
]
