"""JupyterLab as `make lab` starts it, in a real browser: notebooks run, charts are seen, the explorer answers."""

import importlib.util
import json
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from playwright.sync_api import Browser, BrowserContext, Page

pytestmark = pytest.mark.browser

ROOT = Path(__file__).parents[2]
WAIT = 60_000
# Every address that the server, or a kernel, would look up or connect to, as Python itself reports it.
LISTENING = """
import os, sys

def _heard(event, arguments):
    if event in ("socket.connect", "socket.getaddrinfo"):
        address = arguments[1] if event == "socket.connect" else arguments[0]
        host = address[0] if isinstance(address, tuple) else address
        if isinstance(host, bytes):
            host = host.decode()
        here = host in (None, "", "127.0.0.1", "::1", "localhost", "0.0.0.0") or str(host).startswith(("/", "\\0"))
        if not here:
            with open(os.environ["ADDRESSES"], "a") as file:
                print(event, host, file=file)

sys.addaudithook(_heard)
"""
EXPLORING = (
    'import funnel\n\npeople = funnel.connect("../data/sample", timezone="America/Toronto")',
    "explorer = funnel.explore(people)\nexplorer",
    "explorer.result.plot().show()",
)


@dataclass
class Lab:
    """A JupyterLab that runs, the browser's window on it, and every address that either asked for."""

    url: str
    token: str
    addresses: Path
    context: "BrowserContext"
    requests: list[str] = field(default_factory=list)

    def asked_elsewhere(self) -> list[str]:
        """Return the addresses that are not this server's own."""
        own = (self.url, self.url.replace("http", "ws", 1), "blob:", "data:")
        heard = self.addresses.read_text().splitlines() if self.addresses.exists() else []
        return [each for each in self.requests if not each.startswith(own)] + heard

    def open(self, path: str = "") -> "Page":
        """Open a notebook, or the interface alone, in a window of its own, and wait until it stands."""
        page = self.context.new_page()
        page.on("request", lambda request: self.requests.append(request.url))
        page.on("websocket", lambda socket: self.requests.append(socket.url))
        page.set_default_timeout(WAIT)
        workspace = f"workspaces/{len(self.context.pages)}"
        page.goto(f"{self.url}lab/{workspace}?reset&token={self.token}")
        page.wait_for_function("() => window.jupyterapp && window.jupyterapp.shell")
        page.evaluate("async () => { await window.jupyterapp.restored }")
        if path:
            page.evaluate(OPEN, path)
        return page


OPEN = """async (path) => {
    const opened = await window.jupyterapp.commands.execute("docmanager:open", { path });
    await opened.context.ready;
    await opened.sessionContext.ready;
}"""
RUN_ALL = """async () => {
    await window.jupyterapp.commands.execute("notebook:run-all-cells");
    const cells = window.jupyterapp.shell.currentWidget.content.model.sharedModel.toJSON().cells;
    return cells.map((cell) => cell.outputs ?? []);
}"""
# Cells far below are drawn when one scrolls to them.
SCROLL = """async (place) => {
    const content = window.jupyterapp.shell.currentWidget.content;
    await content.scrollToItem(place, "start");
}"""


