"""A notebook becomes a page to send: its parameters, its results as published, and nobody's row."""

import base64
import gzip
import json
import re
import sys

import nbformat
import pandas as pd
import pytest
import typer
from plotly.graph_objects import Bar, Figure
from typer.testing import CliRunner

from funnel.cli.exporting import export as command
from funnel.errors import FunnelError
from funnel.exporting import export, pairs, prose
from funnel.exporting.frames import Publisher, person_rows
from funnel.exporting.page import page_of
from funnel.exporting.parameters import with_parameters
from funnel.exporting.pieces import told
from funnel.exporting.running import Run, read_notebook
from funnel.language import language

PARAMETERS = """
events = "events.csv"
language = "en"
window = 7
share = 0.5
is_strict = False
limit = None
names = ["visit", "sign"]
"""
CONNECT = "import funnel\n\npeople = funnel.connect(events, timezone='UTC', cutoff='2018-02-01')"
ASK = "answer = funnel.Funnel(names, window=f'{window} days').measure(people, by='channel', language=language)"
FULL = {"email": (40, 30), "press": (50, 25), "radio": (12, 5)}  # visitors and signers of each channel


def notebook(folder, *cells, name="question.ipynb"):
    """Write a notebook: Markdown begins with "#" or "> ", the first code has the parameters."""
    made = nbformat.v4.new_notebook()
    for cell in cells:
        is_prose = cell.startswith(("#", "> "))
        kind = nbformat.v4.new_markdown_cell if is_prose else nbformat.v4.new_code_cell
        tags = {"tags": ["parameters"]} if cell is PARAMETERS else {}
        made.cells.append(kind(cell.strip().removeprefix("> "), metadata=tags))
    path = folder / name
    nbformat.write(made, path)
    return path


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """A folder with the events of 102 visitors, whose numbers are words, of whom 60 sign."""
    folder = tmp_path_factory.mktemp("campaign")
    rows = []
    for channel, (visitors, signers) in FULL.items():
        for number in range(visitors):
            who = f"{channel}-visitor-{number:03d}"
            rows.append((who, "visit", f"2018-01-14T10:{number:02d}:00Z", channel))
            if number < signers:
                rows.append((who, "sign", f"2018-01-14T10:{number:02d}:30Z", channel))
    pd.DataFrame(rows, columns=["visitor_id", "event", "occurred_at", "channel"]).to_csv(
        folder / "events.csv", index=False
    )
    return folder


@pytest.fixture(scope="module")
def question(folder):
    return notebook(
        folder,
        "# Who signs?\n\n**Question.** How many?\n\n## Counting & reading",
        PARAMETERS,
        CONNECT,
        ASK,
        "> ### By channel\n\nSee [the other](01_other.ipynb), [the Web](https://example.org) and 60 % of `sign`.",
        "answer",
        "answer.plot()",
        "print(answer.frame[['channel', 'step', 'visitors']])",
        "import sys\nprint('take care', file=sys.stderr)\nwindow / 3",
        "> ## What one may conclude\n\n- Nothing of `radio`.",
    )


@pytest.fixture(scope="module")
def page(question):
    return export(question)


def charts(page):
    packed = re.search(r'<script type="text/plain" id="charts">([^<]+)</script>', page)[1]
    return json.loads(gzip.decompress(base64.b64decode(packed)))


def rows(page, caption):
    """Return the cells of the table with this caption, a list a row."""
    table = re.search(rf"<caption[^>]*>{re.escape(caption)}</caption>.*?</table>", page, re.DOTALL)[0]
    body = re.search(r"<tbody>(.*)</tbody>", table, re.DOTALL)[1]
    return [
        [re.sub(r"<[^>]+>", "", cell) for cell in re.findall(r"<t[hd][^>]*>(.*?)</t[hd]>", row, re.DOTALL)]
        for row in re.findall(r"<tr>(.*?)</tr>", body, re.DOTALL)
    ]


