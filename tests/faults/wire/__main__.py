"""Runs every cell and writes docs/wire-faults.md: `PYTHONPATH=tests python -m faults.wire`."""

import sys

from faults.matrix.clouds import PATIENT, clouds
from faults.wire.cells import PAGE, TITLES, VERBS, Wrong, cell, render
from faults.wire.relay import FAULTS, Relay


def main() -> int:
    """Returns the exit status: 1 if a promise was broken; the page is not written then."""
    cells, wrong = {}, []
    with clouds() as servers:
        for name in TITLES:
            with Relay(servers[name].upstream) as relay:
                store = servers[name].make(relay.endpoint, PATIENT, retries=2)
                for verb in VERBS:
                    for fault in FAULTS:
                        try:
                            cells[name, verb.name, fault.name] = cell(servers[name], relay, store, verb, fault)
                        except Wrong as error:
                            wrong.append(str(error))
                store.close()
            print(name, flush=True)
    if wrong:
        print(*(text[:400] for text in wrong), sep="\n")
        return 1
    PAGE.write_text(render(cells), encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
