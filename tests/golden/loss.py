#!/usr/bin/python3
"""Loses frames of a capture and holds what myna still tells to what it tells of the whole.

    loss.py MYNA CAPTURE [--rounds N] [--seed N] [--keep FOLDER] [MODE...]

Of every changed capture must be true: each exchange told is one of the whole capture's, with the same
statement, parameters and text, or with null where a lost prepare makes them unknown; its response is the
same one, to the nanosecond, or `lost`; and every command is told all of whose bytes are in the frames that are left.
Prints TAP, one line for each mode, with the counts behind it.

What no listener can know is counted apart (`unfindable`): a command that does not begin a segment, when
the one that ends in the middle of that segment was not heard to begin.
"""
import argparse
import collections
import dataclasses
import json
import pathlib
import random
import subprocess
import sys
import tempfile

HERE = pathlib.Path(__file__).resolve().parent
sys.path[:0] = [str(HERE.parent / "e2e")]

import frames as framing  # noqa: E402
import pcap  # noqa: E402

SERVER_PORT = 3306

# Facts of an exchange that are known or null; all others belong to its response.
OF_COMMAND = ["command", "statement_id", "sql", "sql_base64", "parameters", "text", "query_attributes"]
NOT_COMPARED = {"type", "session", "n", "database"}


@dataclasses.dataclass
class Command:
    time_ns: int
    start: int     # offset in the client's stream, of its packet or of the frame in which that begins
    end: int
    begins_segment: bool
    headers: list  # (start, end) of those that tell where the next packet or frame is


@dataclasses.dataclass(frozen=True)
class Piece:
    """A frame of the compressed protocol, or a packet outside of one."""
    start: int
    header: int
    end: int
    contents: bytes


def frames_of(stream):
    """A client's stream in pieces; those of a compressed session begin behind its login."""
    agreed = int.from_bytes(stream[4:8], "little") & (framing.COMPRESS | framing.ZSTD)
    at, logged_in = 0, False
    while at + 4 <= len(stream):
        logged_in = logged_in or stream[at + 3] == 0
        header = 7 if agreed and logged_in else 4
        end = at + header + int.from_bytes(stream[at:at + 3], "little")
        contents = stream[at:end]
        if header == 7:
            contents = framing.unpack(stream[at + 7:end], int.from_bytes(stream[at + 4:at + 7], "little"))
        yield Piece(at, header, end, contents)
        at = end


class Conversation:
    """The client's stream of one connection, of a capture without any loss."""

    def __init__(self):
        self.base = None
        self.pieces = []  # (offset, bytes, time)
        self.commands = []

    def add(self, s):
        if self.base is None:
            self.base = s.sequence + bool(s.flags & pcap.SYN)
        if s.payload:
            self.pieces.append(((s.sequence - self.base) & 0xFFFFFFFF, s.payload, s.time_ns))

    def parse(self):
        stream, starts, at = b"", {}, 0
        times = []
        for offset, data, time_ns in sorted(self.pieces):
            if offset < at:  # sent again
                continue
            assert offset == at, "the capture has holes"
            starts[offset] = time_ns
            times.append((offset, time_ns))
            at += len(data)
            stream += data
        frames = list(frames_of(stream))
        plain, where = b"".join(f.contents for f in frames), []
        for f in frames:
            where += [f] * len(f.contents)
        at, piece = 0, 0
        while at + 4 <= len(plain):
            length = int.from_bytes(plain[at:at + 3], "little")
            within = list(dict.fromkeys(where[at:at + 4 + length]))
            while piece + 1 < len(times) and times[piece + 1][0] <= within[0].start:
                piece += 1
            if plain[at + 3] == 0 and length:
                headers = [(f.start, f.start + f.header) for f in within]
                self.commands.append(Command(times[piece][1], within[0].start, within[-1].end,
                                             within[0].start in starts, headers))
            at += 4 + length


def client_of(s):
    return s.source if s.target[1] == SERVER_PORT else s.target


def conversations(segments):
    found = collections.defaultdict(Conversation)
    for s in segments:
        if s.target[1] == SERVER_PORT:
            found[s.source].add(s)
    for c in found.values():
        c.parse()
    return found


