"""The report as a reader meets it: opened from a folder, on a phone and a laptop, by day and by night, and on paper."""

import re
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

import funnel
from funnel.report import campaign_report, experiment_report, usual_experiments
from tests.browser.conftest import Visit

pytestmark = pytest.mark.browser

SAMPLE = Path(__file__).parents[2] / "data" / "sample"


@pytest.fixture(scope="module", params=["en", "fr", "experiment"])
def report(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The campaign's report in both languages, and the page of its experiment in French, whose words are longer."""
    events = funnel.connect(SAMPLE, timezone="America/Toronto")
    path = tmp_path_factory.mktemp("report") / f"{request.param}.html"
    if request.param == "experiment":
        (usual,) = usual_experiments(events)
        return experiment_report(usual.measure(events, language="fr")).save(path)
    question = funnel.Funnel(["visit", "sign"], follow_ups=["share", "partner_click"])
    return campaign_report(events, question, language=request.param).save(path)


@pytest.fixture(scope="module", params=[360, 1280])
def opened(report: Path, visit: Callable[..., Visit], request: pytest.FixtureRequest) -> Iterator[Visit]:
    """The report drawn in a window of a phone's width and of a laptop's; each test leaves the theme light."""
    with visit(report, width=request.param) as opened:
        assert opened.wait_for_charts() >= 6
        yield opened


def test_it_asks_no_host_and_the_console_stays_silent(opened: Visit) -> None:
    assert opened.requests[0].startswith("file:")
    assert [each for each in opened.requests[1:] if not each.startswith("blob:")] == []
    assert opened.complaints == []


def test_it_is_light_enough_to_send(report: Path) -> None:
    assert report.stat().st_size < 2_500_000


def test_the_verdict_of_the_experiment_is_among_the_first_words(opened: Visit) -> None:
    lead = " ".join(opened.page.locator("p.lead").all_inner_texts())
    assert re.search(
        "Do not show the variant “share” to everyone|N’affichez pas encore la variante «\xa0partage\xa0»", lead
    )


def test_no_chart_offers_to_upload_itself(opened: Visit) -> None:
    assert opened.page.get_by_text("Share chart").count() == 0
    assert opened.page.locator("[data-title*='Share chart'], [aria-label*='Share chart'], .modebar-btn").count() == 0


def test_every_chart_stands_over_a_table_that_opens(opened: Visit) -> None:
    figures = opened.page.locator("figure[data-chart]")
    summaries = opened.page.locator("figure[data-chart] + details > summary")
    assert summaries.count() == figures.count()
    table = opened.page.locator("details table").first
    assert not table.is_visible()
    summaries.first.press("Enter")
    assert table.is_visible()
    summaries.first.press("Enter")


def test_nothing_overflows_sideways(opened: Visit) -> None:
    assert opened.overflow() <= 0
    plots = opened.page.locator("figure.drawn .plot .main-svg:first-child")
    boxes = [plots.nth(place).bounding_box() for place in range(plots.count())]
    assert boxes
    assert all(box is not None and box["x"] >= 0 and box["x"] + box["width"] <= opened.width for box in boxes)


def test_axe_finds_nothing_to_mend_by_day_and_by_night(opened: Visit) -> None:
    from axe_playwright_python.sync_playwright import Axe

    for scheme in ("dark", "light"):
        opened.show(scheme)
        found = Axe().run(opened.page).response["violations"]
        assert [(scheme, each["id"], [node["target"] for node in each["nodes"]]) for each in found] == []


def test_charts_follow_the_theme(opened: Visit) -> None:
    by_day = opened.colour_of_a_label()
    opened.show("dark")
    by_night = opened.colour_of_a_label()
    opened.show("light")
    assert by_night != by_day
    assert opened.colour_of_a_label() == by_day


def test_it_prints_and_is_whole_again_afterwards(opened: Visit) -> None:
    opened.show("dark")
    printed = opened.page.pdf(format="A4" if opened.width < 1000 else "Letter")
    opened.show("light")
    assert printed.startswith(b"%PDF-")
    assert 5 <= len(re.findall(rb"/Type\s*/Page\b", printed)) <= 30
    assert opened.page.locator("figure.drawn").count() == opened.page.locator("figure[data-chart]").count()


def test_it_is_complete_without_javascript(report: Path, visit: Callable[..., Visit]) -> None:
    with visit(report, width=375, script=False) as opened:
        charts = opened.page.locator("figure[data-chart]").count()
        tables = opened.page.locator("details[open] > .scroll table")
        assert tables.count() == charts
        assert all(tables.nth(place).is_visible() for place in range(charts))
        assert report.stem == "experiment" or opened.page.locator("ol.bars .fill").first.is_visible()
        assert not opened.page.locator(".plot").first.is_visible()
        assert opened.overflow() <= 0


def test_a_browser_that_cannot_unpack_the_library_keeps_the_tables(report: Path, visit: Callable[..., Visit]) -> None:
    with visit(report, before="delete window.DecompressionStream") as opened:
        assert opened.page.locator("figure.drawn").count() == 0
        assert opened.page.locator("details[open] table").first.is_visible()
        assert opened.complaints == []
