"""An exported notebook as its reader meets it: opened from a folder, phone and laptop, with JavaScript and without."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from funnel.exporting import export
from tests.browser.conftest import Visit

pytestmark = pytest.mark.browser

NOTEBOOK = Path(__file__).parents[2] / "notebooks" / "01_funnel.ipynb"


@pytest.fixture(scope="module")
def page(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The first notebook in French, whose words are longer, with its code folded in."""
    path = tmp_path_factory.mktemp("export") / "page.html"
    path.write_text(export(NOTEBOOK, parameters={"language": "fr"}, code=True), encoding="utf-8")
    return path


@pytest.fixture(scope="module", params=[375, 1280])
def opened(page: Path, visit: Callable[..., Visit], request: pytest.FixtureRequest) -> Iterator[Visit]:
    with visit(page, width=request.param) as opened:
        assert opened.wait_for_charts() == 6
        yield opened


def test_it_asks_no_host_and_the_console_stays_silent(opened: Visit) -> None:
    assert opened.requests[0].startswith("file:")
    assert [each for each in opened.requests[1:] if not each.startswith("blob:")] == []
    assert opened.complaints == []


def test_every_chart_is_drawn_inside_the_window_and_nothing_overflows(opened: Visit) -> None:
    plots = opened.page.locator("figure.drawn .plot .main-svg:first-child")
    boxes = [plots.nth(place).bounding_box() for place in range(plots.count())]
    assert len(boxes) >= 6
    assert all(box is not None and box["x"] >= 0 and box["x"] + box["width"] <= opened.width for box in boxes)
    assert opened.overflow() <= 0


def test_axe_finds_nothing_to_mend_by_day_and_by_night(opened: Visit) -> None:
    from axe_playwright_python.sync_playwright import Axe

    for scheme in ("dark", "light"):
        opened.show(scheme)
        found = Axe().run(opened.page)
        assert found.violations_count == 0, found.generate_report()


def test_the_code_is_folded_and_opens(opened: Visit) -> None:
    code = opened.page.locator("details.code")
    assert code.count() > 10
    first = code.first
    assert not first.locator("pre").is_visible()
    first.locator("summary").press("Enter")
    assert "events = " in first.locator("pre").inner_text()
    first.locator("summary").press("Enter")


@pytest.mark.parametrize("width", [375, 1280])
def test_without_javascript_every_chart_has_its_numbers_in_the_open(
    page: Path, visit: Callable[..., Visit], width: int
) -> None:
    with visit(page, width=width, script=False) as silent:
        figures = silent.page.locator("figure[data-chart]")
        tables = silent.page.locator("details.numbers table")
        assert figures.count() == tables.count() == 6
        assert all(tables.nth(place).is_visible() for place in range(6))
        assert "14\u202f580" in silent.page.locator("main").inner_text()
        assert silent.page.locator(".plot >> visible=true").count() == 0
        assert silent.page.evaluate("document.documentElement.scrollWidth") <= width
