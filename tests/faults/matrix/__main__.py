"""`make fault-matrix`: every fault at every request of every store; writes docs/fault-matrix.md.

`make fault-matrix CLOUDS="obs oci"` runs these alone and leaves the columns of the others as they are.
"""

import sys
import time
from collections.abc import Sequence

from faults.matrix.cells import Wrong, cell
from faults.matrix.clouds import clouds
from faults.matrix.page import PAGE, TITLES, parse, render
from faults.matrix.scenarios import OPERATIONS, ROWS


def main(names: Sequence[str]) -> int:
    """Returns the exit status: 1 if a promise was broken; the page is not written then."""
    started, wrong = time.monotonic(), []
    cells = dict(parse(PAGE.read_text())) if names else {}
    with clouds() as all_of_them:
        for name in names or TITLES:
            for operation in OPERATIONS:
                for row in ROWS:
                    try:
                        cells[operation.name, row.name, name] = cell(all_of_them[name], row, operation)
                    except Wrong as error:
                        wrong.append(str(error))
            print(f"{TITLES[name]}: {time.monotonic() - started:.0f} s", flush=True)
    if wrong:
        print(*(text[:600] for text in wrong), sep="\n")
        return 1
    PAGE.write_text(render(cells))
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