def refusal(make):
    with pytest.raises(FunnelError) as caught:
        make()
    return str(caught.value)


# The page


def test_the_headings_of_the_notebook_are_those_of_the_page(page):
    headings = re.findall(r"<h(\d)[^>]*>([^<]+)</h\d>", page)
    assert [each for each in headings if each[1] not in ("On this page", "Where these numbers come from")] == [
        ("1", "Who signs?"),
        ("2", "Counting &amp; reading"),
        ("3", "By channel"),
        ("2", "What one may conclude"),
    ]
    assert "<title>Who signs?</title>" in page
    assert '<html lang="en-CA">' in page


def test_no_code_is_shown_and_no_host_is_asked(page):
    assert "funnel.connect" not in page
    assert "Content-Security-Policy\" content=\"default-src 'none'" in page
    addresses = set(re.findall(r'(?:src|href)="([^"#]+)"', page))
    assert addresses == {"https://example.org"}


def test_a_link_into_the_folder_gives_way_to_its_words(page):
    assert "See the other, <a" in page


def test_the_chart_is_there_with_its_table(page):
    assert len(charts(page)) == 1
    assert page.count("data-chart=") == 1
    assert "The numbers in a table" in page


def test_small_counts_are_hidden_in_table_chart_and_frame_alike(page):
    """Radio: 5 of 12 signed, which is too few; so are the 7 who did not, and they cannot be worked out."""
    result = {tuple(row[:2]): row[2:] for row in rows(page, "Where visitors go, and where they stop, by channel")}
    assert result["radio", "sign"][0].startswith("▒")
    frame = {tuple(row[:2]): row[2] for row in rows(page, "Table 1")}
    assert frame["radio", "sign"].startswith("▒")
    assert frame["email", "visit"] == "40"
    for (channel, step), written in frame.items():
        assert written.startswith("▒") or int(written) == FULL[channel][step == "sign"]
    words = [note["text"] for note in charts(page)[0]["layout"]["annotations"]]
    assert not any("41.7" in word or re.search(r"\b5 of\b", word) for word in words)
    assert "so that nothing can be learned of a group of fewer than 10 people" in page


def test_a_number_a_warning_and_prose_stand_as_they_should(page):
    assert "<p>2.3333</p>" in page
    assert "<li>take care</li>" in page
    assert "60\u00a0% of <code>sign</code>" in page


def test_the_footer_says_where_the_numbers_come_from(page):
    assert "<dd>question.ipynb</dd>" in page
    assert "<code>events = &#39;events.csv&#39;, language = &#39;en&#39;, window = 7" in page
    assert "Fingerprint of the data" in page


def test_the_same_notebook_gives_the_same_bytes(question, page):
    assert export(question) == page


def test_a_parameter_turns_the_page_french_and_code_is_folded(question):
    asked = pairs(["language=fr", "window=1"])
    page = export(question, parameters=asked, code=True, title="Qui signe")
    assert '<html lang="fr-CA">' in page
    assert "<h1>Qui signe</h1>" in page
    (first, *_) = rows(page, "Où vont les visiteurs, où ils s’arrêtent, par canal")
    assert first[:3] == ["presse", "visite", "50"]
    assert "<p>0,3333</p>" in page
    assert '<details class="code">' in page
    assert "people = funnel.connect(events" in page
    assert "window = 1" in page


# What is refused


def test_a_cell_that_fails_is_named_with_its_error_and_nothing_is_written(folder, tmp_path):
    path = notebook(folder, "# Wrong", PARAMETERS, CONNECT, "people.column('chanel')", name="wrong.ipynb")
    app = typer.Typer()
    app.command()(command)
    told = CliRunner().invoke(app, [str(path), "-o", str(tmp_path / "out.html"), "-p", "window=3"])
    assert told.exit_code == 1
    assert told.stderr == (
        "Error: Cell 3 of wrong.ipynb, which begins with “people.column('chanel')”, fails with ColumnError: No column"
        " named 'chanel'. Did you mean 'channel'? Known: channel, event, occurred_at, visitor_id."
        " Nothing was written.\n"
    )
    assert list(tmp_path.iterdir()) == []


