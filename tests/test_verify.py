"""Whether a page says what its data says: true in another process, false where one event or one digit changes."""

import base64
import gzip
import json
import os
import re
import shutil
import struct
import subprocess
import sys

import duckdb
import pytest
import typer
from typer.testing import CliRunner

import funnel
from funnel.analysis import Analysis
from funnel.cli.runs import run, verify
from funnel.errors import SourceError
from funnel.language import language
from funnel.pages import KeyNumber
from funnel.registration import preregister
from funnel.report import Report, campaign_report
from funnel.runs import run as run_
from funnel.runs import verify as verify_
from funnel.runs.verified import sentences
from funnel.runs.verifying import beside, unlike
from funnel.sources import connect

EN, FR = language("en"), language("fr")
SPACES = str.maketrans("\u00a0\u202f", "  ")

CAMPAIGN = """
title: A small campaign
data:
  events: events
  timezone: America/Toronto
funnel: visit > sign > (share | partner_click) within 7 days
by: [channel]
sections: [funnel, definition, quality]
"""

app = typer.Typer()
for command in (run, verify):
    app.command()(command)


def typed_in(*words):
    return CliRunner().invoke(app, [str(word) for word in words])


def plain(text):
    return text.translate(SPACES)


@pytest.fixture(scope="module")
def campaign(tmp_path_factory):
    """A folder with the visits, signatures and what follows of about 1,500 visitors, and a campaign.yml."""
    folder = tmp_path_factory.mktemp("campaign")
    funnel.make_sample(2018, visitors=1_500, folder=folder / "whole")
    (folder / "events").mkdir()
    with duckdb.connect() as engine:
        rows = engine.read_parquet(str(folder / "whole" / "events.parquet"))
        few = rows.filter("event <> 'thanks_shown'").project("event_id, visitor_id, event, occurred_at, channel")
        few.to_parquet(str(folder / "events" / "events.parquet"))
    (folder / "campaign.yml").write_text(CAMPAIGN, encoding="utf-8")
    return folder


@pytest.fixture(scope="module")
def page(campaign):
    """The text of the campaign's report."""
    analysis = Analysis.read(campaign / "campaign.yml")
    return campaign_report(analysis.data.connect(), analysis).html()


@pytest.fixture
def written(campaign, page, tmp_path):
    """Write the page and return what verifying it over some data finds."""

    def verified(data=None, **how):
        path = tmp_path / "report.html"
        path.write_text(page, encoding="utf-8")
        return verify_(path, str(data or campaign / "events"), **how)

    return verified


@pytest.fixture
def edited(page):
    """Return what is found in the page after texts in it were replaced, the first of each, beside what it was."""

    def found(*edits):
        changed = page
        for old, new in edits:
            assert old in changed
            changed = changed.replace(old, new, 1)
        return beside(changed, page, EN)

    return found


def packed(page, name):
    return re.search(rf'<script type="text/plain" id="{name}">([^<]*)</script>', page)[1]


def repacked(page, name, change):
    """Return the old and the new text of what a page carries packed, after a change to it."""
    before = packed(page, name)
    content = json.loads(gzip.decompress(base64.b64decode(before)))
    change(content)
    return before, base64.b64encode(gzip.compress(json.dumps(content).encode())).decode()


SCRIPT = """
import typer
from funnel.cli.runs import run, verify

app = typer.Typer()
app.command()(run)
app.command()(verify)
app()
"""


def test_a_page_is_true_in_another_process_with_a_copy_of_the_data(campaign, page, tmp_path):
    (tmp_path / "report.html").write_text(page, encoding="utf-8")
    shutil.copytree(campaign / "events", tmp_path / "elsewhere")
    (tmp_path / "verify.py").write_text(SCRIPT, encoding="utf-8")
    done = subprocess.run(  # noqa: PLW1510 - the code is what is asked
        [sys.executable, "verify.py", "verify", "report.html", "--data", "elsewhere"],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        env={**os.environ, "PYTHONHASHSEED": "11"},
    )
    assert (done.returncode, done.stderr) == (0, "")
    assert re.fullmatch(
        r"Every number is the same: [\d,]{3,} things that the page says, in \d+ sections, are what the data says\.\n",
        done.stdout,
    )


