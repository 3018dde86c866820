import base64
import gzip
import html.parser
import itertools
import json
import re
from pathlib import Path
from typing import Any

import plotly.graph_objects as go
import pytest

from funnel.charts.look import themes
from funnel.errors import DefinitionError, SourceError
from funnel.language import language
from funnel.pages import (
    HIDDEN,
    Bar,
    Chart,
    Column,
    Download,
    Fact,
    Html,
    KeyNumber,
    Logo,
    Look,
    Section,
    Table,
    checked_style,
    fragment,
    read_style,
    render,
    why_no_stills,
)
from funnel.pages.lean import Cells, Styles, lean

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
    page = render("Words", [Section("Only", table=STEPS)], language=language("en"))
    assert len(page) < 30_000
    assert "blob:" not in page.split("img-src")[0]


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
    tables = [each for each in elements.all("details") if str(each.get("class", "")).startswith("numbers")]
    assert len(tables) == 2
    assert all("open" in each for each in tables)
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
    inside = fragment(STEPS, language=language("en"), notes=("A <note>.",))
    assert "<html" not in inside
    assert "<script" not in inside
    assert "<li>A &lt;note&gt;.</li>" in inside
    assert [each["scope"] for each in Elements(inside).all("th")] == ["col", "col", "row", "row"]


# Names, what is declared, what is handed out


def test_a_section_is_found_by_its_name_or_else_by_its_place() -> None:
    part = Section("Part")
    page = render("A", [Section("One", name="funnel", parts=(part,)), Section("Two")], language=language("en"))
    ids = [each["id"] for each in Elements(page).all("section")]
    assert ids == ["funnel", "funnel-1", "section-2"]
    assert 'href="#funnel"' in page


def test_two_sections_of_one_name_are_refused() -> None:
    with pytest.raises(DefinitionError) as refused:
        render(
            "A",
            [Section("One", name="x"), Section("Two", parts=(Section("Three", name="x"),))],
            language=language("en"),
        )
    assert str(refused.value) == "Two sections are named 'x'. Give each a name of its own: links lead to it."


def test_what_the_page_was_made_from_is_in_it_for_a_program_to_read() -> None:
    declared = {"schema": 1, "analysis": {"title": "</script><script>alert(1)"}}
    page = render("A", [Section("One")], language=language("en"), declared=declared)
    found = re.search(r'<script type="application/json" id="analysis">([^<]*)</script>', page)
    assert found is not None
    assert json.loads(found[1]) == declared


def test_files_are_packed_once_in_the_order_of_their_links() -> None:
    sections = [
        Section("One", download=Download("one.csv", "a\n"), parts=(Section("In", download=Download("in.csv", "é\n")),)),
        Section("Two", download=Download("two.csv", "</script>\n")),
    ]
    page = render("A", sections, language=language("en"))
    found = re.search(r'id="files">([^<]*)</script>', page)
    assert found is not None
    assert json.loads(gzip.decompress(base64.b64decode(found[1]))) == ["a\n", "é\n", "</script>\n"]
    assert [each["download"] for each in Elements(page).all("a") if "download" in each] == [
        "one.csv",
        "in.csv",
        "two.csv",
    ]
    # Nothing to press for readers without JavaScript: their tables are open.
    assert all("hidden" in each for each in Elements(page).all("p") if each.get("class") == "download")


def test_a_cell_that_is_not_published_is_veiled_and_said_in_words() -> None:
    table = Table("Few", (Column("Step"), Column("Visitors", True)), (("Visit", HIDDEN),))
    page = render("A", [Section("One", table=table)], language=language("en"))
    assert f'<td class="hidden"><span aria-hidden="true">{HIDDEN}</span><span class="unseen">hidden</span></td>' in page


def test_a_tile_says_what_has_changed() -> None:
    tile = KeyNumber("Visitors", "1,000", "in three weeks", "+10% on the week before")
    page = render("A", [], language=language("en"), numbers=[tile])
    assert '<dd class="change">+10% on the week before</dd>' in page


