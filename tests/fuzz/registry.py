"""Every parser that reads what somebody else wrote."""

from fuzz import answers, documents, emulators, events, headers, http, messages, records, settings
from fuzz.target import Target

TARGETS: dict[str, Target] = {
    target.name: target
    for module in (events, settings, records, headers, documents, http, answers, emulators, messages)
    for target in module.TARGETS
}
