"""What a turn takes beside the floor's: `make bench-turns` (three minutes). ARGS="growth" for one part, ARGS="long"."""

import sys

from local.database import temporary_database
from tests.benchmarks.turns import beside_floor, eight_at_once, growth, long, whole_restore

PARTS = {
    "turns": beside_floor.measure,
    "eight": eight_at_once.measure,
    "restore": whole_restore.measure,
    "growth": growth.measure,
}
ON_REQUEST = {"long": long.measure}


NO_OTHER_WORK = {"autovacuum": "off"}
"""Nothing writes to the log and takes CPU but turns."""


def main() -> None:
    for name in sys.argv[1:] or PARTS:
        with temporary_database(NO_OTHER_WORK) as server:
            for line in (PARTS | ON_REQUEST)[name](server):
                print(line, flush=True)
        print(flush=True)


if __name__ == "__main__":
    main()
