"""The report as a reader meets it: opened from a folder, on a phone and a laptop, by day and by night, and on paper."""

import re
from collections.abc import Callable, Iterable, Iterator
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

import funnel
from funnel import charts
from funnel.analysis import Analysis
from funnel.pages import Section
from funnel.report import Report, campaign_report, experiment_report, usual_experiments
from tests.browser.conftest import Visit, violations

if TYPE_CHECKING:
    from playwright.sync_api import Browser

pytestmark = pytest.mark.browser

SAMPLE = Path(__file__).parents[2] / "data" / "sample"

# Pixels of a sheet within its margins: width and height.
SHEETS = {"Letter": (702, 935), "A4": (680, 1001)}

# Of each chart: how high it is with what may not be parted from it above it.
HELD_TOGETHER = """() => [...document.querySelectorAll("figure.chart")].map((figure) => {
  let first = figure;
  while (first.previousElementSibling && getComputedStyle(first.previousElementSibling).breakAfter === "avoid")
    first = first.previousElementSibling;
  const kept = getComputedStyle(figure).breakInside === "avoid";
  return kept ? figure.getBoundingClientRect().bottom - first.getBoundingClientRect().top : Infinity;
})"""


@cache
def made(kind: str) -> Report:
    """Return the campaign's report in a language, or the page of its experiment in French, whose words are longer."""
    events = funnel.connect(SAMPLE, timezone="America/Toronto")
    if kind == "experiment":
        (usual,) = usual_experiments(events)
        return experiment_report(usual.measure(events, language="fr"))
    question = funnel.Funnel(["visit", "sign"], follow_ups=["share", "partner_click"])
    return campaign_report(events, Analysis(question, language=kind))


