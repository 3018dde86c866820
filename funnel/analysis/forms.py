"""The form of each question: which keys its mapping has, and what the value of each is."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from funnel import shorthand
from funnel.analysis.kinds import (
    CONDITION,
    EVENTS,
    FLAG,
    LENGTH,
    MOMENT,
    NAMES,
    NUMBER,
    PART,
    PLAIN,
    STEP,
    STEP_FORM,
    STEPS,
    TEXT,
    Form,
    Kind,
    Spoken,
    each_of,
    length,
)
from funnel.analysis.places import Place
from funnel.attribution import Attribution
from funnel.climbing import Friend, Repeat
from funnel.definition import Exclusion, Step, as_step
from funnel.errors import DefinitionError, did_you_mean
from funnel.experiments import Experiment
from funnel.funnels import Funnel
from funnel.ladder import Ladder
from funnel.mentions import Mention, Mentions
from funnel.notation import written
from funnel.outcomes import Conversion, Count, Guardrail, Outcome, Ratio, Referred, Value
from funnel.referrals import Referrals
from funnel.relays import DISCOUNTS, Relays

# The funnel


def _read_funnel(place: Place) -> Funnel:
    if not isinstance(place.value, str):
        return FUNNEL_FORM.read(place)
    with place.telling():
        return Funnel.parse(place.value)


def _write_funnel(funnel: Funnel) -> str | dict[str, Spoken]:
    plain = FUNNEL_FORM.read(Place(FUNNEL_FORM.write(funnel)))
    try:
        return written(plain, tuple(plain.by))
    except DefinitionError:  # a condition with a bracket that no other closes
        return FUNNEL_FORM.write(funnel)


EXCLUSION_FORM = Form(
    Exclusion,
    "an exclusion",
    {"event": EVENTS, "after": TEXT, "before": TEXT, "policy": TEXT, "where": CONDITION},
    needs={"event": "unsubscribe"},
)


def _read_exclusion(place: Place) -> Exclusion:
    if isinstance(place.value, Mapping):
        return EXCLUSION_FORM.read(place)
    names = EVENTS.read(place)
    with place.telling():
        return Exclusion(names)


FUNNEL_FORM = Form(
    Funnel,
    "a funnel",
    {
        "steps": STEPS,
        "follow_ups": STEPS,
        "window": LENGTH,
        "follow_up_window": LENGTH,
        "order": PLAIN,
        "entry": PLAIN,
        "ties": PLAIN,
        "exclude": each_of(Kind(_read_exclusion, EXCLUSION_FORM.write)),
        "by": NAMES,
    },
    needs={"steps": "[visit, sign]"},
    always=["window"],
)
FUNNEL = Kind(_read_funnel, _write_funnel)

# Experiments

OUTCOMES: Mapping[str, Form] = {
    "conversion": Form(
        Conversion, "an outcome", {"conversion": STEP, "window": LENGTH}, renamed={"conversion": "step"}
    ),
    "count": Form(Count, "an outcome", {"count": STEP, "window": LENGTH}, renamed={"count": "event"}),
    "referred": Form(
        Referred, "an outcome", {"referred": STEP, "window": LENGTH, "shared": STEP}, renamed={"referred": "event"}
    ),
    "ratio": Form(
        Ratio,
        "an outcome",
        {"ratio": STEP, "per": STEP, "window": LENGTH},
        needs={"per": "visit"},
        renamed={"ratio": "numerator", "per": "denominator"},
    ),
    "value": Form(
        Value,
        "an outcome",
        {"value": TEXT, "of": STEP, "window": LENGTH},
        always=["value"],
        renamed={"value": "column", "of": "event"},
    ),
}


def _read_outcome(place: Place) -> Outcome:
    if isinstance(place.value, Mapping):
        kinds = [kind for kind in OUTCOMES if kind in place.value]
        if len(kinds) != 1:
            raise place.refused(
                f"{place.name} says {'no kind' if not kinds else 'several kinds'} of outcome. Give one of conversion,"
                " count, referred, ratio, value: for example {count: share, window: 14 days}."
            )
        form = OUTCOMES[kinds[0]]
        if place.value[kinds[0]] is None:
            raise place.refused(f"`{kinds[0]}` names nothing to count. Write for example {kinds[0]}: share.")
        return form.read(place)
    word = TEXT.read(place)
    with place.telling():
        asked = shorthand.outcome(word, f"'{word}'")
        return asked if asked.window is None else replace(asked, window=length(asked.window, argument="window"))


def _write_outcome(asked: Outcome) -> str | dict[str, Spoken]:
    form = next(form for form in OUTCOMES.values() if form.question is type(asked))
    spoken = form.write(asked)
    return shorthand.outcome_word(form.read(Place(spoken))) or spoken


OUTCOME = Kind(_read_outcome, _write_outcome)

GUARDRAIL_FORM = Form(
    Guardrail,
    "a guardrail",
    {"event": STEP, "margin": PART, "worse": PLAIN, "window": LENGTH},
    needs={"event": "unsubscribe", "margin": "0.5 %"},
)


def _read_guardrails(place: Place) -> list[Guardrail]:
    """Read {unsubscribe: 0.5 %}, or a list of such and of mappings of a guardrail's arguments."""
    if isinstance(place.value, Mapping):
        return [_read_guardrail(event, margin) for event, margin in place.pairs().items()]
    read: list[Guardrail] = []
    for each in place.items():
        if isinstance(each.value, Mapping) and len(each.value) == 1:
            read += _read_guardrails(each)
        elif isinstance(each.value, Mapping):
            read.append(GUARDRAIL_FORM.read(each))
        else:
            raise each.refused(
                f"A guardrail is an event and how much worse is still bearable; got {each.got}. Write for example"
                " unsubscribe: 0.5 %, or donate: -0.5 % where less is worse."
            )
    return read