def without_repeats(frames):
    """Segments that the network brought twice are left out the second time: which of the two is lost would
    change an answer's time."""
    seen = set()
    for f in frames:
        s = pcap.segment(f)
        key = (s.source, s.target, s.sequence, len(s.payload))
        if not s.payload or key not in seen:
            seen.add(key)
            yield f


class Kept:
    """Bytes of the clients' streams that are left."""

    def __init__(self, whole, frames):
        self.ranges = collections.defaultdict(list)
        for f in frames:
            s = pcap.segment(f)
            if s and s.target[1] == SERVER_PORT and s.payload and s.source in whole:
                start = (s.sequence - whole[s.source].base) & 0xFFFFFFFF
                self.ranges[s.source].append((start, start + len(s.payload)))
        for client, ranges in self.ranges.items():
            merged = []
            for start, end in sorted(ranges):
                if merged and start <= merged[-1][1]:
                    merged[-1][1] = max(merged[-1][1], end)
                else:
                    merged.append([start, end])
            self.ranges[client] = merged

    def has(self, client, start, end):
        return any(a <= start and end <= b for a, b in self.ranges[client])


def export(myna, path, frames):
    """Exchanges by client, and the coverage, of FRAMES, which are written to PATH."""
    pcap.write(path, frames)
    done = subprocess.run([myna, "export", str(path), "--format", "jsonl", "--port", str(SERVER_PORT)],
                          capture_output=True, text=True, errors="surrogateescape", check=False)
    assert done.returncode in (0, 3), f"status {done.returncode}: {done.stderr[-2000:]}"
    clients, exchanges, coverage = {}, collections.defaultdict(list), None
    for line in done.stdout.splitlines():
        event = json.loads(line)
        if event["type"] == "session":
            address, port = event["client"].rsplit(":", 1)
            clients[event["session"]] = (address, int(port))
        elif event["type"] == "exchange":
            exchanges[clients[event["session"]]].append(event)
        elif event["type"] == "coverage":
            coverage = event
    return exchanges, coverage


class Comparison:
    def __init__(self, whole):
        self.whole = whole  # {client: exchanges} of the capture without loss
        self.counts = collections.Counter()
        self.wrong = []
        self.told = set()  # ids of the exchanges in WHOLE

    def complain(self, what, client, told, right=None):
        self.counts["wrong"] += 1
        self.wrong.append(f"{what}: {client[0]}:{client[1]} {json.dumps(told)[:400]}"
                          + (f"\n    is  {json.dumps(right)[:400]}" if right else ""))

    def compare_command(self, client, told, right):
        for key in OF_COMMAND:
            if key == "statement_id" and told["command"] == "STMT_PREPARE":
                continue  # the answer says it
            if told.get(key) == right.get(key):
                continue
            if told.get(key) is None and key in ("sql", "text", "parameters"):
                self.counts[f"{key}_unknown"] += 1
            else:
                self.complain(f"{key} differs", client, told, right)
                return

    def compare_response(self, client, told, right):
        if told["response"] == "lost":
            self.counts["lost"] += right["response"] != "lost"
            return
        self.counts["answered"] += 1
        of_command = {key for key in OF_COMMAND if key != "statement_id" or told["command"] != "STMT_PREPARE"}
        for key in (set(told) | set(right)) - of_command - NOT_COMPARED:
            if key == "columns" and told[key] is None and told["sql"] is None:
                self.counts["columns_unknown"] += 1
            elif told.get(key) != right.get(key):
                self.complain(f"{key} differs", client, told, right)
                return

    def compare(self, told):
        for client, exchanges in told.items():
            at, before = {}, 0
            for e in self.whole.get(client, []):
                at.setdefault(e["time_ns"], []).append(e)
            for e in exchanges:
                candidates = [r for r in at.get(e["time_ns"], []) if r["command"] == e["command"]]
                if not candidates or e["n"] <= before:
                    self.complain("never said", client, e)
                    continue
                same = [r for r in candidates if r.get("sql") == e.get("sql")]
                right = (same or candidates)[0]
                at[e["time_ns"]].remove(right)
                before = e["n"]
                self.told.add(id(right))
                self.counts["told"] += 1
                self.compare_command(client, e, right)
                self.compare_response(client, e, right)

    def find_missing(self, commands, kept):
        for client, conversation in commands.items():
            exchanges = self.whole.get(client, [])
            assert len(exchanges) == len(conversation.commands), "not all commands are heard without loss"
            reachable = False
            for c, e in zip(conversation.commands, exchanges):
                heard = kept.has(client, c.start, c.end)
                begun = all(kept.has(client, *header) for header in c.headers) and (c.begins_segment or reachable)
                told = id(e) in self.told
                self.counts["heard"] += heard
                if heard and not told:
                    if c.begins_segment or reachable:
                        self.counts["missing"] += 1
                        self.wrong.append(f"missing: {client[0]}:{client[1]} {json.dumps(e)[:400]}")
                    else:
                        self.counts["unfindable"] += 1
                reachable = heard or begun


