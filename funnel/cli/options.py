"""What the commands take, each option described once."""

from typing import Annotated

import typer

USUAL_STEPS = "visit,sign"
TO_NAME = "--steps and --follow-ups"

Source = Annotated[
    str, typer.Argument(help="A folder, DuckDB file, Parquet, CSV (.gz), JSON lines, or a glob of them.")
]
Steps = Annotated[str, typer.Option(help="Names of events, in order, separated by commas.")]
FollowUps = Annotated[str | None, typer.Option(help="What may follow the last step, separated by commas.")]
Window = Annotated[str, typer.Option(help="Time from entry within which all steps must come, as 7d or '36 hours'.")]
FollowUpWindow = Annotated[str, typer.Option(help="Time from the last step for a follow-up.")]
Order = Annotated[str, typer.Option(help="ordered, strict (each step the very next event) or any.")]
Entry = Annotated[str, typer.Option(help="any (best attempt), first, or each (attempts).")]
Ties = Annotated[str, typer.Option(help="forward (events at one instant may be consecutive) or strict.")]
By = Annotated[str | None, typer.Option(help="Columns to break down by, separated by commas.")]
Columns = Annotated[
    list[str] | None, typer.Option("--column", help="Our name and the source's: visitor_id=user. May be repeated.")
]
Timezone = Annotated[str | None, typer.Option(help="Zone of times written without one, and of days: America/Toronto.")]
Cutoff = Annotated[str | None, typer.Option(help="The instant the data is complete to; the last event if not given.")]
Table = Annotated[str | None, typer.Option(help="Which table, in a database with several.")]
Where = Annotated[str | None, typer.Option(help="Only events for which this SQL condition is true.")]
MemoryLimit = Annotated[str | None, typer.Option(help="Bound on memory, as 1GB; what does not fit goes to disk.")]
RelaysTable = Annotated[
    str | None, typer.Option("--relays", help="The table of relays, where it does not lie beside the events.")
]
MentionsTable = Annotated[
    str | None, typer.Option("--mentions", help="The table of mentions, where it does not lie beside the events.")
]
LanguageCode = Annotated[str, typer.Option("--language", help="en or fr.")]
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON, for programs.")]

# What an experiment adds.
Name = Annotated[
    str | None, typer.Option(help="The experiment, as column experiment has it; the only one there if not given.")
]
Control = Annotated[
    str | None, typer.Option(help="The variant the others are compared with; thanks_only, if there is one.")
]
Exposure = Annotated[str, typer.Option(help="The event at which a visitor sees a variant.")]
Variant = Annotated[str, typer.Option(help="The column that names the variant of an exposure.")]
ExperimentWindow = Annotated[str, typer.Option("--window", help="Time from exposure, as 3d or '36 hours'.")]
Primary = Annotated[str, typer.Option(help="The outcome that decides, as share or count:share (see above).")]
Secondary = Annotated[str | None, typer.Option(help="More outcomes, separated by commas; corrected by Holm.")]
Exploratory = Annotated[str | None, typer.Option(help="Outcomes to look into; corrected by Benjamini-Hochberg.")]
Guardrails = Annotated[
    list[str] | None,
    typer.Option(
        "--guardrail",
        help="What must not get worse, and by how much it still may: unsubscribe=0.5% (or 0.005) where more is worse,"
        " donate=-0.5% where less is. May be repeated.",
    ),
]
Shares = Annotated[
    str | None, typer.Option(help="Planned share of each variant: thanks_only=0.5,share=50%. Equal if not given.")
]
Planned = Annotated[int | None, typer.Option(help="Visitors of all variants at the planned end.")]
Looks = Annotated[str, typer.Option(help="fixed (one, at the planned end), a number of planned looks, or anytime.")]
Segments = Annotated[str | None, typer.Option(help="Columns whose groups are looked at, separated by commas.")]
ReferredSaw = Annotated[
    str, typer.Option("--referred", help="What friends saw: again (randomised again) or inherit (the same variant).")
]
TwoVariants = Annotated[str, typer.Option(help="Visitors who saw two variants: leave_out, or first.")]
Interval = Annotated[str, typer.Option(help="Of differences of shares: newcombe or score.")]
Assignment = Annotated[
    str | None, typer.Option(help="The event that assigns a variant, where not everyone assigned is exposed.")
]

# What a plan takes.
Baseline = Annotated[str, typer.Option(help="The control's share of successes: 0.12 or 12%.")]
Lift = Annotated[str | None, typer.Option(help="What to find, as part of the baseline: 0.10 or 10% is 12% to 13.2%.")]
Difference = Annotated[str | None, typer.Option(help="What to find, in points: 0.012 or 1.2% is 12% to 13.2%.")]
Variants = Annotated[int, typer.Option(help="How many variants, the control too.")]
Power = Annotated[str, typer.Option(help="How likely it should be found: 0.8 or 80%.")]
Alpha = Annotated[str, typer.Option(help="How often a difference may be found where there is none, over all variants.")]
Visitors = Annotated[int | None, typer.Option(help="Visitors of all variants one can have: what they find is told.")]
VisitorsADay = Annotated[float | None, typer.Option(help="Visitors of all variants a day: how long it takes is told.")]
Correction = Annotated[str, typer.Option(help="For several comparisons: dunnett, bonferroni or none.")]
Formula = Annotated[str, typer.Option(help="pooled (R), baseline (Evan Miller's calculator) or arcsine (Cohen).")]
