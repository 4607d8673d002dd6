"""`make fault-matrix`: every fault at every request of every store; writes docs/fault-matrix.md."""

import sys
import time

from faults.matrix.cells import Wrong, cell
from faults.matrix.clouds import clouds
from faults.matrix.page import PAGE, TITLES, render
from faults.matrix.scenarios import OPERATIONS, ROWS


def main() -> int:
    """Returns the exit status: 1 if a promise was broken; the page is not written then."""
    started, cells, wrong = time.monotonic(), {}, []
    with clouds() as all_of_them:
        for name in TITLES:
            for operation in OPERATIONS:
                for row in ROWS:
                    try:
                        cells[operation.name, row.name, name] = cell(all_of_them[name], row, operation)
                    except Wrong as error:
                        wrong.append(str(error))
            print(f"{TITLES[name]}: {len(cells)} cells, {time.monotonic() - started:.0f} s", flush=True)
    if wrong:
        print(*(text[:600] for text in wrong), sep="\n")
        return 1
    PAGE.write_text(render(cells))
    return 0


if __name__ == "__main__":
    sys.exit(main())
