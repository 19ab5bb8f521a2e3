#!/usr/bin/python3
"""Servers on any port: what `--port any` finds is what is told of the right port, and nothing else is found.

    anywhere.py MYNA [--seed N]

Captures with their ports changed, whole and from every place in the middle, in between of conversations of other
protocols. Prints TAP.
"""
import argparse
import dataclasses
import json
import pathlib
import random
import subprocess
import sys
import tempfile

import foreign
import pcap

HERE = pathlib.Path(__file__).resolve().parent
PLACES = [(3306, None), (50000, None), (80, None), (65000, 1024)]  # the server's port, and the lowest of its clients'


def told(myna, path, port):
    done = subprocess.run([myna, "export", str(path), "--format", "jsonl", "--port", str(port)], capture_output=True,
                          text=True, errors="surrogateescape", check=False, timeout=60)
    lines = done.stdout.splitlines()
    assert lines, done.stderr
    return lines[:-1], json.loads(lines[-1])


def moved(segments, port, lowest):
    """SEGMENTS with the server on PORT, and clients on ports from LOWEST up."""
    clients = {}

    def place(end):
        if end[1] == 3306:
            return (end[0], port)
        if lowest:
            return (end[0], clients.setdefault(end[1], lowest + len(clients)))
        return end

    return [dataclasses.replace(s, source=place(s.source), target=place(s.target)) for s in segments]


def conversation(said, number, time_ns, handshake):
    """SAID as the segments of a connection of its own."""
    ends = {"c": (f"10.7.0.{number}", 40000 + number), "s": ("10.7.1.1", 5000 + number)}
    at = {"c": 1000, "s": 9000}
    out = []

    def send(side, flags, payload=b""):
        other = "s" if side == "c" else "c"
        out.append(pcap.Segment(time_ns + len(out) * 1000, ends[side], ends[other], at[side], at[other], flags, b"",
                                payload, len(payload)))
        at[side] += len(payload) + bool(flags & (pcap.SYN | pcap.FIN))

    if handshake:
        send("c", pcap.SYN)
        send("s", pcap.SYN | pcap.ACK)
    for side, payload in said:
        for start in range(0, len(payload), 1400):
            send(side, pcap.ACK | pcap.PSH, payload[start:start + 1400])
    return out


def write(path, segments):
    pcap.write(path, [pcap.frame(s) for s in segments])


def whole_captures(myna, segments, folder, others):
    """Each place of the server gives the same events, also among OTHERS."""
    for port, lowest in PLACES:
        write(folder / "alone.pcap", moved(segments, port, lowest))
        write(folder / "mixed.pcap", sorted(moved(segments, port, lowest) + others, key=lambda s: s.time_ns))
        want, _ = told(myna, folder / "alone.pcap", port)
        for name in ("alone", "mixed"):
            got, _ = told(myna, folder / f"{name}.pcap", "any")
            if want != got:
                return f"port {port}, {name}: {len(got)} events, not {len(want)}"
    return None


def joined_captures(myna, segments, folder, rng):
    """From a place in the middle: what is found is told as from the right port, and nearly all is found."""
    missing = total = 0
    for port, lowest in PLACES:
        skip = rng.randrange(1, len(segments))
        write(folder / "joined.pcap", moved(segments, port, lowest)[skip:])
        want = [e for e in told(myna, folder / "joined.pcap", port)[0] if '"exchange"' in e]
        got = [e for e in told(myna, folder / "joined.pcap", "any")[0] if '"exchange"' in e]
        facts = [{k: e.get(k) for k in ("command", "sql", "response", "rows", "time_ns", "text")}
                 for e in map(json.loads, want)]
        for e in map(json.loads, got):
            same = {k: e.get(k) for k in ("command", "sql", "response", "rows", "time_ns", "text")}
            if same not in facts and e["response"] != "lost":
                return f"port {port}, from segment {skip}: told {e}", 0, 0
        missing, total = missing + max(0, len(want) - len(got)), total + len(want)
    return None, missing, total


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("myna")
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    captures = [p for p in sorted((HERE / "captures").glob("*.pcap.gz")) if not p.name.startswith(("link-", "fragments", "tunnels"))]
    rng, failed, missing, total = random.Random(options.seed), 0, 0, 0
    print(f"1..{len(captures) + 1}")
    with tempfile.TemporaryDirectory() as temporary:
        folder = pathlib.Path(temporary)
        others = [s for handshake in (True, False)
                  for n, said in enumerate(foreign.CONVERSATIONS.values(), 1 + 100 * handshake)
                  for s in conversation(said, n, 1700000000 * 10**9, handshake)]
        write(folder / "others.pcap", others)
        events, coverage = told(options.myna, folder / "others.pcap", "any")
        good = not events and coverage["other_flows"] == 2 * len(foreign.CONVERSATIONS)
        failed += not good
        print(f"{'ok' if good else 'not ok'} 1 other protocols, {coverage['other_flows']} connections")
        for e in events[:5]:
            print(f"# {e[:300]}")
        for number, path in enumerate(captures, 2):
            segments = [pcap.segment(f) for f in pcap.resegment(pcap.read(path)[1], 1400)]
            start = segments[0].time_ns
            near = [dataclasses.replace(s, time_ns=s.time_ns - 1700000000 * 10**9 + start) for s in others]
            wrong = whole_captures(options.myna, segments, folder, near)
            if not wrong:
                wrong, more, of = joined_captures(options.myna, segments, folder, rng)
                missing, total = missing + more, total + of
            failed += bool(wrong)
            print(f"{'not ok' if wrong else 'ok'} {number} {path.name.split('.')[0]}")
            if wrong:
                print(f"# {wrong[:600]}")
    print(f"# joined: {missing} of {total} exchanges not found")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
