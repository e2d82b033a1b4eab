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


def main() -> None:
    with temporary_database() as server:
        for name in sys.argv[1:] or PARTS:
            for line in (PARTS | ON_REQUEST)[name](server):
                print(line, flush=True)
            print()


if __name__ == "__main__":
    main()
