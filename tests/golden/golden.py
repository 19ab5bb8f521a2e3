#!/usr/bin/python3
"""Holds what myna says of the captures to what is expected. Prints TAP, one line for each row of TESTLIST.

    golden.py MYNA [--update NAME...]
"""
import argparse
import difflib
import pathlib
import subprocess
import sys

HERE = pathlib.Path(__file__).resolve().parent
SHOWN = 30  # lines of a difference


def rows():
    """(name, capture, arguments) of TESTLIST."""
    for line in (HERE / "TESTLIST").read_text().splitlines():
        if line and not line.startswith("#"):
            name, capture, *arguments = line.split()
            yield name, capture if "." in capture else f"{capture}.pcap.gz", arguments


def told(myna, capture, arguments):
    """What myna prints, and its exit status."""
    done = subprocess.run([myna, arguments[0], capture, *arguments[1:]], capture_output=True, text=True,
                          errors="surrogateescape", check=False, timeout=60, cwd=HERE / "captures",
                          env={"TZ": "UTC"})
    return f"{done.stdout}status {done.returncode}\n"


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("myna")
    parser.add_argument("--update", nargs="+", metavar="NAME", default=[], help="accept what is told now; or 'all'")
    options = parser.parse_args()
    tests, failed = list(rows()), 0
    print(f"1..{len(tests)}")
    for number, (name, capture, arguments) in enumerate(tests, 1):
        path = HERE / "expected" / f"{name}.out"
        now = told(str(pathlib.Path(options.myna).resolve()), capture, arguments)
        if {name, "all"} & set(options.update):
            path.write_text(now, errors="surrogateescape")
        expected = path.read_text(errors="surrogateescape") if path.exists() else ""
        good = now == expected
        failed += not good
        print(f"{'ok' if good else 'not ok'} {number} {name}")
        if not good:
            difference = difflib.unified_diff(expected.splitlines(), now.splitlines(), "expected", "told", lineterm="")
            for line, _ in zip(difference, range(SHOWN)):
                print(f"# {line}")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
