"""One HTML page that stands alone: sections of text, tables and charts in, one file out.

The page asks nothing of any host (its Content-Security-Policy forbids it), is complete with JavaScript off, follows the
reader's light or dark theme, prints, and is the same bytes for the same content. Plotly is carried once, compressed,
and so are the charts and the files to download.
Nothing here knows what the numbers mean: every string arrives ready to read.
"""

from funnel.pages.branding import Logo, checked_style, read_style
from funnel.pages.content import (
    HIDDEN,
    Bar,
    Chart,
    Column,
    Download,
    Fact,
    Html,
    KeyNumber,
    Look,
    Section,
    Table,
)
from funnel.pages.page import fragment, render
from funnel.pages.stills import why_no_stills

__all__ = [
    "HIDDEN",
    "Bar",
    "Chart",
    "Column",
    "Download",
    "Fact",
    "Html",
    "KeyNumber",
    "Logo",
    "Look",
    "Section",
    "Table",
    "checked_style",
    "fragment",
    "read_style",
    "render",
    "why_no_stills",
]
