"""The documentation is whole: its navigation, its reference, its links, how to cite, and the site built of it."""

import functools
import importlib
import importlib.util
import json
import os
import re
import subprocess
import sys
import tomllib
from html.parser import HTMLParser
from pathlib import Path

import pytest
import yaml

import funnel

ROOT = Path(__file__).parents[1]
DOCS = ROOT / "docs"
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
CITATION = yaml.safe_load((ROOT / "CITATION.cff").read_text(encoding="utf-8"))


class Settings(yaml.SafeLoader):
    """Reads mkdocs.yml, whose `!ENV` is a list of a variable's name and a value to take without it."""


Settings.add_constructor("!ENV", lambda loader, node: loader.construct_sequence(node))
SETTINGS = yaml.load((ROOT / "mkdocs.yml").read_text(encoding="utf-8"), Settings)  # a safe loader too


def gathered():
    """Return where in the site the pages stand that lie outside docs/."""
    spec = importlib.util.spec_from_file_location("gather", DOCS / ".mkdocs" / "gather.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module.IN_SITE


def in_navigation(entries):
    for entry in entries:
        for below in entry.values() if isinstance(entry, dict) else [entry]:
            yield from [below] if isinstance(below, str) else in_navigation(below)


def markdown():
    """Return every page as people write it: its path and its text, of a notebook that of its prose."""
    pages = [*DOCS.rglob("*.md"), *(ROOT / name for name in gathered())]
    for path in pages:
        text = path.read_text(encoding="utf-8")
        if path.suffix == ".ipynb":
            cells = json.loads(text)["cells"]
            text = "\n\n".join("".join(cell["source"]) for cell in cells if cell["cell_type"] == "markdown")
        yield path, text


# Before it is built


def test_the_navigation_names_every_page_and_every_notebook_once():
    written = [path.relative_to(DOCS).as_posix() for path in DOCS.rglob("*.md")]
    assert sorted(in_navigation(SETTINGS["nav"])) == sorted([*written, *gathered().values()])


def test_the_reference_has_every_public_name_once():
    pages = "\n".join(path.read_text(encoding="utf-8") for path in (DOCS / "reference").glob("*.md"))
    entries = re.findall(
        r"^::: ([\w.]+)\.(\w+)\n    options:\n      heading: funnel\.(\w+)$", pages, flags=re.MULTILINE
    )
    assert sorted(name for _, name, _ in entries) == sorted(funnel.__all__)
    for module, name, heading in entries:
        assert name == heading
        assert getattr(importlib.import_module(module), name) is getattr(funnel, name)


def test_every_link_between_pages_leads_to_a_file_and_a_heading():
    headings = {
        path: {anchor(line) for line in re.findall(r"^#+ (.+)$", text, flags=re.MULTILINE)} for path, text in markdown()
    }
    lost = []
    for path, text in markdown():
        for target, _, place in re.findall(r"\]\((?!\w+:)([^)#\s]*)(#([^)]*))?\)", text):
            found = (path.parent / target).resolve() if target else path
            if not found.is_file() or (place and place not in headings.get(found, ())):
                lost.append(f"{path.relative_to(ROOT)}: {target}#{place}")
    assert lost == []


def anchor(heading):
    """Return what a heading is linked by, on GitHub and in the site."""
    return re.sub(r"[\s]+", "-", re.sub(r"[^\w\s-]", "", heading.lower()).strip())


# How to cite it


def test_the_citation_says_what_the_project_says():
    assert CITATION["title"] == PROJECT["name"]
    assert CITATION["version"] == PROJECT["version"] == funnel.__version__
    assert CITATION["license"] == PROJECT["license"]
    assert CITATION["abstract"] == PROJECT["description"]
    assert CITATION["keywords"] == PROJECT["keywords"]
    told = (DOCS / "citing.md").read_text(encoding="utf-8")
    assert f"version {PROJECT['version']}. {PROJECT['license']}." in told
    assert f"version = {{{PROJECT['version']}}}" in told


def test_the_citation_is_valid():
    """By the rules of the Citation File Format 1.2.0 for what this one holds (its schema, "properties")."""
    texts = ("cff-version", "message", "type", "title", "abstract", "version", "license")
    assert set(CITATION) == {*texts, "authors", "keywords"}
    assert all(isinstance(CITATION[key], str) and CITATION[key] for key in texts)
    assert CITATION["cff-version"] == "1.2.0"
    assert CITATION["type"] in ("software", "dataset")
    # An author is a person or an entity, and an entity has a name.
    assert CITATION["authors"] == [{"name": "The funnel contributors"}]
    assert len(set(CITATION["keywords"])) == len(CITATION["keywords"])
    assert all(isinstance(each, str) and each for each in CITATION["keywords"])


# As it is built


@pytest.fixture(scope="session")
def site(tmp_path_factory):
    """The site as `make docs` builds it, but for the answers of the notebooks, which take minutes."""
    if importlib.util.find_spec("mkdocs") is None:
        pytest.skip("MkDocs is not installed: pip install 'acquisition-funnel[docs]' to build the site.")
    return built(tmp_path_factory.getbasetemp() / "site")


@functools.cache
def built(folder):
    """Build the site once in a session, for the tests in a browser too."""
    command = [sys.executable, "-m", "mkdocs", "build", "--quiet", "--strict", "--site-dir", str(folder)]
    quick = os.environ | {"EXECUTE_NOTEBOOKS": "false", "NO_MKDOCS_2_WARNING": "1"}
    run = subprocess.run(command, cwd=ROOT, env=quick, capture_output=True, text=True, check=False)
    assert (run.returncode, run.stderr) == (0, "")
    return folder


class Requests(HTMLParser):
    """Collects what a page asks for as it opens: scripts, styles, images, fonts, frames."""

    def __init__(self):
        super().__init__()
        self.asked = []
        self.classes = set()

    def handle_starttag(self, tag, attrs):
        given = dict(attrs)
        self.classes |= set((given.get("class") or "").split())
        if tag == "link" or tag in ("img", "script", "iframe", "source", "video", "audio", "object", "embed"):
            self.asked += [given[name] for name in ("href", "src", "srcset", "data", "poster") if given.get(name)]
        self.asked += re.findall(r"url\(([^)]+)\)", given.get("style") or "")


def test_every_page_is_built(site):
    for page in in_navigation(SETTINGS["nav"]):
        text = (site / page).with_suffix(".html").read_text(encoding="utf-8")
        assert "<h1" in text, page


def test_no_page_of_the_site_asks_another_host(site):
    pages = list(site.rglob("*.html"))
    assert len(pages) > len(list(in_navigation(SETTINGS["nav"])))  # and the page for what is not found
    for path in pages:
        page = Requests()
        page.feed(path.read_text(encoding="utf-8"))
        outside = [each for each in page.asked if re.match(r"\s*['\"]?(\w+:)?//", each)]
        assert outside == [], path.name
        # Material's script would fetch a library for diagrams, and only for them.
        assert "mermaid" not in page.classes, path.name
    for sheet in site.rglob("*.css"):
        asked = re.findall(r"(?:url\(|@import)\s*['\"]?((?:\w+:)?//[^)'\"]+)", sheet.read_text(encoding="utf-8"))
        assert asked == [], sheet.name


def test_the_examples_of_docstrings_are_code_and_their_arguments_a_list(site):
    text = (site / "reference" / "funnel.html").read_text(encoding="utf-8")
    assert "<blockquote>" not in text
    assert (
        "<li><code>window</code>: the time from entry within which all steps must come, its end included.</li>" in text
    )