def test_the_command_ends_with_0_1_or_2(campaign, page, tmp_path):
    path = tmp_path / "report.html"
    path.write_text(page, encoding="utf-8")
    right = typed_in("verify", path, "--data", campaign / "events", "--language", "fr")
    assert right.exit_code == 0
    assert page.count("A small campaign</h1>") == 1
    path.write_text(page.replace("A small campaign</h1>", "A large campaign</h1>"), encoding="utf-8")
    wrong = typed_in("verify", path, "--data", campaign / "events", "--json")
    assert wrong.exit_code == 1
    (found,) = json.loads(wrong.stdout)["differences"]
    assert (found["what"], found["page"], found["data"]) == ("heading", "A large campaign", "A small campaign")
    lost = typed_in("verify", tmp_path / "lost.html", "--data", campaign / "events")
    assert (lost.exit_code, lost.stderr) == (
        2,
        "Error: The page 'lost.html' cannot be read: No such file or directory. Check the path.\n",
    )


def test_a_page_of_anything_else_is_refused_in_one_sentence(campaign, tmp_path):
    path = tmp_path / "other.html"
    path.write_text("<!doctype html><title>Hello</title><p>12,345 visitors", encoding="utf-8")
    done = typed_in("verify", path, "--data", campaign / "events")
    assert (done.exit_code, done.stdout) == (2, "")
    assert done.stderr == (
        "Error: The page carries no analysis, so no campaign report wrote it. Give a page that `funnel report` or"
        " `funnel run` wrote.\n"
    )


# A page edited by hand


SIGN = re.compile(r'<tr><th scope="row"[^>]*>sign</th><td[^>]*>(\d+)</td>')


def test_one_digit_edited_in_a_cell_is_found(edited, page):
    row, number = SIGN.search(page)[0], SIGN.search(page)[1]
    other = f"{number[0]}{(int(number[1]) + 1) % 10}{number[2:]}"
    verified = edited((row, row.replace(f">{number}<", f">{other}<")))
    (difference,) = verified.differences
    assert (verified.is_true, verified.is_same_data) == (False, True)
    assert (difference.section, difference.what) == ("funnel", "cell")
    assert [plain(line) for line in sentences(verified, EN)] == [
        "1 thing that the page says is not what the data says.",
        f"  Where visitors leave, “sign”, Visitors: the page has {other}, the data {number}",
    ]


def test_a_number_edited_in_a_chart_is_found(edited, page):
    def change(charts):
        trace = charts[0]["data"][0]
        trace["x"][1] += 1

    verified = edited(repacked(page, "charts", change))
    (difference,) = verified.differences
    assert (difference.section, difference.what, difference.called) == ("funnel", "chart", ("data[0].x[1]",))
    assert float(difference.page) == pytest.approx(float(difference.data) + 1)


def test_numbers_that_plotly_packs_are_compared_one_by_one():
    def charted(*numbers):
        bytes_ = struct.pack(f"<{len(numbers)}d", *numbers)
        return {"x": {"dtype": "f8", "bdata": base64.b64encode(bytes_).decode()}}

    assert list(unlike(charted(1.0, 2.0), charted(1.0, 2.0 + 1e-12))) == []
    assert list(unlike(charted(1.0, 2.0), {"x": [1.0, 2.5]})) == [("x[1]", 2.0, 2.5)]


def test_a_number_edited_in_a_file_is_found_with_its_line_and_column(edited, page):
    def change(files):
        lines = files[0].splitlines()
        names, values = lines[0].split(","), lines[2].split(",")
        values[names.index("visitors")] = "1"
        files[0] = "\n".join([*lines[:2], ",".join(values), *lines[3:], ""])

    verified = edited(repacked(page, "files", change))
    (difference,) = verified.differences
    assert (difference.section, difference.what) == ("funnel", "file")
    assert (difference.called, difference.page) == (("funnel.csv", "3", "visitors"), "1")
    assert list(sentences(verified, EN))[1] == (
        f"  Where visitors leave, line 3 of the file, visitors: the page has 1, the data {difference.data}"
    )


