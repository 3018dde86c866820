"""Gather into the site what lies outside docs/: the notebooks with their answers, and pages of the repository.

MkDocs calls these functions (`hooks` of mkdocs.yml). The pages are written for GitHub and for pytest, which runs their
examples; what the site's Markdown wants otherwise is changed here, on the way, and never in the files.
"""

from __future__ import annotations

import functools
import html
import json
import os
import posixpath
import re
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from mkdocs.config.defaults import MkDocsConfig
    from mkdocs.structure.files import Files
    from mkdocs.structure.pages import Page

ROOT = Path(__file__).parents[2]

# Where a file of the repository stands in the site. Files of docs/ keep their place.
ELSEWHERE = {
    "README.md": "tour.md",
    "CHANGELOG.md": "changelog.md",
    "CONTRIBUTING.md": "contributing.md",
    "benchmarks/README.md": "benchmarks.md",
    "data/README.md": "data.md",
    "data/published/README.md": "published.md",
}
NOTEBOOKS = {f"notebooks/{path.name}": f"notebooks/{path.stem}.md" for path in ROOT.glob("notebooks/*.ipynb")}
IN_SITE = ELSEWHERE | NOTEBOOKS
IN_REPOSITORY = {there: here for here, there in IN_SITE.items()}

PLOTLY = "assets/plotly.min.js"
LINK = re.compile(r"\]\((?!\w+:|#)([^)#\s]+)(#[^)]*)?\)")
ITEM = re.compile(r"(?:[-*+]|\d+\.) +(?=\S)")
FENCE = re.compile(r"(```+|~~~+)")


def on_files(files: Files, config: MkDocsConfig) -> Files:
    """Add the pages of the repository, the notebooks, and plotly, which draws their charts."""
    from mkdocs.structure.files import File

    for here, there in ELSEWHERE.items():
        files.append(File.generated(config, there, content=(ROOT / here).read_text(encoding="utf-8")))
    for here, there in NOTEBOOKS.items():
        files.append(File.generated(config, there, content=notebook_page(here, config.extra["execute_notebooks"])))
    if config.extra["execute_notebooks"]:
        from plotly.offline import get_plotlyjs

        files.append(File.generated(config, PLOTLY, content=get_plotlyjs()))
    return files


def on_page_markdown(markdown: str, page: Page, **_: object) -> str:
    """Write the page as the site's Markdown wants it."""
    here = IN_REPOSITORY.get(page.file.src_uri, f"docs/{page.file.src_uri}")
    return reindented(with_bars(with_prompts(relinked(markdown, here, page.file.src_uri))))


def on_page_content(content: str, page: Page, files: Files, **_: object) -> str:
    """Link the files of the repository that a page or docstring names, and let a notebook draw its charts."""
    from mkdocs.utils import get_relative_url

    def linked(found: re.Match) -> str:
        named = files.get_file_from_path(IN_SITE.get(found[1], found[1].removeprefix("docs/")))
        if named is None or named.src_uri == page.file.src_uri:
            return found[0]
        return f'<a href="{get_relative_url(named.url, page.url)}">{found[0]}</a>'

    known = re.compile(r"(?<!\">)<code>((?:docs|notebooks|data)/[\w/]+\.(?:md|ipynb)|[A-Z]+\.md)</code>")
    content = known.sub(linked, content)
    if 'class="chart"' in content:
        scripts = [get_relative_url(name, page.url) for name in (PLOTLY, "assets/charts.js")]
        content += "".join(f'<script src="{each}"></script>' for each in scripts)
    return content


# Markdown


def relinked(markdown: str, here: str, there: str) -> str:
    """Return a page with its links from place to place in the repository as links from place to place in the site."""

    def place(link: re.Match) -> str:
        target = posixpath.normpath(posixpath.join(posixpath.dirname(here), link[1]))
        within = IN_SITE.get(target, target.removeprefix("docs/"))
        return f"]({os.path.relpath(within, posixpath.dirname(there) or '.')}{link[2] or ''})".replace(os.sep, "/")

    return LINK.sub(place, markdown)