def test_the_first_notes_stand_open_and_the_others_are_folded() -> None:
    notes = tuple(f"Note {number}." for number in range(5))
    page = render("A", [Section("One", notes=notes)], language=language("en"))
    before, folded = page.split('<details class="more">')
    assert [note in before for note in notes] == [True, True, True, False, False]
    assert "<summary>2 more notes</summary>" in folded


def test_pieces_of_html_and_charts_among_them_keep_their_order() -> None:
    blocks = (Html("<p>Before.</p>"), Chart(figure(), STEPS), Html("<p>After.</p>"))
    page = render("A", [Section("One", blocks=blocks)], language=language("en"), opening=[Html("<p>First.</p>")])
    places = [page.index(each) for each in ("First.", '<h2 id="section-1', "Before.", "data-chart", "After.")]
    assert places == sorted(places)
    assert '<caption id="chart-1-table">Steps</caption>' in page


# The house style, and a brand


STYLE = (Path(render.__code__.co_filename).parent / "style.css").read_text(encoding="utf-8")


@pytest.mark.parametrize("theme", themes)
def test_the_style_sheet_has_the_colours_of_the_charts(theme: str) -> None:
    said = dict(re.findall(r"^  (--[\w-]+): ([^;]+);$", STYLE, flags=re.MULTILINE))
    for role, colour in themes[theme].items():
        if role.endswith("_pale"):
            continue
        value = said[f"--{theme}-chart-{role.replace('_', '-')}"]
        assert said.get(value[4:-1], value) == colour, role


def test_every_variable_of_the_house_style_is_documented_with_its_colour() -> None:
    documented = (Path(__file__).parents[1] / "docs" / "branding.md").read_text(encoding="utf-8")
    said = dict(re.findall(r"^  (--[\w-]+): ([^;]+);$", STYLE.split(":root,")[0], flags=re.MULTILINE))
    assert len(said) > 40
    for name, value in said.items():
        theme, _, role = name.removeprefix("--").partition("-chart-")
        assert f"`{role or name}`" in documented, name
        if not role and value.startswith("#"):
            row = next(line for line in documented.splitlines() if line.startswith("|") and f"`{name}`" in line)
            assert value in row.split("|")[3 if theme.startswith("light") else 4], name


def test_a_brand_follows_the_house_style() -> None:
    page = render("A", [Section("One")], language=language("en"), brand_css=":root { --light-accent: #7a1f5c; }")
    assert page.index("--light-accent: #0072b2") < page.index("--light-accent: #7a1f5c") < page.index("</head>")


@pytest.mark.parametrize(
    ("style", "said"),
    [
        ("body { color: red } </STYLE><script>", "The style sheet closes its own element: '</STYLE'. Leave that out."),
        ("a { content: '\\3c/style' }", "The style sheet closes its own element: '</style'. Leave that out."),
        (
            "@import 'https://fonts.example/x.css';",
            "The style sheet asks for something outside the page: '@import 'https://fonts.example/x.css''. "
            "A page stands alone: write images and fonts as url(data:...).",
        ),
        (
            "a { background: u\\72 l(logo.png) }",
            "The style sheet asks for something outside the page: 'url(logo.png'. "
            "A page stands alone: write images and fonts as url(data:...).",
        ),
        (
            "a { background: image-set('logo.png' 1x) }",
            "The style sheet asks for something outside the page: 'image-set('logo.png' 1x'. "
            "A page stands alone: write images and fonts as url(data:...).",
        ),
        (
            "a { background: /* hm */ url(/* data: */ //host.example/a) }",
            "The style sheet asks for something outside the page: 'url( //host.example/a'. "
            "A page stands alone: write images and fonts as url(data:...).",
        ),
    ],
)
def test_a_style_sheet_that_asks_or_breaks_out_is_refused(style: str, said: str) -> None:
    with pytest.raises(DefinitionError) as refused:
        checked_style(style)
    assert str(refused.value) == said


