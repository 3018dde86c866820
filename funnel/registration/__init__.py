"""Questions registered before there was data, and how the questions of a report stand to them."""

from funnel.registration.changes import Change, changes, written
from funnel.registration.registering import Registration, beside, preregister
from funnel.registration.standing import Standing, standings
from funnel.registration.told import Registered, registered_chapter

__all__ = [
    "Change",
    "Registered",
    "Registration",
    "Standing",
    "beside",
    "changes",
    "preregister",
    "registered_chapter",
    "standings",
    "written",
]
