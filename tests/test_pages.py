import base64
import gzip
import html.parser
import itertools
import json
import re

import plotly.graph_objects as go
import pytest

from funnel.language import language
from funnel.pages import Bar, Column, Fact, KeyNumber, Look, Section, Table, fragment, render

STEPS = Table(
    caption="Steps",
    columns=(Column("Step"), Column("Visitors", True)),
    rows=(("Visit", "1,000"), ("<b>Sign</b>", "120")),
)


def figure(**layout: object) -> go.Figure:
    chart = go.Figure(go.Bar(x=[1000, 120], y=["visit", "</script><script>alert(1)</script>"], orientation="h"))
    return chart.update_layout(title="How many sign", **layout)


class Elements(html.parser.HTMLParser):
    """The elements of a page in order, each as (tag, attributes)."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.found: list[tuple[str, dict[str, str | None]]] = []
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.found.append((tag, dict(attrs)))

    def all(self, tag: str) -> list[dict[str, str | None]]:
        return [attributes for name, attributes in self.found if name == tag]


@pytest.fixture(scope="module")
def page() -> str:
    return render(
        "Campaign & co",
        [
            Section(
                "Where visitors leave",
                "Twelve in a hundred sign.",
                chart=figure(height=300),
                table=STEPS,
                notes=("A note.",),
                bars=(Bar("Visit", 1.0, "1,000 visitors"), Bar("Sign", 0.12, "120 visitors", pending=0.05)),
                parts=(Section("By channel", chart=figure(), table=STEPS),),
            ),
            Section("Words only", paragraphs=("First.", "Second."), table=STEPS),
        ],
        language=language("fr"),
        lead=("The answer.",),
        numbers=(KeyNumber("Visitors", "1,000", "in three weeks"),),
        footer=(Fact("Fingerprint", "0badc0de", is_code=True),),
        look=Look({"scrollZoom": False}, {"ink": "#1b2430"}, {"ink": "#e6eaf0"}),
    )


def test_nothing_in_the_page_points_to_another_host(page: str) -> None:
    library = re.search(r'<script type="text/plain" id="plotly">([^<]*)</script>', page)
    assert library is not None
    assert b"plotly.js v" in gzip.decompress(base64.b64decode(library[1]))[:200]
    rest = page.replace(library[1], "")
    assert "http://" not in rest
    assert "https://" not in rest
    assert not [each for each in Elements(page).found if {"src", "srcset", "action"} & each[1].keys()]
    assert {each["href"][0] for each in Elements(page).all("a") if each["href"]} == {"#"}


def test_only_our_own_script_may_run_and_nothing_may_be_fetched(page: str) -> None:
    policy = next(each["content"] for each in Elements(page).all("meta") if "http-equiv" in each)
    assert policy is not None
    assert policy.startswith("default-src 'none'; script-src 'sha256-")
    assert "connect-src" not in policy
    assert "unsafe-eval" not in policy
    assert re.search(r"script-src [^;]*unsafe-inline", policy) is None


def test_the_library_is_carried_once_and_the_page_stays_small(page: str) -> None:
    assert page.count('id="plotly"') == 1
    assert len(page.encode()) < 2_500_000


def test_a_page_without_charts_carries_no_library() -> None:
    assert len(render("Words", [Section("Only", table=STEPS)], language=language("en"))) < 30_000


def test_the_same_content_gives_the_same_bytes(page: str) -> None:
    again = [render("Same", [Section("A", chart=figure(), table=STEPS)], language=language("fr")) for _ in range(2)]
    assert again[0] == again[1]


def test_text_is_escaped_and_data_cannot_close_its_script(page: str) -> None:
    assert "&lt;b&gt;Sign&lt;/b&gt;" in page
    assert "<h1>Campaign &amp; co</h1>" in page
    assert "alert(1)</script>" not in page


def test_headings_are_in_order_and_the_language_is_named(page: str) -> None:
    elements = Elements(page)
    levels = [int(tag[1]) for tag, _ in elements.found if re.fullmatch(r"h[1-6]", tag)]
    assert levels[0] == 1
    assert levels.count(1) == 1
    assert all(after - before <= 1 for before, after in itertools.pairwise(levels))
    assert elements.all("html") == [{"lang": "fr-CA"}]


def test_every_id_is_unique_and_every_reference_leads_to_one(page: str) -> None:
    elements = Elements(page)
    ids = [each["id"] for _, each in elements.found if "id" in each]
    assert len(ids) == len(set(ids))
    links = {str(each["href"])[1:] for each in elements.all("a")}
    labels = {str(each["aria-labelledby"]) for _, each in elements.found if "aria-labelledby" in each}
    assert (links | labels) <= set(ids)


def test_every_chart_has_its_table_and_its_words(page: str) -> None:
    elements = Elements(page)
    assert len(elements.all("figure")) == 2
    assert len(elements.all("details")) == 2
    assert all("open" in each for each in elements.all("details"))
    assert page.count("<figcaption") == 2
    assert [each["scope"] for each in elements.all("th")] == ["col", "col", "row", "row"] * 3
    assert all(each["tabindex"] == "0" for each in elements.all("div") if each.get("role") == "region")


def test_charts_keep_their_numbers_and_hand_their_title_to_the_page(page: str) -> None:
    packed = re.search(r'id="charts">([^<]*)</script>', page)
    assert packed is not None
    spec, second = json.loads(gzip.decompress(base64.b64decode(packed[1])))
    assert second["data"]
    assert list(spec["data"][0]["x"]) == [1000, 120]
    assert "title" not in spec["layout"]
    assert spec["layout"]["separators"] == ",\u202f"
    assert '<figcaption id="chart-1-caption">How many sign</figcaption>' in page


def test_no_chart_offers_to_upload_itself(page: str) -> None:
    settings = re.search(r'id="settings">([^<]*)</script>', page)
    assert settings is not None
    config = json.loads(settings[1])["config"]
    assert config["showSendToCloud"] is False
    assert config["displayModeBar"] is False


def test_a_fragment_is_a_table_with_its_notes_and_nothing_else() -> None:
    inside = fragment(STEPS, notes=("A <note>.",))
    assert "<html" not in inside
    assert "<script" not in inside
    assert "<li>A &lt;note&gt;.</li>" in inside
    assert [each["scope"] for each in Elements(inside).all("th")] == ["col", "col", "row", "row"]