def test_a_sentence_a_note_a_bar_and_a_fact_edited_are_found(edited, page):
    reading = re.search(r'<p class="reading">[^<]+</p>', page)[0]
    note = re.search(r'<ul class="notes">\n<li>[^<]+</li>', page)[0]
    events = re.search(r"<dd>([\d,]+ events of)", page)[1]
    verified = edited(
        (reading, '<p class="reading">Everybody signed.</p>'),
        (note, '<ul class="notes">\n<li>All is well.</li>'),
        ("inline-size:100.00%", "inline-size:50.00%"),
        (events, "9 events of"),
    )
    assert [(each.section, each.what) for each in verified.differences] == [
        ("funnel", "sentence"),
        ("funnel", "length"),
        ("funnel", "note"),
        ("footer", "fact"),
    ]
    assert list(sentences(verified, EN))[1].endswith(" (and 2 more)")


def test_an_edited_tile_is_found():
    declared = {"schema": 1, "analysis": {}, "fingerprint": "", "made_with": {}}
    report = Report("Campaign", declared=declared)
    report.numbers.append(KeyNumber("Signed", "412", "41.2% of visitors", "+12 since last week"))
    page = report.html()
    for old, new in (("412", "421"), ("41.2%", "42.1%"), ("+12", "+21"), ("Signed", "Shared")):
        found = beside(page.replace(f">{old}", f">{new}", 1), page, EN)
        assert (found.is_true, found.differences[0].section) == (False, "answer"), old


def test_words_added_to_a_section_or_a_section_left_out_are_found(edited, page):
    (difference,) = edited(('<section id="quality"', '<p>9,999 people.</p><section id="quality"')).differences
    assert (difference.what, difference.page, difference.data) == ("sentence", "9,999 people.", None)
    start = page.index('<section id="quality"')
    section = page[start : page.index("</section>", start) + len("</section>")]
    difference, *others = edited((section, "")).differences
    assert (difference.section, difference.what, difference.page) == ("quality", "section", None)
    assert [each.what for each in others] == ["files"]
    # A section of the same name before the true one does not stand for it.
    false = '<section id="funnel"><p>99,999 people signed.</p></section>'
    (difference,) = edited(('<section id="funnel"', f'{false}<section id="funnel"')).differences
    assert (difference.section, difference.page, difference.data) == ("funnel", "99,999 people signed.", None)


def test_another_script_is_found(edited, page):
    script = page[page.rindex("<script>") :]
    verified = edited((script, script.replace("</script>", ";alert(1)</script>")))
    assert list(sentences(verified, EN))[1] == (
        "  What draws the charts is not what this version of the package writes."
    )


def test_charts_that_were_cut_short_are_refused(edited, page):
    with pytest.raises(SourceError) as refused:
        edited((packed(page, "charts"), packed(page, "charts")[:-40]))
    assert str(refused.value) == (
        "What the page carries for its charts and files was cut short or changed by hand, so nothing can be compared."
    )


def test_style_logo_and_other_versions_are_no_difference(edited, page):
    logo = '<header class="masthead"><img class="logo" src="data:," alt="">'
    before = version(page, "duckdb")
    verified = edited(
        ("</head>", "<style>body { color: red }</style></head>"),
        ('<header class="masthead">', logo),
        (f'"duckdb":"{before}"', '"duckdb":"1.0.0"'),
        (f"duckdb {before}", "duckdb 1.0.0"),
    )
    assert verified.is_true
    assert list(sentences(verified, EN))[1] == f"It was made with other versions: duckdb 1.0.0, and here {before}."


def version(page, name):
    declared = re.search(r'<script type="application/json" id="analysis">(.*?)</script>', page)[1]
    return json.loads(declared)["made_with"][name]


# Other data


@pytest.fixture
def other_data(campaign, tmp_path):
    """Write the campaign's events again as one SELECT of them gives, the tables beside them as they are."""

    def selected(select):
        folder = tmp_path / "other"
        shutil.copytree(campaign / "events", folder)
        (folder / "events.parquet").unlink()
        with duckdb.connect() as engine:
            engine.read_parquet(str(campaign / "events" / "events.parquet")).create_view("rows")
            engine.sql(select).to_parquet(str(folder / "events.parquet"))
        return folder

    return selected


# The signature of somebody whose only one it is, and who did nothing after it.
LAST = """(
    select max(last_id)
    from (
        select max_by(event_id, occurred_at) as last_id
        from rows
        group by visitor_id
        having max_by(event, occurred_at) = 'sign' and count_if(event = 'sign') = 1
    )
)"""


