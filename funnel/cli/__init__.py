"""The `funnel` command: the same verbs as in Python.

Exit codes: 0 done; 1 the question cannot be asked of this data (one sentence says why); 2 the command was typed wrong.
What is asked for goes to standard output, everything else to standard error; progress shows in a terminal only.
"""

import typer

from funnel.cli.commands import check, measure, sample
from funnel.cli.experiments import experiment, plan
from funnel.cli.exporting import export
from funnel.cli.forgone import forgone
from funnel.cli.reporting import report
from funnel.cli.runs import diff, preregister, run, verify
from funnel.cli.speaking import as_typed
from funnel.cli.spreading import attribution, mentions, referrals, relays

__all__ = ["app", "as_typed"]

app = typer.Typer(
    name="funnel",
    help="How people come to a petition, sign it, share it and go further.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    add_completion=False,
    rich_markup_mode="markdown",
)
for command in (
    *(report, measure, experiment, plan, forgone, referrals, relays, mentions, attribution),
    *(run, diff, verify, preregister, export),
    *(check, sample),
):
    app.command()(command)
