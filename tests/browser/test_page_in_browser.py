"""What a page may carry besides its text, in Chromium: files to take away, a campaign's brand, pictures of charts."""

import base64
import json
import re
import socket
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import plotly.graph_objects as go
import pytest

from funnel import charts
from funnel.language import language
from funnel.pages import Download, KeyNumber, Logo, Look, Section, Table, render, stills
from funnel.pages.drawings import Drawing, drawings_of
from tests.browser.conftest import Visit, violations
from tests.test_charts import CHARTS
from tests.test_pages import STEPS, SVG

if TYPE_CHECKING:
    from playwright.sync_api import Browser

pytestmark = pytest.mark.browser

LOOK = Look(charts.config(), charts.themes["light"], charts.themes["dark"])
BRAND = """:root {
  --light-accent: #7a1f5c;
  --dark-accent: #e79bcb;
  --light-link: #7a1f5c;
  --dark-link: #e79bcb;
  --heading-font: Georgia, serif;
}"""
NUMBERS = "day,visitors\n2018-01-14,1000\n« entrée »,\n"

# How different two pictures are: the mean difference of their pixels, 0 to 255, drawn at twice their size.
DIFFERENCE = """async ([one, other, width, height]) => {
  const pixels = async (svg) => {
    const image = new Image();
    image.src = "data:image/svg+xml;base64," + svg;
    await image.decode();
    const canvas = new OffscreenCanvas(2 * width, 2 * height), pen = canvas.getContext("2d");
    pen.fillStyle = "white";
    pen.fillRect(0, 0, canvas.width, canvas.height);
    pen.drawImage(image, 0, 0, canvas.width, canvas.height);
    return pen.getImageData(0, 0, canvas.width, canvas.height).data;
  };
  const [a, b] = [await pixels(one), await pixels(other)];
  let difference = 0, drawn = 0;
  for (let place = 0; place < a.length; place++) {
    difference += Math.abs(a[place] - b[place]);
    drawn += 255 - a[place];
  }
  return [difference / a.length, drawn / a.length];
}"""


def chart() -> go.Figure:
    blue = charts.themes["light"]["blue"]
    return go.Figure(go.Bar(x=[3, 1], y=["visit", "sign"], orientation="h", marker={"color": blue}))


