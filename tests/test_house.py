"""The house keeps its shape: layers, public names, one set of requirements, clean notebooks, a whole wheel."""

import ast
import inspect
import json
import re
import subprocess
import sys
import tomllib
import zipfile
from pathlib import Path

import pytest
import yaml
from hatchling.builders.wheel import WheelBuilder
from packaging.markers import Marker
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name
from rattler import MatchSpec

import funnel

ROOT = Path(__file__).parents[1]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))

# Bottom to top. An import points strictly down: never up, never sideways. CONTRIBUTING.md shows the same table.
LAYERS = """
errors keeping
assignment language statements
stats conditions definition waiting walk
charts notation outcomes pages privacy quality stages
design events sections shorthand
sources sample marks results
journey_table
channels counts forest wording
curves exposures seeds
answers comparisons referral_forest
credited journeys spread verdicts
climbing excess readout relayed
attribution experiments funnels ladder mentions referrals relays uncollected
forgone
analysis exploring
registration
report
exporting runs
cli magic
"""

# What `make` installs, and environment.yml with it.
INSTALLED_EXTRAS = ("notebook", "static", "docs", "test", "browser")

CONDA_NAMES = {
    "duckdb": "python-duckdb",
    "kaleido": "python-kaleido",
    "playwright": "playwright-python",
    "tzdata": "python-tzdata",
}
NOT_ON_CONDA_FORGE = {"axe-playwright-python", "chdb-core-lite"}


# The layers


HEIGHT = {name: level for level, line in enumerate(LAYERS.split("\n")) for name in line.split()}


def part(module):
    """Return the part of the house a module is in: `funnel.walk.plan` is in `walk`, `funnel` itself above all."""
    return module.split(".")[1] if "." in module else "funnel"


def points_down(module, imported):
    within = part(imported) == part(module)
    return within or HEIGHT.get(part(imported), len(LAYERS)) < HEIGHT[part(module)]


def modules():
    for path in sorted((ROOT / "funnel").rglob("*.py")):
        names = list(path.relative_to(ROOT).with_suffix("").parts)
        yield ".".join(names[:-1] if names[-1] == "__init__" else names), path


def imports(path):
    """Return the modules of the package that a file imports, inside functions too."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path.name} imports by a relative name; write it whole."
            if node.module == "funnel":
                yield from (f"funnel.{alias.name}" for alias in node.names)
            elif node.module.startswith("funnel."):
                yield node.module
        elif isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names if alias.name.split(".")[0] == "funnel")


def test_an_import_only_ever_points_down():
    inside = [(module, path) for module, path in modules() if module != "funnel"]
    assert {part(module) for module, _ in inside} <= set(HEIGHT), "a module has no layer"
    arrows = [(module, imported) for module, path in inside for imported in imports(path)]
    wrong = {f"{module} imports {imported}" for module, imported in arrows if not points_down(module, imported)}
    assert wrong == set()


def test_contributing_shows_the_same_layers():
    assert LAYERS.strip() in (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8")


# The public names


def test_every_public_name_says_what_it_is():
    silent = [name for name in funnel.__all__ if not (explained(getattr(funnel, name)) or name == "__version__")]
    assert silent == []


def explained(thing):
    text = inspect.getdoc(thing)
    written_by_dataclass = bool(text) and text.startswith(f"{getattr(thing, '__name__', '')}(")
    return bool(text) and not written_by_dataclass


def test_import_brings_nothing_heavy():
    heavy = ["babel", "jinja2", "pandas", "plotly", "pyarrow", "rich", "scipy", "statsmodels", "typer"]
    command = f"import sys, funnel; print([name for name in {heavy} if name in sys.modules])"
    answer = subprocess.run([sys.executable, "-c", command], capture_output=True, text=True, check=True)
    assert answer.stdout.strip() == "[]"


def test_the_wheel_carries_every_file_of_the_package(tmp_path):
    (wheel,) = WheelBuilder(str(ROOT)).build(directory=str(tmp_path), versions=["standard"])
    packed = {name for name in zipfile.ZipFile(wheel).namelist() if name.startswith("funnel/")}
    files = {path for path in (ROOT / "funnel").rglob("*") if path.is_file() and "__pycache__" not in path.parts}
    assert packed == {path.relative_to(ROOT).as_posix() for path in files}
    assert "funnel/py.typed" in packed


# One set of requirements: pyproject.toml says it, requirements.lock and environment.yml follow


def requirements():
    extras = PROJECT["project"]["optional-dependencies"]
    lines = PROJECT["project"]["dependencies"] + [line for extra in INSTALLED_EXTRAS for line in extras[extra]]
    return [Requirement(line) for line in lines]


def pins():
    """Yield (name, version, marker, number of hashes) of every pin of the lock."""
    text = (ROOT / "requirements.lock").read_text(encoding="utf-8")
    for pin in re.split(r"\n(?=\S)", text):
        name, version, marker = re.match(r"([\w.-]+)==(\S+)(?: ; (.+?))? \\\n", pin).groups()
        yield canonicalize_name(name), version, Marker(marker) if marker else None, pin.count("--hash=sha256:")


def test_the_lock_names_no_host_and_hashes_every_file():
    assert "://" not in (ROOT / "requirements.lock").read_text(encoding="utf-8")
    assert [name for name, _, _, hashes in pins() if not hashes] == []


@pytest.mark.parametrize("python", ["3.11.0", "3.12.0", "3.13.0"])
@pytest.mark.parametrize("system", ["linux", "darwin", "win32"])
def test_the_lock_satisfies_every_requirement(python, system):
    machine = {"python_full_version": python, "python_version": python[:4], "sys_platform": system}
    locked = {name: version for name, version, marker, _ in pins() if marker is None or marker.evaluate(machine)}
    asked = [each for each in requirements() if each.marker is None or each.marker.evaluate(machine)]
    unmet = [str(each) for each in asked if not each.specifier.contains(locked.get(canonicalize_name(each.name), "0"))]
    assert unmet == []


def test_conda_gets_the_same_names_and_bounds():
    environment = yaml.safe_load((ROOT / "environment.yml").read_text(encoding="utf-8"))
    *lines, last = environment["dependencies"]
    conda = [MatchSpec(line) for line in lines]
    expected = [f"python {PROJECT['project']['requires-python']}", "pip"]
    by_pip = []
    for each in requirements():
        if each.name in NOT_ON_CONDA_FORGE:
            by_pip.append(str(each))
        else:
            bounds = ",".join(sorted(map(str, each.specifier), reverse=True))
            expected.append(f"{CONDA_NAMES.get(each.name, each.name)} {bounds}")
    assert {str(spec) for spec in conda} == {str(MatchSpec(line)) for line in expected}
    assert {str(Requirement(line)) for line in last["pip"] if line != "-e ."} == set(by_pip)
    assert last["pip"][-1] == "-e ."


# Papers


def test_the_changelog_has_an_entry_for_this_version():
    assert f"\n## {PROJECT['project']['version']}" in (ROOT / "CHANGELOG.md").read_text(encoding="utf-8")


def test_notebooks_are_stored_without_outputs():
    notebooks = sorted((ROOT / "notebooks").glob("*.ipynb"))
    assert notebooks
    cells = [(path.name, cell) for path in notebooks for cell in json.loads(path.read_text(encoding="utf-8"))["cells"]]
    code = [(name, cell) for name, cell in cells if cell["cell_type"] == "code"]
    assert [name for name, cell in code if cell["outputs"] or cell["execution_count"] is not None] == []
