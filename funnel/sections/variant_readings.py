"""One sentence beside each answer of an experiment, read from its numbers."""

from typing import TYPE_CHECKING, Any

from funnel.language import Language

if TYPE_CHECKING:
    import pandas


def reading(frame: "pandas.DataFrame", words: Language) -> str:
    """Return the sentence of an answer, known by its columns; nothing where its notes say it all."""
    names = set(frame.columns)
    if frame.empty:
        return words.text("There is nothing to compare yet.")
    if "is_mismatch" in names:
        return _of_split(frame, words)
    if "probability_best" in names:
        return _of_posterior(frame, words)
    if {"at_risk", "elapsed_seconds"} <= names:
        return _of_curves(frame, words)
    if {"lift", "days"} <= names:
        return _of_plan(frame, words)
    if "critical" in names:
        return _of_looks(frame, words)
    return ""


def _of_split(frame: "pandas.DataFrame", words: Language) -> str:
    broken = int(frame["is_mismatch"].sum())
    if broken:
        return words.plural(
            "{n} of {all} checks says that the split differs from the plan: no difference can be read.",
            "{n} of {all} checks say that the split differs from the plan: no difference can be read.",
            broken,
            all=words.number(len(frame)),
        )
    return words.plural(
        "The {n} check finds the split as it was planned.",
        "All {n} checks find the split as it was planned.",
        len(frame),
    )


def _of_posterior(frame: "pandas.DataFrame", words: Language) -> str:
    if frame["probability_best"].isna().any():
        return ""
    best: Any = frame.loc[frame["probability_best"].idxmax()]
    return words.text(
        "“{variant}” is the best with a probability of {probability}; choosing it loses {loss} on average over all that"
        " may be true.",
        variant=words.name(str(best["variant"])),
        probability=words.percent(best["probability_best"]),
        loss=words.points(best["expected_loss"], 2),
    )


def _of_curves(frame: "pandas.DataFrame", words: Language) -> str:
    outcome = frame["outcome"].iloc[0]
    curves = frame[(frame["outcome"] == outcome) & frame["rate"].notna()]
    if curves.empty:
        return ""
    ends = curves.groupby("variant", sort=False)["rate"].last()
    reached = [
        words.text("{rate} with “{variant}”", rate=words.percent(rate), variant=words.name(str(variant)))
        for variant, rate in ends.items()
    ]
    return words.text(
        "By {time} after exposure, “{outcome}” has come to {rates}.",
        time=words.duration(curves["elapsed_seconds"].max()),
        outcome=words.name(str(outcome)),
        rates=words.listing(reached),
    )


def _of_plan(frame: "pandas.DataFrame", words: Language) -> str:
    row: Any = frame.iloc[(frame["lift"] - 0.1).abs().argmin()]
    return words.text(
        "To find a lift of {lift} takes {visitors} visitors in each variant: {days} days at the present pace.",
        lift=words.percent(row["lift"], 0),
        visitors=words.number(int(row["visitors"])),
        days=words.number(row["days"]),
    )


def _of_looks(frame: "pandas.DataFrame", words: Language) -> str:
    last = frame[frame["looked_on"] == frame["looked_on"].max()]
    if last["visitors"].isna().any():
        return ""
    beyond = last[last["z"].abs() >= last["critical"]]
    if beyond.empty:
        return words.text("At the last look no variant was beyond its boundary.")
    return words.text(
        "At the last look {variants} lay beyond the boundary.",
        variants=words.listing([words.text("“{name}”", name=words.name(str(each))) for each in beyond["variant"]]),
    )