@pytest.fixture(scope="module")
def branded(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("branded")
    (folder / "logo.svg").write_bytes(SVG)
    section = Section("Where visitors leave", chart=chart(), table=STEPS, download=Download("steps.csv", NUMBERS))
    page = render(
        "Now",
        [section, Section("Words", table=Table("Other steps", STEPS.columns, STEPS.rows))],
        language=language("en"),
        lead=["Twelve in a hundred sign."],
        numbers=[KeyNumber("Visitors", "1,000", "in all", "+10% on the week before")],
        look=LOOK,
        brand_css=BRAND,
        logo=Logo.read(folder / "logo.svg", "Now"),
    )
    (folder / "page.html").write_text(page, encoding="utf-8")
    return folder / "page.html"


@pytest.fixture(params=[375, 1280])
def opened(branded: Path, visit: Callable[..., Visit], request: pytest.FixtureRequest) -> Iterator[Visit]:
    with visit(branded, width=request.param) as opened:
        opened.wait_for_charts()
        yield opened


def test_a_file_is_taken_away_with_the_keyboard_and_a_spreadsheet_reads_its_letters(opened: Visit) -> None:
    link = opened.page.get_by_role("link", name="Download the numbers (CSV) – Where visitors leave")
    opened.page.locator("details.numbers summary").focus()
    opened.page.keyboard.press("Tab")
    assert link.evaluate("(each) => each === document.activeElement")
    assert link.evaluate("(each) => getComputedStyle(each).outlineStyle") == "solid"
    with opened.page.expect_download() as taken:
        opened.page.keyboard.press("Enter")
    assert taken.value.suggested_filename == "steps.csv"
    assert taken.value.path().read_bytes().decode("utf-8-sig") == NUMBERS
    assert taken.value.path().read_bytes()[:3] == b"\xef\xbb\xbf"
    assert opened.complaints == []


def test_charts_and_page_take_the_colours_of_the_brand_by_day_and_by_night(opened: Visit) -> None:
    bar = opened.page.locator(".plot .point path").first
    tile = opened.page.locator(".tile")
    edge = "borderInlineStartColor" if opened.width < 400 else "borderBlockStartColor"
    for scheme, colour in (("light", "rgb(122, 31, 92)"), ("dark", "rgb(231, 155, 203)")):
        opened.show(scheme)
        assert bar.evaluate("(each) => getComputedStyle(each).fill") == colour
        assert tile.evaluate(f"(each) => getComputedStyle(each).{edge}") == colour
        assert violations(opened.page) == [], scheme
    opened.page.evaluate("() => dispatchEvent(new Event('beforeprint'))")
    assert bar.evaluate("(each) => getComputedStyle(each).fill") == "rgb(122, 31, 92)"


def test_a_logo_is_seen_and_its_script_does_not_run(opened: Visit) -> None:
    box = opened.page.locator("img.logo").bounding_box()
    assert box is not None
    assert box["height"] == 56
    assert opened.page.locator("img.logo").evaluate("(each) => each.complete && each.naturalWidth > 0")
    assert opened.overflow() <= 0
    assert opened.complaints == []
    assert {each.split(":")[0] for each in opened.requests} <= {"file", "data", "blob"}


# Pictures of charts


def test_lean_pictures_show_what_plotly_drew(chromium: "Browser") -> None:
    """Every kind of chart, pixel by pixel: plotly's own SVG beside ours, in the same browser."""
    sections = [Section(name, chart=CHARTS[name](language="en", title="")) for name in CHARTS]
    drawings = drawings_of(sections, language("en"))
    found = stills.stills_of(drawings, LOOK)
    assert found is not None
    page = chromium.new_page()
    colours = "".join(f"--chart-{role.replace('_', '-')}:{value};" for role, value in LOOK.light.items())
    font = charts.look.TEXT_FONT
    style = f"svg{{{colours}}}text{{font:12px {font};white-space:pre}}{found.style.replace('.still ', '')}"
    for drawing, plain, picture in zip(drawings, stills.drawn(drawings), found.pictures, strict=True):
        ours = picture.svg.replace("<svg ", '<svg xmlns="http://www.w3.org/2000/svg" ', 1)
        ours = ours.replace(">", f"><style>{style}</style>", 1)
        both = [base64.b64encode(each.encode()).decode() for each in (plain, ours)]
        difference, drawn = page.evaluate(DIFFERENCE, [*both, stills.WIDTH, drawing.height])
        # The stripes of what is not observable yet begin elsewhere: they cover a third of that chart.
        assert difference < (0.15 if drawing.label == "cohort_triangle" else 0.04) * drawn, drawing.label
        assert len(picture.svg) < len(plain) / 4, drawing.label
    page.close()


def test_the_same_charts_give_the_same_pictures(chromium: "Browser") -> None:
    section = Section("One", chart=CHARTS[next(iter(CHARTS))](language="en"), table=STEPS)
    pages = {render("A", [section], language=language("en"), look=LOOK, static=True) for _ in range(2)}
    assert len(pages) == 1


def test_what_draws_pictures_asks_nobody(chromium: "Browser", monkeypatch: pytest.MonkeyPatch) -> None:
    """A proxy that writes down what it is asked for: nothing for the page, whatever the browser itself may try."""
    asked: list[bytes] = []
    with socket.create_server(("127.0.0.1", 0)) as proxy:

        def listen() -> None:
            while True:
                try:
                    visitor, _ = proxy.accept()
                except OSError:
                    return
                with visitor:
                    visitor.settimeout(2)
                    asked.append(visitor.recv(500))

        threading.Thread(target=listen, daemon=True).start()
        monkeypatch.setattr(stills, "NOBODY", f"127.0.0.1:{proxy.getsockname()[1]}")
        (written,) = stills.drawn([Drawing(1, "Bars", 300, json.loads(chart().to_json()))])
    assert "visit" in written
    assert [each for each in asked if re.search(rb"plot|mathjax|cdn|jsdelivr|unpkg", each)] == []


def test_nobody_answers_at_the_proxy_the_browser_is_told_of() -> None:
    host, _, port = stills.NOBODY.partition(":")
    with socket.socket() as line:
        line.settimeout(2)
        assert line.connect_ex((host, int(port))) != 0
