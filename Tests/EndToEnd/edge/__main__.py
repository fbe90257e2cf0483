"""The HTTP tables against any server; see README.md beside this file.

Exit status: 0 if every row passed, 1 if one failed.
"""

import argparse
import sys
from collections import Counter

from .http_case import Target, judge
from .http_table import REFUSED_UPGRADES, TABLE


def main() -> int:
    options = argparse.ArgumentParser(prog="edge", description=__doc__)
    options.add_argument("address", help="HOST:PORT")
    options.add_argument("--tls", action="store_true")
    options.add_argument("--get", default="/", help="a path that answers GET with 200")
    options.add_argument("--post", default="/echo", help="a path that sends a POST's body back")
    options.add_argument("--no-echo", action="store_true", help="there is none")
    chosen = options.parse_args()
    host, port = chosen.address.rsplit(":", 1)
    target = Target((host, int(port)), chosen.tls, chosen.get.encode(), chosen.post.encode())
    failed = Counter()
    rows = [case for case in TABLE
            if case not in REFUSED_UPGRADES
            and not (case.echoes and chosen.no_echo) and not (case.half_closes and chosen.tls)]
    for case in rows:
        try:
            judge(case, target)
        except (AssertionError, OSError) as failure:
            failed[case.level] += 1
            print(f"{case.level:9}  {case}: {str(failure)[:300]}")
    print(f"{len(rows) - failed.total()} passed, {failed.total()} failed {dict(failed) or ''}")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
