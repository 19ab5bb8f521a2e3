#!/usr/bin/python3
"""Holds `myna trace --packets` to the protocol: what real servers and clients said has no violation in it, nor has what is
left of it when frames are lost or its beginning was not heard; what is broken by hand has one, where it was broken.

    packets.py MYNA [--rounds N] [--seed N] [CAPTURE...]

Prints TAP, one line for each capture and each damage. A capture may be named with its ports, as FILE:3307.
"""
import argparse
import json
import pathlib
import random
import subprocess
import sys
import tempfile

import pcap

HERE = pathlib.Path(__file__).resolve().parent
LOST = 0.03  # of the frames
SERVER = 3306

# name: (bytes of the server's, what is in their place, the violation, what the packet is taken for)
DAMAGES = {
    "sequence id": (b"\x07\0\0\x01\0\0\0", b"\x07\0\0\x05\0\0\0", "its sequence id is not the next one", "ok"),
    "no such answer": (b"\x01\0\0\x01\x02", b"\x01\0\0\x01\xfc", "no answer to what was asked", "unknown"),
    "no definition": (b"\x03def\x04shop", b"\xf0def\x04shop", "no answer to what was asked", "unknown"),
    "more than was asked": (b"\x05\0\0\x08\xfe", b"\x05\0\0\x08\x31", None, None),
}


def told(myna, path, ports="3306"):
    """(packets, exit status)"""
    done = subprocess.run([myna, "trace", str(path), "--packets", "--format", "jsonl", "--port", ports], capture_output=True,
                          text=True, errors="surrogateescape", check=False, timeout=120)
    assert done.returncode in (0, 3), done.stderr
    return [json.loads(line) for line in done.stdout.splitlines()], done.returncode


def commands(myna, path, ports="3306"):
    """How many commands there are."""
    done = subprocess.run([myna, "export", str(path), "--port", ports], capture_output=True, text=True,
                          errors="surrogateescape", check=False, timeout=120)
    return json.loads(done.stdout.splitlines()[-1])["commands"]


def violations(packets):
    return [p for p in packets if "violation" in p]


def wrong(myna, path, ports, options, folder):
    """What is wrong with what is told of a capture, or None."""
    packets, _ = told(myna, path, ports)
    if violations(packets):
        return f"violation: {violations(packets)[0]}"
    heard = sum(p.get("meaning") == "command" for p in packets)
    if heard != commands(myna, path, ports):
        return f"{heard} commands, not {commands(myna, path, ports)}"
    if not path.name.endswith(".pcap.gz"):
        return None
    link, frames = pcap.read(path)
    rng = random.Random(options.seed)
    for _ in range(options.rounds):
        seed = rng.getrandbits(32)
        chance = random.Random(seed)
        less = [f for f in frames if chance.random() > LOST][chance.choice([0, 0, chance.randrange(len(frames) // 2)]):]
        pcap.write(folder / "less.pcap", less, link)
        packets, _ = told(myna, folder / "less.pcap", ports)
        if violations(packets):
            return f"seed {seed}: frames were lost, and a violation is told: {violations(packets)[0]}"
    return survives(myna, path, ports, options, folder)


def survives(myna, path, ports, options, folder):
    """What goes wrong with bytes of a capture changed at random, or None."""
    link, frames = pcap.read(path)
    rng = random.Random(options.seed)
    for _ in range(options.rounds):
        broken = [pcap.Frame(f.time_ns, f.data, f.wire_len) for f in frames]
        for frame in rng.sample(broken, min(len(broken), 3)):
            at = rng.randrange(min(54, len(frame.data) - 1), len(frame.data))
            frame.data = frame.data[:at] + bytes([rng.randrange(256)]) + frame.data[at + 1:]
        pcap.write(folder / "broken.pcap", broken, link)
        for more in (["--hex"], ["--hex", "--format", "jsonl"]):
            done = subprocess.run([myna, "trace", str(folder / "broken.pcap"), "--packets", "--port", ports, *more],
                                  capture_output=True, check=False, timeout=120)
            if done.returncode not in (0, 3):
                return f"status {done.returncode}: {done.stderr.decode(errors='replace')[-300:]}"
    return None


def damaged(myna, name, folder):
    """What is wrong with what is told of text-mariadb with one of the damages, or None."""
    found, put, violation, meaning = DAMAGES[name]
    link, frames = pcap.read(HERE / "captures" / "text-mariadb.pcap.gz")
    for frame in frames:
        segment = pcap.segment(frame)
        if segment and segment.source[1] == SERVER and found in segment.payload:
            frame.data = frame.data.replace(found, put, 1)
            break
    else:
        return "there is nothing to damage"
    pcap.write(folder / "damaged.pcap", frames, link)
    packets, status = told(myna, folder / "damaged.pcap")
    got = [(p["violation"], p["meaning"]) for p in violations(packets)]
    if len(got) != 1 or status != 3 or (violation and got != [(violation, meaning)]):
        return f"status {status}, {got}"
    return None


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("myna")
    parser.add_argument("capture", nargs="*")
    parser.add_argument("--rounds", type=int, default=4)
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    captures = options.capture or sorted(str(p) for p in (HERE / "captures").glob("*.pcap.gz"))
    cases = [(c.split(":")[0], (c.split(":") + ["3306"])[1]) for c in captures]
    failed = 0
    print(f"1..{len(cases) + len(DAMAGES)}")
    with tempfile.TemporaryDirectory() as temporary:
        folder = pathlib.Path(temporary)
        checks = [(pathlib.Path(path).name, lambda path=path, ports=ports: wrong(options.myna, pathlib.Path(path), ports,
                                                                                options, folder))
                  for path, ports in cases]
        checks += [(name, lambda name=name: damaged(options.myna, name, folder)) for name in DAMAGES]
        for number, (name, check) in enumerate(checks, 1):
            trouble = check()
            failed += trouble is not None
            print(f"{'not ok' if trouble else 'ok'} {number} {name}", flush=True)
            if trouble:
                print(f"# {trouble}")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
