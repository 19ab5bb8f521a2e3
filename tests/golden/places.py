#!/usr/bin/python3
"""Puts the frames of captures into tunnels and fragments and holds what myna tells to what it tells of the plain ones.

    places.py MYNA [--rounds N] [--seed N] [--keep FOLDER]

Any nesting of tunnels, any cut of any level into fragments, in any order and some twice: the events are the same.
Prints TAP, one line for each capture.
"""
import argparse
import json
import pathlib
import random
import subprocess
import sys
import tempfile

import pcap
import tunnels

HERE = pathlib.Path(__file__).resolve().parent
MSS = 1400


def told(myna, path):
    """(events, coverage) of a capture."""
    done = subprocess.run([myna, "export", str(path), "--format", "jsonl"], capture_output=True, text=True,
                          errors="surrogateescape", check=False, timeout=60)
    lines = done.stdout.splitlines()
    assert lines, done.stderr
    return lines[:-1], json.loads(lines[-1])


def differ(myna, frames, rng, folder):
    """What is wrong, or None."""
    plain, wrapped = folder / "plain.pcap", folder / "wrapped.pcap"
    pcap.write(plain, frames)
    pcap.write(wrapped, tunnels.wrap_capture(frames, rng))
    (want, _), (got, coverage) = told(myna, plain), told(myna, wrapped)
    for w, g in zip(want, got):
        if w != g:
            return f"told {g}\n# not  {w}"
    if len(want) != len(got):
        return f"{len(got)} events, not {len(want)}"
    if coverage["fragments"] or coverage["bad_frames"]:
        return f"fragments {coverage['fragments']}, bad frames {coverage['bad_frames']}"
    return None


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("myna")
    parser.add_argument("--rounds", type=int, default=2)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--keep", type=pathlib.Path, help="leave the captures of the last trial here")
    options = parser.parse_args()
    captures = [p for p in sorted((HERE / "captures").glob("*.pcap.gz")) if not p.name.startswith(("link-", "fragments", "tunnels"))]
    failed = 0
    print(f"1..{len(captures)}")
    with tempfile.TemporaryDirectory() as temporary:
        folder = options.keep or pathlib.Path(temporary)
        for number, path in enumerate(captures, 1):
            frames = pcap.resegment(pcap.read(path)[1], MSS)
            rng = random.Random(options.seed)
            wrong = next(filter(None, (differ(options.myna, frames, rng, folder) for _ in range(options.rounds))), None)
            print(f"{'not ok' if wrong else 'ok'} {number} {path.name.split('.')[0]}, {len(frames)} segments")
            if wrong:
                failed += 1
                print(f"# {wrong}")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
