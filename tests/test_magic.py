"""`%load_ext funnel` in an IPython shell: %funnel, %%funnel, and what they say when it cannot be asked."""

import builtins
import sys

import pandas as pd
import pytest
from IPython.core.interactiveshell import InteractiveShell
from traitlets.config import Config

import funnel
from funnel.magic import without_cell

LINE = "visit > sign > (share | partner_click) within 7 days by channel"


@pytest.fixture(scope="module")
def session(tmp_path_factory):
    """Return a shell with the extension, `events` of six visitors, and `people`, who are those that came by mail."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("IPYTHONDIR", str(tmp_path_factory.mktemp("ipython")))
        patch.setitem(sys.modules, "__main__", sys.modules["__main__"])
        patch.delattr(builtins, "_", raising=False)  # doctests leave one, and IPython then keeps away from the name
        shell = InteractiveShell(config=Config({"HistoryManager": {"enabled": False}}))
        start, rows = pd.Timestamp("2018-01-14T12:00Z"), []
        for visitor, done in enumerate(["visit", "visit sign", "visit sign share", "visit", "visit sign", "visit"]):
            for minute, event in enumerate([*done.split(), "partner_click"] if visitor == 4 else done.split()):
                rows.append((visitor, event, start + pd.Timedelta(minutes=minute), ("tv", "mail")[visitor % 2]))
        frame = pd.DataFrame(rows, columns=["visitor_id", "event", "occurred_at", "channel"])
        shell.user_ns["events"] = funnel.connect(frame, cutoff="2018-02-14T00:00Z")
        shell.user_ns["people"] = shell.user_ns["events"].where("channel = 'mail'")
        assert shell.run_cell("%load_ext funnel").success
        yield shell


@pytest.fixture
def run(session, capsys):
    """Return a way to run a cell, which gives what it shows and what it says on standard error."""

    def run_cell(source):
        done = session.run_cell(source, store_history=True)
        said = capsys.readouterr().err
        assert done.success is not bool(said)
        return done.result, said

    return run_cell


def visitors(result):
    return list(zip(result.frame["step"], result.frame["visitors"], strict=True))


def test_a_line_measures_the_events_of_the_notebook(run, session):
    result, _ = run("%funnel visit > sign > (share)")
    assert visitors(result) == [("visit", 6), ("sign", 3), ("share", 1)]
    assert session.user_ns["_"] is result


def test_a_cell_of_one_line_does_the_same(run, session):
    result, _ = run(f"%%funnel {LINE}")
    assert result.by == ("channel",)
    again = funnel.Funnel.parse(LINE).measure(session.user_ns["events"])
    assert result.frame.equals(again.frame)


def test_a_cell_says_below_of_which_events(run):
    assert visitors(run("%%funnel visit > sign\npeople")[0]) == [("visit", 3), ("sign", 1)]
    result, _ = run("%%funnel visit > sign\n(\n    events\n    .where(\"channel = 'tv'\")  # no mail\n)\n\n")
    assert visitors(result) == [("visit", 3), ("sign", 2)]
    assert visitors(run("%%funnel visit > sign\n\n  \n")[0]) == [("visit", 6), ("sign", 3)]


def test_an_answer_is_given_a_name(run, session):
    result, _ = run("answer = %funnel visit > sign[channel = 'tv'] as \"signed after the show\"")
    assert result is None
    assert visitors(session.user_ns["answer"]) == [("visit", 6), ("signed after the show", 2)]


def test_what_stands_in_a_line_is_never_a_variable_of_the_notebook(run, session):
    """IPython puts variables in for $name and {name}; in the notation both are what they are."""
    session.user_ns["pageview"] = "visit"
    assert run("%funnel $pageview > sign")[1] == (
        "UsageError: No event is named '$pageview'. Known: visit (6), sign (3), partner_click (1), share (1).\n"
    )
    result, _ = run("%funnel visit > sign[channel = '{pageview}']")
    assert visitors(result) == [("visit", 6), ("sign", 0)]


SENTENCES = {
    "%funnel visit > sign withn 7 days": (
        "Column 14: 'withn' has no place here. Did you mean 'within'? Steps are separated by >; after the last come"
        " within, follow-ups, order, entry, ties, without, by.\n    visit > sign withn 7 days\n                 ^"
    ),
    "%%funnel visit > sing\npeople": "No event is named 'sing'. Did you mean 'sign'? Known: visit (3), sign (1).",
    "%funnel visit > sign by chanel": (
        "No column named 'chanel'. Did you mean 'channel'? Known: channel, event, occurred_at, visitor_id."
    ),
    "%funnel": "A funnel in one line needs steps; the line is empty. Write for example visit > sign within 7 days.",
    "%%funnel visit > sign\nevents.where('chanel = 1')": (
        "No column named 'chanel'. Did you mean 'channel'? Known: channel, event, occurred_at, visitor_id."
    ),
    "%%funnel visit > sign\npeple": (
        "No variable is named 'peple'. Did you mean 'people'? Events here: events, people. Write events ="
        " funnel.connect(source), or below %%funnel which events to measure."
    ),
    "%%funnel visit > sign\nmails = people": (
        "What stands below %%funnel is no single expression. Write one that gives the events, such as"
        " events.where(\"language = 'fr'\")."
    ),
    "%%funnel visit > sign\n[1, 2]": "A funnel is measured over events; got list. Give funnel.connect(source).",
}


@pytest.mark.parametrize("cell", SENTENCES)
def test_what_cannot_be_asked_is_told_in_a_sentence_without_a_traceback(run, cell):
    assert run(cell) == (None, f"UsageError: {SENTENCES[cell]}\n")


def test_without_events_the_sentence_says_where_they_come_from(run, session):
    kept = session.user_ns.pop("events")
    try:
        assert run("%funnel visit > sign")[1] == (
            "UsageError: No variable is named 'events'. Events here: people. Write events = funnel.connect(source), or"
            " below %%funnel which events to measure.\n"
        )
    finally:
        session.user_ns["events"] = kept


def test_an_error_in_the_expression_below_stays_what_it_is(run, session):
    done = session.run_cell("%%funnel visit > sign\n1 / 0")
    assert isinstance(done.error_in_exec, ZeroDivisionError)


def test_loading_twice_changes_nothing(run, session):
    before = list(session.input_transformers_cleanup)
    run("%reload_ext funnel")
    assert session.input_transformers_cleanup == before


@pytest.mark.parametrize("lines", [[], ["%%time\n"], ["%%funnels visit\n"], ["%%funnel visit > sign\n", "people\n"]])
def test_other_cells_are_left_as_they_are(lines):
    assert without_cell(lines) == lines