@pytest.mark.parametrize(
    "style",
    [
        "a { background: url(data:image/png;base64,AAAA) }",
        "a { background: url( \"data:image/svg+xml,<svg xmlns='http://www.w3.org/2000/svg'/>\" ) }",
        "@font-face { font-family: Brand; src: url('data:font/woff2;base64,AAAA') format('woff2') }",
        "a { clip-path: url(#shape) } /* see https://example.org */",
    ],
)
def test_a_style_sheet_that_stands_alone_is_taken_as_it_is(style: str) -> None:
    assert checked_style(style) == style


def test_a_style_sheet_too_large_is_refused() -> None:
    with pytest.raises(DefinitionError) as refused:
        checked_style("a{}" * 40_000)
    assert str(refused.value) == "The style sheet is 120 kB; a page carries at most 100 kB. Keep what the page uses."


def test_a_style_sheet_is_read_from_a_file(tmp_path: Path) -> None:
    (tmp_path / "brand.css").write_text(":root { --radius: 0 }", encoding="utf-8-sig")
    assert read_style(tmp_path / "brand.css") == ":root { --radius: 0 }"
    (tmp_path / "old.css").write_bytes("/* é */".encode("latin-1"))
    with pytest.raises(DefinitionError) as refused:
        read_style(tmp_path / "old.css")
    assert str(refused.value) == "The style sheet 'old.css' is not in UTF-8. Save it in that encoding."
    with pytest.raises(SourceError) as missing:
        read_style(tmp_path / "none.css")
    assert str(missing.value) == f"No style sheet at '{tmp_path / 'none.css'}'. Write the path from where you are."


PNG = base64.b64decode(
    "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR4nGNgYPj/HwADAgH/5P4WlAAAAABJRU5ErkJggg=="
)
SVG = b"<svg xmlns='http://www.w3.org/2000/svg' viewBox='0 0 2 1'><script>alert(1)</script><path d='M0 0h2v1z'/></svg>"


@pytest.mark.parametrize(("name", "content", "kind"), [("a.png", PNG, "png"), ("a.SVG", SVG, "svg+xml")])
def test_a_logo_is_an_image_with_words(tmp_path: Path, name: str, content: bytes, kind: str) -> None:
    (tmp_path / name).write_bytes(content)
    page = render("A", [], language=language("en"), logo=Logo.read(tmp_path / name, "Now & here"))
    (image,) = Elements(page).all("img")
    assert image["alt"] == "Now & here"
    source = str(image["src"])
    assert source.startswith(f"data:image/{kind};base64,")
    assert base64.b64decode(source.partition(",")[2]) == content
    assert "alert(1)" not in page


@pytest.mark.parametrize(
    ("name", "content", "alt", "said"),
    [
        ("a.gif", b"", "A", "The logo 'a.gif' is of no known kind. Known: SVG, PNG and JPEG. Save it as one of them."),
        (
            "a.png",
            PNG + bytes(300_000),
            "A",
            "The logo 'a.png' is 300 kB; a page carries at most 200 kB. Save it smaller: it is shown 56 pixels high.",
        ),
        ("a.jpg", PNG, "A", "The logo 'a.jpg' is not what its name says. Save it again as SVG, PNG or JPEG."),
        ("a.png", PNG, " ", "A logo needs words for those who do not see it. Give the name of the campaign."),
    ],
)
def test_a_logo_that_cannot_be_shown_is_refused(tmp_path: Path, name: str, content: bytes, alt: str, said: str) -> None:
    (tmp_path / name).write_bytes(content)
    with pytest.raises(DefinitionError) as refused:
        Logo.read(tmp_path / name, alt)
    assert str(refused.value) == said


# Charts as pictures