def test_a_notebook_that_shows_visitors_is_refused(folder):
    shows = notebook(folder, PARAMETERS, CONNECT, "people.sql('select * from events').head()", name="shows.ipynb")
    assert refusal(lambda: export(shows)) == (
        "Cell 3 of shows.ipynb shows rows of persons: a column is called 'visitor_id'. A page shows people only added"
        " up: show a result, or count them, under another name."
    )


def test_a_notebook_that_prints_the_number_of_a_visitor_is_refused(folder):
    prints = notebook(
        folder,
        PARAMETERS,
        CONNECT,
        "print('The first was', people.sql('from events').iloc[0, 0] + '.')",
        name="p.ipynb",
    )
    assert refusal(lambda: export(prints)) == (
        "Cell 3 of p.ipynb prints the number of a visitor. A page shows people only added up: leave it out."
    )


@pytest.mark.parametrize(
    ("typed", "told"),
    [
        (
            ["evnets=x.csv"],
            "question.ipynb has no parameter 'evnets'. Did you mean 'events'? Known: events, language, window, share,"
            " is_strict, limit, names.",
        ),
        (["window"], "The parameter 'window' has no value. Write it as -p window=VALUE."),
        (["window=ten"], "The parameter 'window' is a whole number; got 'ten'. Write for example -p window=7."),
        (["share=half"], "The parameter 'share' is a number; got 'half'. Write for example -p share=0.5."),
        (
            ["is_strict=perhaps"],
            "The parameter 'is_strict' is true or false; got 'perhaps'. Write for example -p is_strict=false.",
        ),
        (
            ["names=visit,sign"],
            "The parameter 'names' is a list written as JSON; got 'visit,sign'. Write for example"
            ' -p names=\'["visit", "sign"]\'.',
        ),
    ],
)
def test_a_parameter_typed_wrong_is_said_in_one_sentence_before_anything_runs(question, typed, told):
    assert refusal(lambda: export(question, parameters=pairs(typed))) == told


def test_values_are_read_as_the_type_of_the_parameter(question):
    asked = pairs(["window=30", "share=1", "is_strict=yes", "limit=5", "names=[]", "language=fr", "events=a=b"])
    values = with_parameters(read_notebook(question), asked, question)
    assert values == {
        "events": "a=b",
        "language": "fr",
        "window": 30,
        "share": 1.0,
        "is_strict": True,
        "limit": 5,
        "names": [],
    }
    assert [type(values[name]) for name in ("window", "share")] == [int, float]


@pytest.mark.parametrize(("typed", "value"), [("2018-02-01", "2018-02-01"), ("None", None), ("3.5", 3.5), ("a", "a")])
def test_what_has_no_value_yet_takes_json_or_text(question, typed, value):
    assert with_parameters(read_notebook(question), {"limit": typed}, question)["limit"] == value


def test_a_path_is_read_from_where_it_is_typed(question, folder, tmp_path, monkeypatch):
    (tmp_path / "mine.csv").write_text("")
    monkeypatch.chdir(tmp_path)
    value = with_parameters(read_notebook(question), {"events": "mine.csv"}, question)["events"]
    assert (folder / value).resolve() == (tmp_path / "mine.csv").resolve()
    assert with_parameters(read_notebook(question), {"events": "events.csv"}, question)["events"] == "events.csv"


def test_the_injected_cell_comes_after_the_tagged_one_which_stays(question):
    asked = read_notebook(question)
    with_parameters(asked, {"window": "3"}, question)
    first, second = asked.cells[1:3]
    assert first.source == PARAMETERS.strip()
    assert (second.source, second.metadata["tags"]) == ("window = 3", ["injected-parameters"])


