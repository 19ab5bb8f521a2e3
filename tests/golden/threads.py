#!/usr/bin/python3
"""Holds what `myna report` writes with several threads to what it writes with one, byte for byte.

    threads.py MYNA [--corpus FOLDER] [--seed N]

Of every capture, of those in FOLDER, too, where it is; and of crowds: many of them at once, as other clients, some
joined in the middle, without some of their frames or cut off, with a silence of hours at the end, after which
sessions have timed out. From a file and from a pipe that stops now and then, with the options that make a
difference. Prints TAP.
"""
import argparse
import os
import pathlib
import random
import subprocess
import sys
import tempfile
import time

import pcap

HERE = pathlib.Path(__file__).resolve().parent
CORPUS = pathlib.Path(os.environ.get("MYNA_CORPUS", HERE.parent.parent.parent / "shared" / "corpus"))
THREADS = (1, 2, 4)
OPTIONS = ([], ["--port", "any"], ["--errors"], ["--slower-than", "200us"], ["--since", "+1s"], ["--user", "r*"],
           ["--max-statement", "100"])
START_NS = 1700000000 * 10**9
CROWDS = 4
COPIES = 3
HOURS_NS = 9 * 3600 * 10**9
STOP_SECONDS = 0.25  # longer than a pipe is waited for


def report(myna, path, options, threads, **more):
    done = subprocess.run([myna, "report", path, "--format", "json", "--limit", "0", "--threads", str(threads), *options],
                          capture_output=True, check=False, timeout=120, **more)
    return done.returncode, done.stdout, done.stderr


def difference(myna, path, options):
    """None if all numbers of threads tell the same."""
    want = report(myna, path, options, THREADS[0])
    if want[0] not in (0, 1, 3):
        return f"status {want[0]}: {want[2][-500:]!r}"
    for threads in THREADS[1:]:
        got = report(myna, path, options, threads)
        if got != want:
            at = next((i for i, (a, b) in enumerate(zip(want[1], got[1])) if a != b), min(len(want[1]), len(got[1])))
            return (f"{' '.join(options)} --threads {threads}: status {want[0]} {got[0]}, {want[2]!r} {got[2]!r}, "
                    f"{want[1][max(0, at - 60):at + 60]!r} {got[1][max(0, at - 60):at + 60]!r}")
    return None


def as_client(frames, number, start_ns):
    """FRAMES between other addresses and at another time."""
    move = start_ns - frames[0].time_ns
    for f in frames:
        data = bytearray(f.data)
        if len(data) >= 34 and data[12:14] == b"\x08\0":
            data[27] = data[31] = number
        yield pcap.Frame(f.time_ns + move, bytes(data), f.wire_len)


def hurt(frames, rng):
    """One of the things that happen to captures."""
    kind = rng.randrange(5)
    if kind == 0:
        return frames
    if kind == 1:
        return frames[rng.randrange(len(frames)):]
    if kind == 2:
        return frames[:rng.randrange(1, len(frames))]
    if kind == 3:
        return [f for f in frames if rng.random() > 0.03]
    return [pcap.Frame(f.time_ns, f.data[:200], f.wire_len) for f in frames]


def crowd(captures, rng):
    """All CAPTURES at once, several times, and a late frame."""
    out, number = [], 0
    for _ in range(COPIES):
        for frames in captures:
            number += 1
            part = hurt(frames, rng)
            out += as_client(part, number % 250, START_NS + rng.randrange(2 * 10**9)) if part else []
    late = as_client(captures[0], 251, max(f.time_ns for f in out) + HOURS_NS)
    return sorted([*out, *late], key=lambda f: f.time_ns)


def through_a_pipe(myna, path, threads):
    """The same in pieces, with pauses in the middle of frames."""
    data = pathlib.Path(path).read_bytes()
    cuts = [0, 10, len(data) // 3 + 5, len(data) * 2 // 3 + 7, len(data)]
    with subprocess.Popen([myna, "report", "-", "--format", "json", "--limit", "0", "--threads", str(threads)],
                          stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
        for start, end in zip(cuts, cuts[1:]):
            process.stdin.write(data[start:end])
            process.stdin.flush()
            time.sleep(STOP_SECONDS)
        out, said = process.communicate(timeout=120)
    return process.returncode, out, said


def pipe_difference(myna, path):
    """None if a pipe is told as the file is."""
    status, out, said = report(myna, path, [], 1)
    want = status, out.replace(str(path).encode(), b"standard input"), said
    for threads in THREADS:
        if through_a_pipe(myna, path, threads) != want:
            return f"from a pipe, --threads {threads}"
    return None


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("myna")
    parser.add_argument("--corpus", type=pathlib.Path, default=CORPUS)
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    own = sorted((HERE / "captures").glob("*.pcap.gz"))
    foreign = sorted(p for p in options.corpus.rglob("*") if p.name.endswith((".pcap", ".pcapng", ".cap")))
    read = [frames for link, frames in map(pcap.read, own) if link == pcap.ETHERNET and len(frames) < 20000]
    rng = random.Random(options.seed)
    failed = 0
    print(f"1..{len(own) + bool(foreign) + CROWDS}")

    def tell(number, name, wrong):
        print(f"{'not ok' if wrong else 'ok'} {number} {name}")
        if wrong:
            print(f"# {wrong[:1500]}")
        return bool(wrong)

    for number, path in enumerate(own, 1):
        failed += tell(number, path.name.split(".")[0], difference(options.myna, path, []))
    if foreign:
        wrong = filter(None, (difference(options.myna, path, ["--port", "any"]) for path in foreign))
        failed += tell(len(own) + 1, f"{len(foreign)} captures of the corpus", next(wrong, None))
    with tempfile.TemporaryDirectory() as folder:
        path = pathlib.Path(folder) / "crowd.pcap"
        for number in range(CROWDS):
            pcap.write(path, crowd(read, rng))
            wrong = filter(None, (difference(options.myna, path, more) for more in OPTIONS))
            failed += tell(len(own) + bool(foreign) + number + 1, f"crowd {number}",
                           next(wrong, None) or pipe_difference(options.myna, path))
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