def _read_guardrail(said: str, place: Place) -> Guardrail:
    margin = PART.read(place)
    if not 0 < abs(margin) < 1:
        raise place.refused(
            f"The margin of guardrail '{said}' is no share between 0 and 1; got {place.got}. Half a percentage point is"
            f" {said}: 0.5 %, or {said}: -0.5 % where less is worse."
        )
    with place.telling():
        read = shorthand.guardrail(said, margin)
        return read if read.window is None else replace(read, window=length(read.window, argument="window"))


def _write_guardrail(guardrail: Guardrail) -> dict[str, Spoken]:
    spoken = GUARDRAIL_FORM.write(guardrail)
    if not isinstance(spoken["event"], str):
        return spoken
    plain = GUARDRAIL_FORM.read(Place(spoken))
    said = spoken["event"] if plain.window is None else f"{spoken['event']}@{plain.window}"
    return {said: plain.limit} if shorthand.guardrail(said, plain.limit) == plain else spoken


def _read_shares(place: Place) -> dict[str, float] | object:
    """Read {thanks_only: 50 %, share: 50 %}, or a list of such: the order is that of the variants in the answer."""
    if isinstance(place.value, (list, tuple)) and all(isinstance(each, Mapping) for each in place.value):
        shares: dict[str, float] = {}
        for each in place.items():
            for variant, share in each.pairs().items():
                if variant in shares:
                    raise share.refused(f"Variant '{variant}' is there twice. Give each variant one share.")
                shares[variant] = PART.read(share)
        return shares
    if not isinstance(place.value, Mapping):
        return place.value
    return {variant: PART.read(share) for variant, share in place.pairs().items()}


def _read_looks(place: Place) -> object:
    return shorthand.looks_of(place.value) if isinstance(place.value, str) else place.value


EXPERIMENT = Form(
    Experiment,
    "an experiment",
    {
        "name": TEXT,
        "control": TEXT,
        "primary": OUTCOME,
        "window": LENGTH,
        "exposure": STEP,
        "variant": TEXT,
        "secondary": each_of(OUTCOME),
        "exploratory": each_of(OUTCOME),
        "guardrails": Kind(_read_guardrails, lambda value: [_write_guardrail(each) for each in value]),
        "looks": Kind(_read_looks, lambda value: value),
        "planned": PLAIN,
        "shares": Kind(_read_shares, lambda value: [{variant: float(share)} for variant, share in value.items()]),
        "segments": NAMES,
        "referred": PLAIN,
        "two_variants": PLAIN,
        "interval": PLAIN,
        "assignment": STEP,
    },
    needs={"name": "thanks_page", "control": "thanks_only", "primary": "share"},
    always=["window"],
)

# How a petition spreads

REFERRALS = Form(Referrals, "the referrals", {"of": STEP, "shared": STEP, "window": LENGTH}, always=["of", "window"])


def _read_discount(place: Place) -> object:
    if not isinstance(place.value, str):
        return place.value
    with place.telling():
        return shorthand.discount(place.value, place.name)


def _write_discount(downstream: Any) -> str | float:
    if isinstance(downstream, str):
        return downstream
    return {value: word for word, value in DISCOUNTS.items()}.get(float(downstream), float(downstream))