def test_without_a_browser_the_page_has_its_tables_and_bars(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("BROWSER_PATH", "/nowhere/chromium")
    sections = [Section("One", chart=figure(), table=STEPS, bars=(Bar("Visit", 1.0, "1,000 visitors"),))]
    page = render("A", sections, language=language("en"), static=True)
    assert Elements(page).all("figure") == []
    assert Elements(page).all("svg") == []
    assert 'class="bars"' in page
    assert re.search(r'<details class="numbers"\s+open>', page)
    assert 'id="plotly"' not in page
    assert why_no_stills() == (
        "Without Chrome or Chromium the page has tables and bars and no charts:"
        " install one, or write its path in BROWSER_PATH."
    )


def picture(inside: str, **options: Any) -> str:
    styles = Styles({(0, 114, 178): "blue", (255, 255, 255): "card"})
    svg = f'<svg xmlns="http://www.w3.org/2000/svg" width="100" height="50">{inside}</svg>'
    return lean(svg, 1, styles, **options).svg + styles.sheet()


def test_a_lean_picture_has_its_shapes_where_they_were() -> None:
    path = '<path d="M0,0.04L10.26,5H20V15.5Z" style="fill: rgb(0, 114, 178); stroke-width: 0px; opacity: 1;"/>'
    written = picture(f'<g transform="translate(10,20)"><g transform="translate(1.5,0)">{path}</g></g>')
    assert '<path class="a" d="M11.5 20l10.3 5h9.7v10.5z"/>' in written
    assert ".a{fill:var(--chart-blue)}" in written


def test_what_does_not_show_is_left_out() -> None:
    written = picture(
        '<rect width="9" height="9" style="fill: rgb(0, 0, 0); fill-opacity: 0;"/><path d="M0,0Z"/><g class="empty"/>'
        '<text x="1" y="2"> </text><rect width="0" height="9"/>'
    )
    assert re.fullmatch(r"<svg [^>]*></svg>", written)


def test_clips_go_with_what_they_cut_and_are_named_by_their_place() -> None:
    clip = '<defs><clipPath id="clip8f3axy"><rect width="30" height="20"/></clipPath></defs>'
    inside = (
        '<g transform="translate(5,6)" clip-path="url(#clip8f3axy)"><path d="M0,0H50" style="stroke: #0072b2"/></g>'
    )
    written = picture(clip + inside)
    assert '<clipPath id="p1-1"><path d="M5 6h30v20h-30z"/></clipPath>' in written
    assert '<g clip-path="url(#p1-1)"><path class="a" d="M5 6h50"/></g>' in written
    assert "8f3a" not in written


def test_round_marks_are_the_round_ends_of_lines_of_no_length() -> None:
    circle = 'd="M4,0A4,4 0 1,1 0,-4A4,4 0 0,1 4,0Z" style="fill: rgb(0, 114, 178); stroke-width: 0px;"'
    written = picture(f'<path transform="translate(10,20)" {circle}/><path transform="translate(13,20)" {circle}/>')
    assert 'd="M10 20h0m3 0h0"' in written
    assert "fill:none;stroke:var(--chart-blue);stroke-linecap:round;stroke-width:8" in written


def test_the_cells_of_a_heat_map_take_the_place_of_its_image() -> None:
    cells = Cells(rows=[[0.0, 1.0], [None, 0.5]], low="#ffffff", high="#0072b2", gap=(2, 2))
    written = picture('<image x="0" y="10" width="20" height="20" href="data:image/png;base64,AAAA"/>', cells=cells)
    assert "<image" not in written
    assert 'd="M1 15h8m2 0h8M11 25h8"' in written  # the ground of the three cells that are known
    assert "stroke:var(--chart-blue);stroke-opacity:.5;stroke-width:8" in written


def test_words_stay_words() -> None:
    written = picture(
        '<text x="1" y="12" style="font-size: 14px"><tspan style="font-weight:bold">A &amp; b</tspan> 1 &lt; 2</text>'
    )
    assert ">A &amp; b</tspan> 1 &lt; 2</text>" in written