def make_lab() -> Any:
    """Return run.py as a module: what `make lab` runs."""
    found = importlib.util.spec_from_file_location("run", ROOT / "run.py")
    assert found is not None
    assert found.loader is not None
    module = importlib.util.module_from_spec(found)
    found.loader.exec_module(module)
    return module


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder as this one is, for JupyterLab to write in, and a home where nobody has set anything."""
    folder = tmp_path_factory.mktemp("lab")
    shutil.copytree(ROOT / "notebooks", folder / "notebooks", ignore=shutil.ignore_patterns(".*"))
    shutil.copytree(ROOT / "data", folder / "data")
    (folder / "home").mkdir()
    (folder / "listening").mkdir()
    (folder / "listening" / "sitecustomize.py").write_text(LISTENING, encoding="utf-8")
    cell = {"cell_type": "code", "metadata": {}, "outputs": [], "execution_count": None}
    cells = [{"id": f"cell-{place}", **cell, "source": source} for place, source in enumerate(EXPLORING)]
    notebook = {"cells": cells, "metadata": KERNEL, "nbformat": 4, "nbformat_minor": 5}
    (folder / "notebooks" / "exploring.ipynb").write_text(json.dumps(notebook), encoding="utf-8")
    return folder


KERNEL = {"kernelspec": {"display_name": "Python 3", "language": "python", "name": "python3"}}


def served(folder: Path, name: str, arguments: list[str], chromium: "Browser") -> Iterator[Lab]:
    """Start JupyterLab as `make lab` does, with a browser's window of its own, and end both."""
    pytest.importorskip("jupyterlab")
    run = make_lab()
    with pytest.MonkeyPatch.context() as patch:
        for variable in ("JUPYTER_CONFIG_PATH", "JUPYTER_CONFIG_DIR", "JUPYTER_PATH", "LC_ALL", "LC_MESSAGES"):
            patch.delenv(variable, raising=False)
        places = {"HOME": folder / "home", "IPYTHONDIR": folder / "home", "JUPYTER_RUNTIME_DIR": folder / name}
        for variable, place in {
            **places,
            "PYTHONPATH": folder / "listening",
            "ADDRESSES": folder / f"{name}.txt",
        }.items():
            patch.setenv(variable, str(place))
        patch.setenv("LANG", "en_CA.UTF-8")
        left = run.settle(arguments)
        switches = ["--no-browser", "--ServerApp.port=0", "--expose-app-in-browser", *left]
        if hasattr(os, "geteuid") and os.geteuid() == 0:
            switches.append("--allow-root")
        with (folder / f"{name}.log").open("w") as log:
            server = subprocess.Popen(
                [sys.executable, "-m", *run.JOBS["lab"][0], *switches], cwd=folder, stdout=log, stderr=log
            )
    context = chromium.new_context(viewport={"width": 1280, "height": 900}, reduced_motion="reduce")
    context.grant_permissions(["clipboard-read", "clipboard-write"])
    try:
        told = address(folder / name, server)
        yield Lab(told["url"].replace("localhost", "127.0.0.1"), told["token"], folder / f"{name}.txt", context)
    finally:
        context.close()
        server.terminate()
        server.wait(timeout=30)


def address(runtime: Path, server: "subprocess.Popen[bytes]") -> dict[str, str]:
    """Wait until the server says where it listens."""
    for _ in range(300):
        assert server.poll() is None, "JupyterLab ended before it began"
        for file in runtime.glob("jpserver-*.json"):
            if file.stat().st_size:
                return json.loads(file.read_text(encoding="utf-8"))
        time.sleep(0.2)
    raise AssertionError("JupyterLab did not begin within a minute")


@pytest.fixture(scope="module")
def lab(folder: Path, chromium: "Browser") -> Iterator[Lab]:
    yield from served(folder, "english", [], chromium)


def run_all(page: "Page") -> list[list[dict[str, Any]]]:
    """Run all cells, none of which may fail, and return what each shows."""
    cells: list[list[dict[str, Any]]] = page.evaluate(RUN_ALL)
    failed = [output["evalue"] for cell in cells for output in cell if output["output_type"] == "error"]
    assert failed == []
    return cells


def test_a_notebook_runs_and_its_charts_are_seen(lab: Lab) -> None:
    page = lab.open("01_funnel.ipynb")
    cells = run_all(page)
    outputs = [(place, output) for place, cell in enumerate(cells) for output in cell]
    assert "Progress" not in json.dumps(cells)  # no bar stays behind
    charts = [place for place, output in outputs if "application/vnd.plotly.v1+json" in output.get("data", {})]
    assert len(charts) >= 5
    for place in charts:
        page.evaluate(SCROLL, place)
        chart = page.locator(f".jp-Cell[data-windowed-list-index='{place}'] .js-plotly-plot .main-svg").first
        chart.wait_for(state="visible")
    assert page.get_by_text("Share chart").count() == 0
    assert lab.asked_elsewhere() == []


@pytest.fixture(scope="module")
def exploring(lab: Lab) -> "Page":
    """A notebook with an explorer, run."""
    page = lab.open("exploring.ipynb")
    run_all(page)
    page.locator(".funnel-result table").first.wait_for(state="visible")
    return page


def first_cells(page: "Page") -> list[str]:
    """Return what stands first in each row of the explorer's table."""
    return page.locator(".funnel-result tbody tr > :first-child").all_inner_texts()