def test_without_a_tagged_cell_nothing_can_be_set(folder):
    path = notebook(folder, "# Bare", "1 + 1", name="bare.ipynb")
    assert refusal(lambda: export(path, parameters={"language": "fr"})) == (
        "bare.ipynb has no cell tagged 'parameters', so that nothing can be set in it with -p. Tag the cell that gives"
        " them their values (in JupyterLab: Property Inspector, Cell Tags)."
    )


def test_a_notebook_that_is_not_there_is_said_to_be_missing(tmp_path):
    missing = tmp_path / "none.ipynb"
    assert refusal(lambda: export(missing)) == (
        f"No notebook at '{missing}'. Write the path of an .ipynb file from where you are."
    )


def test_another_language_than_the_two_is_refused(question):
    assert refusal(lambda: export(question, parameters={"language": "de"})) == (
        "No language 'de'. Known: en, fr. Write language='en' or language='fr'."
    )


# Frames


def table(frame, code="en", secret=None):
    made = Publisher(10, language(code), secret or {}).table(frame)
    return [column.heading for column in made.columns], [list(row) for row in made.rows]


def test_intervals_are_folded_and_numbers_written_as_the_reader_does():
    frame = pd.DataFrame(
        {"channel": ["tv"], "rate": [0.1234], "rate_low": [0.1], "rate_high": [0.15], "excess": [1234.5]}
    )
    assert table(frame, "fr") == (
        ["Canal", "Taux", "Excédent"],
        [["télévision", "12,3\u00a0% [10,0\u00a0à\u00a015,0]", "1\u202f234,5"]],
    )


def test_the_index_comes_first_and_levels_of_columns_are_joined():
    frame = pd.DataFrame({("3 hours", "excess"): [20.5], ("12 hours", "excess"): [30.0]}, index=["tv"])
    assert table(frame) == (["Row", "3 hours, excess", "12 hours, excess"], [["television", "20.5", "30"]])


def test_small_counts_are_hidden_with_decimals_beside_them_unless_the_column_is_of_nobody():
    frame = pd.DataFrame({"visitors": [9, 10, 0], "days": [1, 2, 3], "score": [1.0, 2.0, 3.5], "holds": [True] * 3})
    assert table(frame)[1] == [["▒", "1", "▒", "yes"], ["10", "2", "2.0", "yes"], ["0", "3", "3.5", "yes"]]


def test_what_a_result_hides_is_hidden_in_a_column_of_that_name():
    secret = {"visitors": frozenset({25.0}), "rate": frozenset({0.12345})}
    frame = pd.DataFrame({"visitors": [25, 26], "signers": [25, 26], "rate": [0.123, 0.124]})
    assert table(frame, secret=secret)[1] == [["▒", "25", "▒"], ["26", "26", "0.124"]]
    turned = frame[["visitors"]].T.rename_axis(columns="channel")
    assert table(turned, secret=secret)[1] == [["visitors", "▒", "26"]]


@pytest.mark.parametrize("name", ["visitor_id", "event_id", "session_id", "referred_by", "signature"])
def test_a_column_of_persons_is_refused_in_the_index_too(name):
    rows_of_persons = pd.DataFrame({name: [1, 2], "event": ["visit", "sign"]})
    assert person_rows(rows_of_persons).startswith(f"rows of persons: a column is called '{name}'.")
    assert person_rows(rows_of_persons.set_index(name)) == person_rows(rows_of_persons)
    assert person_rows(rows_of_persons["event"]) == ""


def test_a_table_longer_than_a_page_is_refused():
    assert person_rows(pd.DataFrame({"at": range(201)})) == (
        "a table of 201 rows. A page takes 200 at most, because longer ones are of persons as a rule: show it added up."
    )
    assert person_rows(pd.DataFrame({"at": range(200)})) == ""


# Prose


def test_html_is_shown_as_written_and_pictures_are_told():
    (told,) = prose.read("a <b>b</b> ![two bars](bars.png)\n\n<script>x</script>", "Table")
    assert told.html == "<p>a &lt;b&gt;b&lt;/b&gt; two bars</p>\n<p>&lt;script&gt;x&lt;/script&gt;</p>\n"