def drop(rate):
    return lambda frames, rng: [f for f in frames if rng.random() >= rate]


def cut(frames, rng):
    return frames[rng.randrange(len(frames)):]


def one_side(client):
    def take(frames, _):
        return [f for f in frames if (pcap.segment(f).target[1] == SERVER_PORT) == client]
    return take


def duplicate(frames, rng):
    return [f for f in frames for _ in range(2 if rng.random() < 0.1 else 1)]


def reorder(frames, rng):
    """Each frame up to eight places from where it was."""
    places = sorted(range(len(frames)), key=lambda i: i + rng.randrange(8))
    out = [dataclasses.replace(frames[i]) for i in places]
    return out


def truncate(length):
    return lambda frames, _: [dataclasses.replace(f, data=f.data[:length]) for f in frames]


def bursts(frames, rng):
    """Loss as it happens: a few hundred frames in a row are not taken in time."""
    out, at = [], 0
    while at < len(frames):
        good = rng.randrange(50, 2000)
        out += frames[at:at + good]
        at += good + rng.randrange(1, 300)
    return out


MODES = {
    "drop-0.1%": drop(0.001), "drop-1%": drop(0.01), "drop-5%": drop(0.05), "drop-20%": drop(0.2),
    "bursts": bursts, "cut": cut, "client-only": one_side(True), "server-only": one_side(False),
    "duplicate": duplicate, "reorder": reorder,
    "truncate-96": truncate(96), "truncate-300": truncate(300),
}
NO_LOSS = {"duplicate"}
ONCE = {"client-only", "server-only", "truncate-96", "truncate-300"}


def run_mode(mode, frames, commands, whole, options, folder):
    """(counts, complaints) of all rounds."""
    counts, wrong = collections.Counter(), []
    for round_ in range(1 if mode in ONCE else options.rounds * (4 if mode == "cut" else 1)):
        rng = random.Random(f"{mode} {options.seed} {round_}")
        left = MODES[mode](frames, rng)
        told, _ = export(options.myna, folder / f"{mode}-{round_}.pcap", left)
        c = Comparison(whole)
        c.compare(told)
        c.find_missing(commands, Kept(commands, left))
        if mode in NO_LOSS and c.counts["lost"]:
            c.wrong.append(f"{c.counts['lost']} responses are lost")
        counts.update(c.counts)
        wrong += [f"round {round_}: {w}" for w in c.wrong]
    return counts, wrong


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("myna")
    parser.add_argument("capture")
    parser.add_argument("modes", nargs="*", metavar="MODE", help=", ".join(MODES))
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--keep", type=pathlib.Path, help="leave the changed captures in this folder")
    options = parser.parse_args()
    modes = options.modes or list(MODES)
    frames = list(without_repeats(pcap.read(options.capture)[1]))
    commands = conversations(pcap.segment(f) for f in frames)
    failed = 0
    print(f"1..{len(modes)}")
    with tempfile.TemporaryDirectory() as temporary:
        folder = options.keep or pathlib.Path(temporary)
        whole, _ = export(options.myna, folder / "whole.pcap", frames)
        for number, mode in enumerate(modes, 1):
            counts, wrong = run_mode(mode, frames, commands, whole, options, folder)
            failed += bool(wrong)
            print(f"{'not ok' if wrong else 'ok'} {number} {mode}")
            print(f"# {mode}: " + ", ".join(f"{name} {n}" for name, n in sorted(counts.items())))
            for w in wrong[:8]:
                print(f"# {w}".replace("\n", "\n# "))
            sys.stdout.flush()
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