def test_every_control_of_the_explorer_has_a_name_and_is_reached_by_the_keyboard(exploring: "Page") -> None:
    from axe_playwright_python.sync_playwright import Axe

    found = Axe().run(exploring, context=".jp-OutputArea-output").response
    assert len(found["passes"]) > 10
    assert [(each["id"], [node["target"] for node in each["nodes"]]) for each in found["violations"]] == []
    exploring.get_by_label("Step 1").focus()
    reached = []
    while len(reached) < 40 and "Copy the code" not in reached:
        reached.append(exploring.evaluate(FOCUSED))
        exploring.keyboard.press("Tab")
    # Between the controls and the table come plotly's own buttons, each with its name.
    assert all(reached)
    assert [each for each in dict.fromkeys(reached) if each in CONTROLS] == list(CONTROLS)


CONTROLS = (
    *("Step 1", "Step 2", "Step 3", "Follow-up 1", "Follow-up 2", "Follow-up 3"),
    *("Time for the steps", "Time for follow-ups", "Break down by", "First day", "Last day", "Steps come", "Count"),
    *("Where visitors go, and where they stop", "1 more note", "Copy the code"),
)
FOCUSED = """() => {
    const at = document.activeElement;
    return at.labels?.[0]?.textContent ?? at.ariaLabel ?? at.textContent;
}"""


def test_the_explorer_answers_a_click_and_gives_its_code(exploring: "Page", lab: Lab) -> None:
    assert first_cells(exploring) == ["visit", "sign", "share", "partner click"]
    exploring.locator(".js-plotly-plot .main-svg").first.wait_for(state="visible")
    exploring.get_by_label("Break down by").select_option(label="device (3)")
    exploring.locator(".funnel-result tbody th", has_text="tablet").first.wait_for(state="visible")
    assert sorted(set(first_cells(exploring))) == ["computer", "mobile", "tablet"]
    window = exploring.get_by_label("Time for the steps")
    window.fill("soon")
    window.press("Enter")
    exploring.get_by_text("“soon” is no length of time. Write for example “7 days”.").wait_for()
    window.fill("1 hour")
    window.press("Enter")
    button = exploring.get_by_role("button", name="Copy the code")
    button.press("Enter")
    exploring.get_by_text("Copied.").wait_for()
    copied = exploring.evaluate("() => navigator.clipboard.readText()")
    assert 'window="1 hour"' in copied
    assert "result = petition.measure(people)" in copied
    assert copied == exploring.locator(".funnel-code code").inner_text()
    assert lab.asked_elsewhere() == []


def test_no_news_pops_up_and_the_server_looks_for_nothing(lab: Lab) -> None:
    page = lab.open()
    for asked in ("news", "update"):
        told = page.evaluate("async (asked) => (await fetch(`/lab/api/${asked}`)).json()", asked)
        assert told in ({"news": []}, {"notification": None})
    page.evaluate("() => window.jupyterapp.commands.execute('extensionmanager:show-panel')")
    page.get_by_text("Installed").first.wait_for()
    page.wait_for_timeout(2_000)  # a pop-up would be there by then
    assert page.locator(".Toastify__toast").count() == 0
    assert lab.asked_elsewhere() == []


def test_its_menus_are_french_when_asked(folder: Path, chromium: "Browser") -> None:
    for lab in served(folder, "french", ["--french"], chromium):
        page = lab.open()
        page.get_by_role("menuitem", name="Fichier").wait_for()
        assert lab.asked_elsewhere() == []


@pytest.mark.parametrize(
    ("spoken", "typed", "is_french"),
    [
        ({"LANG": "fr_CA.UTF-8"}, [], True),
        ({"LANG": "en_CA.UTF-8"}, ["--french"], True),
        ({"LANG": "en_CA.UTF-8"}, [], False),
        ({"LANG": "fr_CA.UTF-8", "LC_ALL": "en_CA.UTF-8"}, [], False),
        ({}, [], False),
    ],
)
def test_it_is_french_when_asked_or_where_the_system_speaks_it(
    spoken: dict[str, str], typed: list[str], is_french: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("LC_ALL", "LC_MESSAGES", "LANG"):
        monkeypatch.delenv(name, raising=False)
    for name, value in spoken.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setenv("JUPYTER_CONFIG_PATH", "one's own")
    assert make_lab().settle([*typed, "--port=9000"]) == ["--port=9000"]
    folders = os.environ["JUPYTER_CONFIG_PATH"].split(os.pathsep)
    french = [str(ROOT / ".jupyter" / "french")]
    assert folders == [*(french if is_french else []), str(ROOT / ".jupyter"), "one's own"]