RELAYS = Form(
    Relays,
    "the relays",
    {
        "of": STEP,
        "shared": STEP,
        "visited": STEP,
        "named_by": NAMES,
        "window": LENGTH,
        "downstream": Kind(_read_discount, _write_discount),
        "launched_at": MOMENT,
    },
    always=["of", "visited", "window"],
)
MENTION = Form(
    Mention,
    "a mention",
    {
        "mention": TEXT,
        "aired_from": MOMENT,
        "aired_to": MOMENT,
        "timezone": TEXT,
        "kind": TEXT,
        "outlet": TEXT,
        "audience": NUMBER,
        "reshared_link": TEXT,
    },
    needs={"mention": "tv-01", "aired_from": "2018-01-21 20:40"},
)
MENTIONS = Form(
    Mentions,
    "the mentions",
    {
        "effect": LENGTH,
        "baseline": LENGTH,
        "visited": STEP,
        "of": STEP,
        "shared": STEP,
        "mentions": each_of(MENTION.kind),
    },
    always=["effect", "baseline", "visited", "of"],
)
ATTRIBUTION = Form(
    Attribution,
    "the attribution",
    {
        "to": STEP,
        "by": TEXT,
        "lookback": LENGTH,
        "touch": STEP,
        "direct": TEXT,
        "half_life": LENGTH,
        "order": NUMBER,
        "self_loops": FLAG,
        "models": NAMES,
    },
    always=["to", "lookback", "touch"],
)

# How far people climb

FRIEND = Form(Friend, "a friend", {"of": STEP, "shared": STEP, "name": TEXT}, always=["of"])
REPEAT = Form(
    Repeat,
    "a repeat",
    {"event": STEP, "since": STEP, "after": LENGTH, "name": TEXT},
    always=["event", "since", "after"],
)


def _read_rung(place: Place) -> Any:
    if isinstance(place.value, Mapping) and len(place.value) == 1:
        for key, form in GESTURES.items():
            if key in place.value:
                gesture = place.pairs()[key]
                return form.read(replace(gesture, value={}) if gesture.value is None else gesture)
        (key,) = place.value
        if key not in STEP_FORM.keys:
            raise place.refused(
                f"'{key}' is no rung. {did_you_mean(str(key), GESTURES)}A rung is an event, a step"
                " ({event: sign, where: ...}), friend or repeat."
            )
    return STEP.read(place)


def _write_rung(rung: str | Step | Friend | Repeat) -> Spoken:
    if isinstance(rung, Friend):
        return {"friend": FRIEND.write(rung)}
    return {"repeat": REPEAT.write(rung)} if isinstance(rung, Repeat) else STEP.write(as_step(rung))


GESTURES = {"friend": FRIEND, "repeat": REPEAT}
LADDER = Form(
    Ladder,
    "the ladder",
    {"rungs": each_of(Kind(_read_rung, _write_rung)), "wave": LENGTH, "exposure": STEP},
    needs={"rungs": "[visit, sign, share]"},
    always=["wave"],
)

QUESTIONS: Mapping[str, Form] = {
    "referrals": REFERRALS,
    "relays": RELAYS,
    "mentions": MENTIONS,
    "attribution": ATTRIBUTION,
    "ladder": LADDER,
}
# Which argument is what the funnel begins with, and which what it leads to, unless a question says otherwise.
FIRST = {"relays": "visited", "mentions": "visited", "attribution": "touch", "repeat": "event"}
LAST = {"referrals": "of", "relays": "of", "mentions": "of", "attribution": "to", "friend": "of", "repeat": "since"}


def filled(place: Place, funnel: Funnel) -> Place:
    """Return the place of a question with the steps that it leaves to the funnel: the first, and the last."""
    name = str(place.way[-1])
    if isinstance(place.value, Mapping) and name == "ladder":
        rungs = place.value.get("rungs")
        if not isinstance(rungs, (list, tuple)):
            return place
        return replace(place, value={**place.value, "rungs": [_filled_rung(each, funnel) for each in rungs]})
    return replace(place, value=_with_steps(place.value, name, funnel))


def _filled_rung(rung: object, funnel: Funnel) -> object:
    name = next(iter(rung)) if isinstance(rung, Mapping) and len(rung) == 1 else None
    if not isinstance(rung, Mapping) or name not in GESTURES:
        return rung
    return {name: _with_steps({} if rung[name] is None else rung[name], name, funnel)}


def _with_steps(said: object, name: str, funnel: Funnel) -> object:
    if not isinstance(said, Mapping):
        return said
    ends = ((FIRST, funnel.every_step[0]), (LAST, funnel.every_step[-1]))
    usual = {arguments[name]: STEP.write(step) for arguments, step in ends if name in arguments}
    return {**usual, **{key: value for key, value in said.items() if value is not None}}


# Mappings whose order has a meaning: what is canonical is a list of pairs.
LISTS = ("guardrails", "shares")