@pytest.fixture(scope="module", params=["en", "fr", "experiment"])
def report(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return made(request.param).save(tmp_path_factory.mktemp("report") / f"{request.param}.html")


@pytest.fixture(scope="module")
def still(chromium: "Browser", tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The campaign's report with its charts as pictures."""
    return made("fr").save(tmp_path_factory.mktemp("still") / "still.html", static=True)


@pytest.fixture(scope="module", params=[375, 1280])
def opened(report: Path, visit: Callable[..., Visit], request: pytest.FixtureRequest) -> Iterator[Visit]:
    """The report drawn in a window of a phone's width and of a laptop's; each test leaves the theme light."""
    if report.stem == "experiment" and request.param > 1_000:
        pytest.skip("a part of the campaign's page, looked at where there is least room")
    with visit(report, width=request.param) as opened:
        assert opened.wait_for_charts() >= 6
        yield opened


def test_it_asks_no_host_and_the_console_stays_silent(opened: Visit) -> None:
    assert opened.requests[0].startswith("file:")
    assert [each for each in opened.requests[1:] if not each.startswith("blob:")] == []
    assert opened.complaints == []


def test_it_is_light_enough_to_send(report: Path) -> None:
    assert report.stat().st_size < 2_500_000


def test_no_chart_offers_to_upload_itself(opened: Visit) -> None:
    assert opened.page.get_by_text("Share chart").count() == 0
    assert opened.page.locator("[data-title*='Share chart'], [aria-label*='Share chart'], .modebar-btn").count() == 0


def test_every_chart_stands_over_a_table_that_opens(opened: Visit) -> None:
    figures = opened.page.locator("figure[data-chart]")
    summaries = opened.page.locator("figure[data-chart] + details > summary")
    assert summaries.count() == figures.count()
    table = opened.page.locator("details.numbers table").first
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
    for scheme in ("dark", "light"):
        opened.show(scheme)
        assert violations(opened.page) == [], scheme


def test_charts_follow_the_theme(opened: Visit) -> None:
    by_day = opened.colour_of_a_label()
    opened.show("dark")
    by_night = opened.colour_of_a_label()
    opened.show("light")
    assert by_night != by_day
    assert opened.colour_of_a_label() == by_day


def test_the_contents_say_where_the_reader_is(opened: Visit) -> None:
    page, links = opened.page, opened.page.locator(".contents a")
    contents = page.locator(".contents details")
    assert contents.evaluate("(each) => each.open") == (opened.width > 1_000)
    if opened.width < 1_000:
        page.locator(".contents summary").press("Enter")
    links.nth(3).click()
    page.locator(".contents a[aria-current]").filter(has_text=links.nth(3).inner_text()).wait_for(state="attached")
    target = page.locator(str(links.nth(3).get_attribute("href"))).bounding_box()
    bar = page.locator(".contents").bounding_box()
    assert target is not None
    assert bar is not None
    assert target["y"] >= (bar["y"] + bar["height"] if opened.width < 1_000 else 0)
    assert contents.evaluate("(each) => each.open") == (opened.width > 1_000)


def test_what_has_the_focus_is_in_sight_and_marked(opened: Visit) -> None:
    opened.page.evaluate("() => scrollTo(0, document.body.scrollHeight)")
    stops = opened.page.locator("main summary")
    for place in reversed(range(min(8, stops.count()))):
        stops.nth(place).focus()
        opened.page.keyboard.press("Shift+Tab")
        opened.page.keyboard.press("Tab")
        bar = opened.page.locator(".contents").bounding_box()
        box = stops.nth(place).bounding_box()
        assert box is not None
        assert bar is not None
        assert box["y"] >= (bar["y"] + bar["height"] if opened.width < 1_000 else 0)
        assert stops.nth(place).evaluate("(each) => getComputedStyle(each).outlineStyle") == "solid"


def test_what_is_pressed_is_large_enough_for_a_finger(opened: Visit) -> None:
    """WCAG 2.2, success criterion 2.5.8: 24 by 24 pixels."""
    small = opened.page.evaluate(
        """() => [...document.querySelectorAll("a:not(.skip), summary")].filter((each) => {
             const box = each.getBoundingClientRect();
             return box.height && (box.height < 24 || box.width < 24);
           }).map((each) => each.textContent)"""
    )
    assert small == []


def test_no_chart_is_cut_by_the_edge_of_a_sheet_and_all_is_as_it_was_afterwards(opened: Visit) -> None:
    _print_on(opened, "Letter" if opened.width > 1_000 else "A4")
    assert opened.page.locator("figure.drawn").count() == opened.page.locator("figure[data-chart]").count()
    assert opened.page.locator("details.numbers[open]").count() == 0


def _print_on(opened: Visit, sheet: str) -> None:
    """Print, having looked that no chart is higher than a sheet with the heading it must stay with."""
    page, (width, height) = opened.page, SHEETS[sheet]
    opened.show("dark")
    page.set_viewport_size({"width": width, "height": height})
    page.evaluate("() => dispatchEvent(new Event('beforeprint'))")
    page.emulate_media(media="print")
    high = page.evaluate(HELD_TOGETHER)
    wide = page.evaluate("() => document.documentElement.scrollWidth")
    heads = page.evaluate("() => [...document.querySelectorAll('thead')].map((each) => getComputedStyle(each).display)")
    page.evaluate("() => dispatchEvent(new Event('afterprint'))")
    page.emulate_media(media="screen")
    page.set_viewport_size({"width": opened.width, "height": 900})
    printed = page.pdf(format=sheet)
    opened.show("light")
    assert max(high) <= height
    assert wide <= width + 1
    assert set(heads) == {"table-header-group"}
    assert printed.startswith(b"%PDF-")
    assert 5 <= len(re.findall(rb"/Type\s*/Page\b", printed)) <= 60


def test_it_is_complete_without_javascript(report: Path, visit: Callable[..., Visit]) -> None:
    with visit(report, width=375, script=False) as opened:
        charts = opened.page.locator("figure[data-chart]").count()
        tables = opened.page.locator("details[open] > .scroll table")
        assert tables.count() == charts
        assert all(tables.nth(place).is_visible() for place in range(charts))
        assert report.stem == "experiment" or opened.page.locator("ol.bars .fill").first.is_visible()
        assert not opened.page.locator(".plot").first.is_visible()
        assert not opened.page.locator(".download").first.is_visible()
        assert opened.overflow() <= 0


def test_a_browser_that_cannot_unpack_the_library_keeps_the_tables(report: Path, visit: Callable[..., Visit]) -> None:
    with visit(report, before="delete window.DecompressionStream") as opened:
        assert opened.page.locator("figure.drawn").count() == 0
        assert opened.page.locator("details[open] table").first.is_visible()
        assert opened.complaints == []


# With its charts as pictures


def test_with_pictures_it_is_a_sixth_of_the_size(still: Path) -> None:
    assert still.stat().st_size < 400_000
    assert 'id="plotly"' not in still.read_text(encoding="utf-8")


@pytest.mark.parametrize("script", [True, False])
@pytest.mark.parametrize("width", [375, 1280])
def test_pictures_are_seen_by_day_and_by_night(
    still: Path, visit: Callable[..., Visit], width: int, script: bool
) -> None:
    with visit(still, width=width, script=script) as opened:
        pictures = opened.page.locator(".still svg")
        assert pictures.count() >= 20
        boxes = [pictures.nth(place).bounding_box() for place in range(pictures.count())]
        assert all(box is not None and box["x"] >= 0 and 300 <= box["width"] <= 520 for box in boxes)
        assert opened.overflow() <= 0
        colours = []
        for scheme in ("light", "dark"):
            opened.page.emulate_media(color_scheme=scheme)
            colours.append(opened.colour_of_a_label())
            assert not script or violations(opened.page) == [], scheme
        assert colours == [_rgb(charts.themes[scheme]["muted"]) for scheme in ("light", "dark")]
        assert opened.requests == [still.as_uri()]
        assert opened.complaints == []


@pytest.mark.parametrize("sheet", SHEETS)
def test_no_picture_is_cut_by_the_edge_of_a_sheet(still: Path, visit: Callable[..., Visit], sheet: str) -> None:
    with visit(still) as opened:
        _print_on(opened, sheet)


def test_the_numbers_of_every_section_can_be_taken_away(still: Path, visit: Callable[..., Visit]) -> None:
    expected = [each.download for each in _every(made("fr").sections) if each.download]
    with visit(still) as opened:
        links = opened.page.locator(".download a")
        links.first.wait_for()
        assert links.count() == len(expected) >= 10
        for place in (0, len(expected) - 1):
            with opened.page.expect_download() as taken:
                links.nth(place).press("Enter")
            assert taken.value.suggested_filename == expected[place].name
            assert taken.value.path().read_bytes() == b"\xef\xbb\xbf" + expected[place].text.encode()
        assert opened.complaints == []
        opened.page.emulate_media(media="print")
        assert not links.first.is_visible()


def _rgb(colour: str) -> str:
    return "rgb({}, {}, {})".format(*(int(colour[place : place + 2], 16) for place in (1, 3, 5)))


def _every(sections: Iterable[Section]) -> Iterator[Section]:
    for section in sections:
        yield section
        yield from _every(section.parts)
