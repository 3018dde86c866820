"""Events of an experiment made of counts: so many visitors in each arm, of whom so many did this or that."""

from collections.abc import Mapping

import pandas as pd

import funnel

START = pd.Timestamp("2018-01-14T15:00:00Z")
MINUTE = pd.Timedelta(minutes=1)


def events_of(
    arms: Mapping[str, Mapping[str, int]], *, cutoff: str | None = "2018-03-01T00:00:00Z", days: int = 10
) -> funnel.Events:
    """Return events in which `arms["share"]["visitors"]` visitors saw "share", and its first `n` did each other event.

    Exposures are spread evenly over `days`, each arm alike; what follows comes a minute after the exposure.
    """
    rows = []
    for variant, counts in arms.items():
        for place in range(counts["visitors"]):
            visitor = f"{variant} {place}"
            # Who did something is spread over the days like everyone else.
            at = START + pd.Timedelta(days=days) * ((place * 7919 % counts["visitors"]) / counts["visitors"])
            rows.append((visitor, "thanks_shown", at, variant))
            rows += [
                (visitor, event, at + MINUTE, None)
                for event, count in counts.items()
                if event != "visitors" and place < count
            ]
    frame = pd.DataFrame(rows, columns=["visitor_id", "event", "occurred_at", "variant"])
    return funnel.connect(frame, cutoff=cutoff)
