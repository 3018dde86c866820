"""The notebooks run from top to bottom, show aggregates only, and are kept clean, with one cell of parameters."""

import ast
import json
import re
from pathlib import Path

import nbformat
import pytest
from nbclient import NotebookClient

NOTEBOOKS = sorted((Path(__file__).parents[1] / "notebooks").glob("*.ipynb"))
PARAMETERS = ["events", "timezone", "cutoff", "language"]


@pytest.fixture(params=NOTEBOOKS, ids=lambda path: path.stem)
def kept(request):
    """A notebook as it lies in the repository."""
    return json.loads(request.param.read_text(encoding="utf-8"))


def test_notebooks_are_numbered_from_nought_without_a_gap():
    assert [path.name[:3] for path in NOTEBOOKS] == ["00_", "01_", "02_", "03_", "04_", "05_"]


def test_notebook_is_kept_without_outputs(kept):
    code = [cell for cell in kept["cells"] if cell["cell_type"] == "code"]
    assert [cell["id"] for cell in code if cell["outputs"] or cell["execution_count"] is not None] == []
    assert [cell["id"] for cell in kept["cells"]] == [f"cell-{place:02d}" for place in range(len(kept["cells"]))]


def test_one_cell_near_the_top_has_the_parameters_and_the_others_use_them(kept):
    tagged = [place for place, cell in enumerate(kept["cells"]) if cell["metadata"].get("tags") == ["parameters"]]
    assert tagged == [1]
    values = {}
    exec("".join(kept["cells"][1]["source"]), values)
    assert [name for name in values if name != "__builtins__"] == PARAMETERS
    assert (values["events"], values["language"]) == ("../data/sample", "en")
    used = set()
    for cell in kept["cells"][2:]:
        if cell["cell_type"] == "code":
            source = "".join(cell["source"])
            names = [node for node in ast.walk(ast.parse(source)) if isinstance(node, ast.Name)]
            used |= {node.id for node in names if isinstance(node.ctx, ast.Load)}
            assert not {node.id for node in names if isinstance(node.ctx, ast.Store)} & set(PARAMETERS)
            assert "data/sample" not in source
            assert "America/Toronto" not in source
    assert used >= set(PARAMETERS)


def test_the_first_notebook_leads_to_all_others():
    start = json.loads(NOTEBOOKS[0].read_text(encoding="utf-8"))
    written = "".join("".join(cell["source"]) for cell in start["cells"])
    assert re.findall(r"\]\((\w+\.ipynb)\)", written) == [path.name for path in NOTEBOOKS[1:]]


@pytest.fixture(scope="module", params=NOTEBOOKS, ids=lambda path: path.stem)
def executed(request):
    """Run one notebook; a cell that fails ends it."""
    notebook = nbformat.read(request.param, as_version=4)
    NotebookClient(notebook, timeout=120, resources={"metadata": {"path": str(request.param.parent)}}).execute()
    return notebook


def outputs(notebook):
    return [output for cell in notebook.cells if cell.cell_type == "code" for output in cell.outputs]


def test_notebook_runs_without_a_warning(executed):
    said = [output.text for output in outputs(executed) if output.output_type == "stream" and output.name == "stderr"]
    assert said == []


def test_every_chart_is_there_without_the_upload_button(executed):
    figures = [
        output.data["application/vnd.plotly.v1+json"]
        for output in outputs(executed)
        if "application/vnd.plotly.v1+json" in output.get("data", {})
    ]
    plotted = sum(".plot" in cell.source for cell in executed.cells if cell.cell_type == "code")
    assert len(figures) == plotted > 0
    assert all(figure["config"]["showSendToCloud"] is False for figure in figures)


def longest(shown):
    """Return how many entries the longest list in an output has."""
    if isinstance(shown, dict):
        return max(map(longest, shown.values()), default=0)
    if isinstance(shown, list):
        return max(len(shown), *map(longest, shown)) if shown else 0
    return 0


def test_no_visitor_is_shown(executed):
    """A chart of persons would have a list as long as there are persons, and hold as many numbers.

    The largest trees are drawn with up to 1,500 dots, of whom nothing is known but the shape.
    """
    assert max(map(longest, outputs(executed))) < 2_000
    assert len(json.dumps(outputs(executed))) < 600_000


def test_notebook_begins_with_the_answer_and_ends_with_its_limits(executed):
    first, last = executed.cells[0], executed.cells[-1]
    assert first.cell_type == last.cell_type == "markdown"
    assert all(word in first.source for word in ("**Question.**", "**Data.**", "**Answer.**"))
    assert "What one may conclude, and what not" in last.source


def test_cells_are_short_and_prose_comes_first(executed):
    code = [cell.source for cell in executed.cells if cell.cell_type == "code"]
    prose = [cell.source for cell in executed.cells if cell.cell_type == "markdown"]
    assert sum(map(len, prose)) > sum(map(len, code))
    assert max(len(source.splitlines()) for source in code) <= 10
    assert not any(line.startswith("def ") for source in code for line in source.splitlines())