def test_one_row_dropped_is_found_and_says_which_numbers_moved(written, other_data, campaign):
    asked = funnel.Funnel(["visit", "sign"], follow_ups=["share", "partner_click"])
    folder = other_data(f"select * from rows where event_id <> {LAST}")
    verified = written(data=folder)
    assert (verified.is_true, verified.is_same_data) == (False, False)
    before, after = (int(asked.measure(connect(place)).frame["visitors"][1]) for place in (campaign / "events", folder))
    assert before - after == 1
    moved = {(each.section, each.what, *each.called[1:]): (each.page, each.data) for each in verified.differences}
    assert moved["funnel", "cell", "sign", "Visitors"] == (str(before), str(after))
    told = [plain(line) for line in sentences(verified, EN)]
    assert told[0] == (
        f"The data is not that of the page: its fingerprint is {connect(folder).fingerprint()},"
        f" that of the page’s data {connect(campaign / 'events').fingerprint()}."
    )
    assert any(line.startswith("  Where visitors leave, ") for line in told)


def test_one_event_moved_by_a_second_is_found(written, other_data):
    moved = f"occurred_at + to_seconds(case when event_id = {LAST} then 1 else 0 end)"
    verified = written(data=other_data(f"select * replace ({moved} as occurred_at) from rows"))
    assert (verified.is_true, verified.is_same_data) == (False, False)


def test_rows_in_another_order_are_the_same_data(written, other_data):
    assert written(data=other_data("select * from rows order by hash(event_id)")).is_true


def test_a_campaign_file_that_asks_otherwise_is_told(written, campaign, tmp_path):
    same = written(campaign=campaign / "campaign.yml")
    assert same.is_true
    other = tmp_path / "campaign.yml"
    other.write_text(CAMPAIGN.replace("within 7 days", "within 3 days"), encoding="utf-8")
    verified = written(campaign=other)
    assert not verified.is_true
    assert [plain(line) for line in sentences(verified, EN)] == [
        "The page does not answer what the campaign file asks:",
        "  funnel: the page visit > sign > (share | partner_click) within 7 days, the file visit > sign > (share |"
        " partner_click) within 3 days",
    ]


def test_the_campaign_file_says_where_the_data_is(written, page, campaign, tmp_path):
    path = tmp_path / "report.html"
    path.write_text(page, encoding="utf-8")
    assert verify_(path, campaign=campaign / "campaign.yml").is_true
    done = typed_in("verify", path)
    assert (done.exit_code, done.stderr) == (
        2,
        "Error: The page does not say where its data lies. Give --data SOURCE, or --config campaign.yml, which says"
        " it.\n",
    )


# Pages that a run writes


def test_the_report_of_a_run_with_a_registration_is_true(campaign, tmp_path, monkeypatch):
    monkeypatch.setenv("BROWSER_PATH", "no-browser-here")
    path, _ = preregister(campaign / "campaign.yml")
    try:
        run_(campaign / "campaign.yml", tmp_path / "out")
    finally:
        path.unlink()
    assert verify_(tmp_path / "out" / "report.html", str(campaign / "events")).is_true


def test_a_static_page_is_true_and_its_cells_are_compared(campaign, page, monkeypatch):
    monkeypatch.setenv("BROWSER_PATH", "no-browser-here")
    analysis = Analysis.read(campaign / "campaign.yml")
    static = campaign_report(analysis.data.connect(), analysis).html(static=True)
    assert beside(static, page, EN).is_true
    row, number = SIGN.search(static)[0], SIGN.search(static)[1]
    found = beside(static.replace(row, row.replace(number, "7")), page, EN)
    assert [(each.what, each.page, each.data) for each in found.differences] == [("cell", "7", number)]
    # A page that was made with pictures has one for each chart, in the place of its bars.
    pictured = re.sub(r"<figure.*?</figure>", '<figure class="chart"><svg></svg></figure>', page, flags=re.DOTALL)
    pictured = re.sub(r'<script type="[^"]*" id="(charts|settings|plotly)">[^<]*</script>', "", pictured)
    assert beside(pictured, page, EN).is_true
    lacking = pictured.replace("<svg></svg>", "", 1)
    assert [(each.what, each.page, each.data) for each in beside(lacking, page, EN).differences] == [
        ("pictures", "0", "1")
    ]