def with_prompts(markdown: str) -> str:
    """Return a page whose examples with prompts are marked as such, without what is only for doctest."""
    return re.sub(r" *# doctest: .*", "", markdown.replace("```python\n>>>", "```pycon\n>>>"))


def with_bars(markdown: str) -> str:
    """Return a page whose code in tables has its bars bare: GitHub wants a backslash before them."""

    def row(line: re.Match) -> str:
        return re.sub(r"`[^`]+`", lambda code: code[0].replace(r"\|", "|"), line[0])

    return re.sub(r"^\|.*", row, markdown, flags=re.MULTILINE)


def reindented(markdown: str) -> str:
    """Return a page whose lists are as Python-Markdown reads them: four spaces a level, a blank line before the first.

    On GitHub what is in a list is indented as far as the text of its item begins.
    """
    lines: list[str] = []
    levels: list[int] = []  # where the text of each list item begins that we are in
    fence = ""
    for line in markdown.splitlines():
        if not line.strip():
            lines.append("")
            continue
        indent = len(line) - len(line.lstrip())
        while not fence and levels and indent < levels[-1]:
            levels.pop()
        text = line[levels[-1] :] if levels else line
        opened = FENCE.match(text)
        if opened:
            fence = "" if fence and text.startswith(fence) else fence or opened[1]
        item = None if fence else ITEM.match(text)
        before = lines[-1] if lines else ""
        if item and not levels and before and not before.startswith(" ") and not ITEM.match(before):
            lines.append("")
        lines.append("    " * len(levels) + text)
        if item:
            levels.append(indent + item.end())
    return "\n".join(lines) + "\n"


# Notebooks


@functools.cache
def notebook_page(here: str, executed: bool) -> str:
    """Return a notebook as a page: its prose, its code folded, its answers; these only if it is to be executed."""
    import nbformat

    notebook = nbformat.read(ROOT / here, as_version=4)
    if executed:
        from nbclient import NotebookClient

        folder = str((ROOT / here).parent)
        NotebookClient(notebook, timeout=600, resources={"metadata": {"path": folder}}).execute()
    parts = []
    for cell in notebook.cells:
        if cell.cell_type == "markdown":
            parts.append(cell.source)
        elif cell.source.strip():
            parts.append(folded(cell.source))
            parts += [shown(output) for output in cell.outputs]
    return "\n\n".join(part for part in parts if part) + "\n"


def folded(code: str) -> str:
    """Return a cell's code, folded away under its first line."""
    inside = "\n".join(f"    {line}".rstrip() for line in ["```python", *code.splitlines(), "```"])
    return f'??? code "Code"\n\n{inside}'


def shown(output: dict) -> str:
    """Return what a cell answered as HTML on lines of its own: chart, table or text."""
    if output["output_type"] == "stream":
        return preformatted(output["text"]) if output["name"] == "stdout" else ""
    data = output.get("data", {})
    if "application/vnd.plotly.v1+json" in data:
        figure = data["application/vnd.plotly.v1+json"]
        title = (figure["layout"].get("title") or {}).get("text") or "Chart"
        label = html.escape(re.sub(r"<[^>]+>", " ", title))
        drawing = json.dumps(figure, ensure_ascii=False).replace("<", "\\u003c")
        return (
            f'<div class="chart" role="figure" aria-label="{label}" data-search-exclude>'
            f'<script type="application/json">{drawing}</script></div>'
        )
    if "text/html" in data:
        table = re.sub(r"<style scoped>.*?</style>", "", data["text/html"], flags=re.DOTALL)
        lines = (line.strip() for line in table.splitlines())
        return f'<div class="answer" tabindex="0" data-search-exclude>{" ".join(filter(None, lines))}</div>'
    return preformatted(data.get("text/plain", ""))


def preformatted(text: str) -> str:
    """Return printed text as it was printed; where it is sentences and nothing stands in columns, as a paragraph."""
    lines = html.escape(text.rstrip()).splitlines()
    if "  " in text:
        return f'<div class="answer" tabindex="0"><pre>{"&#10;".join(lines)}</pre></div>'
    return f'<div class="said">{"<br>".join(lines)}</div>'
