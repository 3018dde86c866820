"""How people come to a petition, sign it, share it and go further, and what to ask them next.

    events = funnel.connect("data/sample")
    petition = funnel.Funnel(["visit", "sign"], follow_ups=["share", "partner_click"])
    result = petition.measure(events, by="channel")

A question is a frozen object that holds no data; `measure(events)` answers it with a result that prints, plots and
tells itself in English or French. Names are loaded when they are first used, so that importing the package is quick.
"""

import importlib
from importlib.metadata import version

_HOMES = {
    "connect": "funnel.sources",
    "Events": "funnel.events",
    "with_channels": "funnel.channels",
    "Step": "funnel.definition",
    "Exclusion": "funnel.definition",
    "Funnel": "funnel.funnels",
    "FunnelResult": "funnel.answers",
    "Journeys": "funnel.journeys",
    "Experiment": "funnel.experiments",
    "Referrals": "funnel.referrals",
    "Attribution": "funnel.attribution",
    "AttributionResult": "funnel.attribution",
    "ReferralsResult": "funnel.referrals",
    "Ladder": "funnel.ladder",
    "LadderResult": "funnel.ladder",
    "Friend": "funnel.climbing",
    "Repeat": "funnel.climbing",
    "Forgone": "funnel.forgone",
    "ForgoneResult": "funnel.forgone",
    "Relays": "funnel.relays",
    "RelaysResult": "funnel.relays",
    "Mentions": "funnel.mentions",
    "MentionsResult": "funnel.mentions",
    "Mention": "funnel.mentions",
    "ReferralForest": "funnel.referral_forest",
    "ExperimentResult": "funnel.readout",
    "Conversion": "funnel.outcomes",
    "Count": "funnel.outcomes",
    "Referred": "funnel.outcomes",
    "Ratio": "funnel.outcomes",
    "Value": "funnel.outcomes",
    "Guardrail": "funnel.outcomes",
    "assign": "funnel.assignment",
    "required_visitors": "funnel.stats.planning",
    "required_visitors_non_inferior": "funnel.stats.planning",
    "minimum_detectable_effect": "funnel.stats.planning",
    "power": "funnel.stats.planning",
    "explore": "funnel.exploring",
    "Analysis": "funnel.analysis",
    "Result": "funnel.results",
    "Report": "funnel.report",
    "Campaign": "funnel.sample",
    "make_sample": "funnel.sample",
    "load_ipython_extension": "funnel.magic",
    "FunnelError": "funnel.errors",
    "DefinitionError": "funnel.errors",
    "ColumnError": "funnel.errors",
    "SourceError": "funnel.errors",
    "DataError": "funnel.errors",
}

__all__ = [
    "Analysis",
    "Attribution",
    "AttributionResult",
    "Campaign",
    "ColumnError",
    "Conversion",
    "Count",
    "DataError",
    "DefinitionError",
    "Events",
    "Exclusion",
    "Experiment",
    "ExperimentResult",
    "Forgone",
    "ForgoneResult",
    "Friend",
    "Funnel",
    "FunnelError",
    "FunnelResult",
    "Guardrail",
    "Journeys",
    "Ladder",
    "LadderResult",
    "Mention",
    "Mentions",
    "MentionsResult",
    "Ratio",
    "ReferralForest",
    "Referrals",
    "ReferralsResult",
    "Referred",
    "Relays",
    "RelaysResult",
    "Repeat",
    "Report",
    "Result",
    "SourceError",
    "Step",
    "Value",
    "assign",
    "connect",
    "explore",
    "make_sample",
    "minimum_detectable_effect",
    "power",
    "required_visitors",
    "required_visitors_non_inferior",
    "with_channels",
]
__version__ = version("acquisition-funnel")


def __getattr__(name: str) -> object:
    if name not in _HOMES:
        raise AttributeError(f"module 'funnel' has no attribute '{name}'. Known: {', '.join(__all__)}.")
    value = getattr(importlib.import_module(_HOMES[name]), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return [*__all__, "__version__"]