def test_a_table_has_scopes_and_a_name_of_its_own():
    (told,) = prose.read("| a | b |\n| --- | --- |\n| 1 | 2 |", "Table in the text 3")
    assert told.html.startswith('<div class="scroll" role="region" tabindex="0" aria-label="Table in the text 3 1">')
    assert told.html.count('<th scope="col">') == 2


def test_headings_are_told_apart_and_only_those_of_the_page():
    found = list(prose.read("# A *b* `c`\n\ntext\n\n- item\n  # no heading\n", "Table"))
    assert found[0] == prose.Heading(1, "A b c")
    assert "<h1>" not in found[1].html


# What cells show, without running any


def shown(question, *outputs):
    """Return the page of a notebook whose first cell of code has these outputs."""
    asked = read_notebook(question)
    asked.cells[1].outputs = list(outputs)
    return page_of(Run(asked), question, {}, words=language("en"), title=None, with_code=False, least=10)


def test_a_picture_and_a_chart_of_ones_own_are_refused(question):
    picture = nbformat.v4.new_output("display_data", {"image/png": "aGk=", "text/plain": "<Figure>"})
    assert refusal(lambda: shown(question, picture)) == (
        "Cell 1 of question.ipynb shows a picture, whose numbers nobody can check or read aloud. Plot a result, or show"
        " a table."
    )
    (piece,) = told([Figure(Bar(y=[1, 2]))], 10, language("en"))["pieces"]
    assert piece["refused"] == (
        "a chart that is not a result’s own, whose small counts cannot be hidden. Plot a result, or show the numbers in"
        " a table."
    )


def test_controls_errors_and_markdown_are_told(question):
    controls = nbformat.v4.new_output("display_data", {"application/vnd.jupyter.widget-view+json": {}})
    error = nbformat.v4.new_output("error", ename="ValueError", evalue="no such day")
    markdown = nbformat.v4.new_output(
        "display_data", {"text/markdown": "## Half\n\n*well*", "text/plain": "<Markdown>"}
    )
    page = shown(question, controls, error, markdown)
    assert "<li>Here the notebook has controls, which work in JupyterLab.</li>" in page
    assert "<li>ValueError: no such day</li>" in page
    assert "<p><strong>Half</strong></p>" in page
    assert "<p><em>well</em></p>" in page


def test_printed_columns_keep_their_places_and_sentences_wrap(question):
    said = nbformat.v4.new_output("stream", text="a    b\n1    2\n")
    told_so = nbformat.v4.new_output("stream", text="One sentence.\nAnother, of 3 visitors.\n")
    page = shown(question, said, told_so)
    assert '<pre class="columns" tabindex="0">a    b\n1    2</pre>' in page
    assert "<p>One sentence.</p>" in page
    assert "3 visitors" not in page


def test_a_frame_of_known_columns_is_published_like_the_result_it_is_of():
    """Of 915 at a rung 77 and 834 go on, so that 4 did something else: that number can be had from the others."""
    moves = pd.DataFrame(
        {
            "rung": ["friend"] * 3,
            "to": ["visit", "partner_click", "none yet"],
            "visitors": [77, 4, 834],
            "share": [77 / 915, 4 / 915, 834 / 915],
        }
    )
    (piece,) = told([moves], 10, language("en"))["pieces"]
    visitors = [row[2] for row in piece["table"]["rows"]]
    assert visitors[1] == "▒"
    assert visitors.count("▒") == 2


def test_without_what_runs_notebooks_the_command_says_so(question, monkeypatch):
    monkeypatch.setitem(sys.modules, "nbclient", None)
    assert refusal(lambda: export(question)) == (
        "Running a notebook needs nbclient, nbformat and ipykernel. Install them with:"
        " pip install 'acquisition-funnel[notebook]'."
    )
