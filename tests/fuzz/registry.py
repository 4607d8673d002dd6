"""Every parser that reads what somebody else wrote."""

from fuzz import answers, documents, emulators, events, headers, http, records, settings
from fuzz.target import Target

TARGETS: dict[str, Target] = {
    target.name: target
    for module in (events, settings, records, headers, documents, http, answers, emulators)
    for target in module.TARGETS
}
