"""Long work says that it goes on: in a kernel with a reader, in a shell, and nowhere else."""

import sys

import duckdb
import pytest

from funnel.waiting import waiting

# Work of about two seconds, all of it in the engine.
WORK = """
import duckdb, time
from funnel.waiting import patiently, waiting

class Question:
    @patiently
    def measure(self, events, *, language="en", progress=None):
        time.sleep(2.2)

class Events:
    connection = duckdb.connect()
    connection.execute("set enable_progress_bar = true; set enable_progress_bar_print = false")
"""


@pytest.fixture(scope="module")
def kernel(tmp_path_factory):
    """Return a way to run code in a kernel, which gives the messages it shows."""
    manager = pytest.importorskip("jupyter_client.manager")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("IPYTHONDIR", str(tmp_path_factory.mktemp("ipython")))
        kernel, client = manager.start_new_kernel()
    client.execute_interactive(WORK, timeout=60)

    def run(code, *, reader):
        heard = []
        done = client.execute_interactive(code, allow_stdin=reader, timeout=60, output_hook=heard.append)
        assert done["content"]["status"] == "ok", done["content"]
        return [
            message["content"]
            for message in heard
            if message["msg_type"] in ("stream", "display_data", "update_display_data")
        ]

    yield run
    client.stop_channels()
    kernel.shutdown_kernel(now=True)


def test_work_of_more_than_a_second_is_shown_to_a_reader_and_leaves_nothing(kernel):
    shown = kernel("answer = Question().measure(Events, language='fr')", reader=True)
    places = {each["transient"]["display_id"] for each in shown}
    told = [each["data"] for each in shown]
    assert len(places) == 1
    assert len(told) >= 3
    assert all("<progress" in each["text/html"] and 'lang="fr-CA"' in each["text/html"] for each in told[:-1])
    assert told[-1] == {}


def test_no_bar_is_in_a_notebook_that_is_run_to_be_exported(kernel):
    assert kernel("Question().measure(Events)", reader=False) == []


def test_work_inside_work_is_shown_once(kernel):
    shown = kernel("with waiting(Events.connection): Question().measure(Events)", reader=True)
    assert len({each["transient"]["display_id"] for each in shown}) == 1


def test_a_moment_shows_nothing_and_neither_does_what_reports_of_itself(kernel):
    assert kernel("with waiting(Events.connection): time.sleep(0.2)", reader=True) == []
    assert kernel("Question().measure(events=Events, progress=print)", reader=True) == []


def test_a_shell_shows_a_bar_and_takes_it_away():
    pexpect = pytest.importorskip("pexpect")
    variables = {"TERM": "xterm", "PYTHON_BASIC_REPL": "1"}
    shell = pexpect.spawn(sys.executable, ["-i", "-q"], encoding="utf-8", timeout=30, env=variables)
    shell.expect(">>> ")
    shell.sendline("import time, duckdb; from funnel.waiting import waiting; engine = duckdb.connect()")
    shell.expect(">>> ")
    shell.sendline("with waiting(engine): time.sleep(2)")
    shell.sendline("")
    shell.expect("At work for 1")
    shell.expect(r"\x1b\[2K")  # the line is wiped
    shell.expect(">>> ")
    shell.close(force=True)


def test_a_script_stays_silent(capfd):
    with waiting(duckdb.connect()):
        pass
    assert capfd.readouterr() == ("", "")
