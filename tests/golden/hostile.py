#!/usr/bin/python3
"""Captures made to make a listener's memory or time grow: what myna needs for them stays within its limits.

    hostile.py MYNA [CASE...]

Each case is a capture made here, which commands read whole: none of them needs more memory than README says, or
ends in another way than by telling what it heard. Prints TAP. A program built with a sanitizer needs more memory than
the program itself does: then only the end is looked at, of smaller captures.
"""
import contextlib
import gzip
import os
import pathlib
import random
import resource
import struct
import subprocess
import sys
import tempfile
import zlib

HERE = pathlib.Path(__file__).resolve().parent
sys.path[:0] = [str(HERE.parent / "e2e")]

import pcap  # noqa: E402

LIMIT = 64 << 20     # bytes
HELD = 80 << 20      # bytes of statements and rows that are held, in 10,000 sessions
HANG = 240           # seconds
SANITIZED = 20       # so much smaller are captures for a program with a sanitizer
SERVER = bytes([10, 255, 0, 1])
PCAP_HEAD = struct.pack("<IHHiIII", pcap.NANOSECONDS, 2, 4, 0, 0, 1 << 18, pcap.ETHERNET)
ETHERNET = pcap.MACS + b"\x08\0"
COMMANDS = (["report"], ["export"], ["record", "-o"])
LONGEST = b"\xff\xff\xff"


class Capture:
    """A pcap file that is written frame by frame."""

    def __init__(self, path):
        self.file = open(path, "wb", buffering=1 << 20)
        self.file.write(PCAP_HEAD)
        self.time_us = 0

    def frame(self, data, step_us=1):
        self.time_us += step_us
        self.file.write(struct.pack("<IIII", 1700000000 + self.time_us // 1000000,
                                    self.time_us % 1000000 * 1000, len(data), len(data)) + data)

    def ip(self, source, target, protocol, payload, identity=0, fragment=0):
        self.frame(ETHERNET + struct.pack(">BBHHHBBH", 0x45, 0, 20 + len(payload), identity, fragment, 64, protocol,
                                          0) + source + target + payload)

    def segment(self, flow, from_server, sequence, ack, flags, payload=b""):
        client, port = struct.pack(">I", 0x0B000000 + flow // 50000), 10000 + flow % 50000
        ends = ((SERVER, 3306), (client, port)) if from_server else ((client, port), (SERVER, 3306))
        tcp = struct.pack(">HHIIBBHHH", ends[0][1], ends[1][1], sequence, ack, 5 << 4, flags, 65535, 0, 0)
        self.ip(ends[0][0], ends[1][0], 6, tcp + payload)


class Session:
    """One connection that says what it is told to."""

    def __init__(self, capture, flow=0, caps=0):
        self.capture, self.flow, self.at = capture, flow, [1, 1]
        capture.segment(flow, False, 0, 0, pcap.SYN)
        capture.segment(flow, True, 0, 1, pcap.SYN | pcap.ACK)
        caps |= 0x000FA200  # 4.1, secure, plugin authentication and the like
        self.server(packet(0, b"\x0a8.0.30\0" + struct.pack("<I", flow + 1) + b"12345678\0"
                           + struct.pack("<HBHH", caps & 0xFFFF, 45, 2, caps >> 16) + b"\x15" + bytes(10)
                           + b"123456789012\0mysql_native_password\0"))
        self.client(packet(1, struct.pack("<IIB23x", caps, 1 << 24, 45) + b"app\0\0mysql_native_password\0"
                           + (b"\3" if caps & 1 << 26 else b"")))
        self.server(packet(2, b"\0\0\0\2\0\0\0"))

    def say(self, from_server, data):
        for at in range(0, len(data), 60000):
            piece = data[at:at + 60000]
            self.capture.segment(self.flow, from_server, self.at[from_server], self.at[not from_server], pcap.ACK,
                                 piece)
            self.at[from_server] = self.at[from_server] + len(piece) & 0xFFFFFFFF

    def client(self, data):
        self.say(False, data)

    def server(self, data):
        self.say(True, data)


def packet(sequence, payload):
    return len(payload).to_bytes(3, "little") + bytes([sequence]) + payload


OK = packet(1, b"\0\0\0\2\0\0\0")


def half_open(capture, n):
    for flow in range(n):
        capture.segment(flow, False, 7, 0, pcap.SYN)


def half_open_with_data(capture, n):
    for flow in range(n // 10):
        capture.segment(flow, False, 7, 0, pcap.SYN)
        capture.segment(flow, False, 8, 1, pcap.ACK, packet(0, b"\3do 1"))


def joined_once(capture, n):
    for flow in range(n // 10):
        capture.segment(flow, False, 8, 1, pcap.ACK, packet(0, b"\3do 1"))


def longest_packets(capture, n):
    sessions = [Session(capture, flow) for flow in range(n // 100)]
    for _ in range(5):
        for s in sessions:
            s.client(LONGEST + b"\0\3" + b"x" * 600)
            s.server(LONGEST + b"\1\0" + b"x" * 600)


def bombs(capture, n, caps, body):
    for flow in range(max(1, n // 200000)):
        s = Session(capture, flow, caps)
        for sequence in range(2):
            frame = len(body).to_bytes(3, "little") + bytes([sequence]) + LONGEST + body
            s.client(frame)
            s.server(frame)


def zlib_bombs(capture, n):
    bombs(capture, n, 1 << 5, zlib.compress(bytes(0xFFFFFF), 9))


def zstd_bombs(capture, n):
    done = subprocess.run(["zstd", "-19", "-c"], input=bytes(0xFFFFFF), capture_output=True, check=True)
    bombs(capture, n, 1 << 26, done.stdout)


def fragments(capture, n):
    for i in range(n // 5):
        source = struct.pack(">I", 0x0B000000 + i // 60000)
        capture.ip(source, SERVER, 6, b"x" * 64, i % 60000, 0x2000 | i % 100 * 8)


def statements(capture, n):
    s = Session(capture)
    for i in range(n // 5):
        s.client(packet(0, b"\3select a%d from b%d" % (i, i)))
        s.server(OK)


def prepared(capture, n):
    s = Session(capture)
    for i in range(n // 5):
        s.client(packet(0, b"\x16select a%d" % i + b" from b" * 10))
        s.server(packet(1, struct.pack("<BIHHBH", 0, i + 1, 0, 0, 0, 0)))


def variables(capture, n):
    s = Session(capture)
    for i in range(n // 5):
        s.client(packet(0, b"\3set @x%d = 'a value of it'" % i))
        s.server(OK)


def overtaken(capture, n):
    """Segments that wait for one that never comes, in many connections."""
    flows = max(1, n // 1000)
    for flow in range(flows):
        capture.segment(flow, False, 0, 0, pcap.SYN)
        capture.segment(flow, True, 0, 1, pcap.SYN | pcap.ACK)
    for i in range(100):
        for flow in range(flows):
            capture.segment(flow, False, 1000 + 2000 * i, 1, pcap.ACK, b"x" * 1400)


def tunnels(capture, n):
    inner = struct.pack(">BBHHHBBH", 0x45, 0, 40, 0, 0, 64, 6, 0) + SERVER + SERVER + bytes(20)
    for _ in range(40):
        gre = struct.pack(">HH", 0, 0x0800) + inner
        inner = struct.pack(">BBHHHBBH", 0x45, 0, 20 + len(gre), 0, 0, 64, 47, 0) + SERVER + SERVER + gre
    for _ in range(n // 20):
        capture.frame(ETHERNET + inner)


CASES = {f.__name__.replace("_", "-"): f for f in (
    half_open, half_open_with_data, joined_once, longest_packets, zlib_bombs, zstd_bombs, fragments, statements,
    prepared, variables, overtaken, tunnels)}


def pcapng_blocks(path):
    """Blocks whose lengths cannot be."""
    head = struct.pack("<IIIHHqI", 0x0A0D0D0A, 28, 0x1A2B3C4D, 1, 0, -1, 28)
    interface = struct.pack("<IIHHII", 1, 20, 1, 0, 0, 20)
    blocks = [struct.pack("<II", kind, length) + b"x" * 64
              for kind in (1, 2, 3, 5, 6, 0x0A0D0D0A, 77)
              for length in (0, 8, 12, 0x7FFFFFFC, 0xFFFFFFFC, 0xFFFFFFFF)]
    names = []
    for number, block in enumerate(blocks):
        names.append(path / f"block-{number}.pcapng")
        names[-1].write_bytes(head + interface + block * 4)
    return names


def damaged_recordings(myna, path):
    whole = path / "whole.myna"
    capture = path / "whole.pcap"
    capture.write_bytes(gzip.decompress((HERE / "captures" / "prepared-mariadb.pcap.gz").read_bytes()))
    subprocess.run([myna, "record", "-o", str(whole), str(capture)], capture_output=True, check=True)
    data, rng, names = whole.read_bytes(), random.Random(7), []
    for number in range(40):
        at = rng.randrange(8, min(len(data), 200) - 8)
        names.append(path / f"damaged-{number}.myna")
        names[-1].write_bytes(data[:at] + rng.choice([LONGEST * 2, b"\xff\xff\xff\x7f", bytes(5)]) + data[at + 6:])
    return names


def run(arguments):
    """(exit status, peak of memory in bytes, standard error)"""
    with tempfile.TemporaryFile() as told:
        process = subprocess.Popen(arguments, stdout=subprocess.DEVNULL, stderr=told)
        _, status, usage = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
        told.seek(0)
        return process.returncode, usage.ru_maxrss * 1024, told.read().decode(errors="replace")


def complaints(myna, path, sanitized):
    """What is wrong with how MYNA reads PATH, and the most memory it took."""
    wrong, most = [], 0
    for command in COMMANDS:
        target = path.with_suffix(".out.myna")
        arguments = [*command, str(target)] if command[-1] == "-o" else command
        status, peak, told = run(["timeout", str(HANG), myna, *arguments, str(path)])
        with contextlib.suppress(FileNotFoundError):
            target.unlink()
        most = max(most, peak)
        if status not in (0, 1, 3) or "runtime error" in told or "Sanitizer" in told:
            wrong.append(f"{command[0]}: status {status}: {told[-1500:]}")
        if status == 1 and not told.startswith("myna "):
            wrong.append(f"{command[0]}: failed without a word")
        if peak > LIMIT + (HELD if path.stem == "longest-packets" else 0) and not sanitized:
            wrong.append(f"{command[0]}: {peak >> 20} MiB")
    return wrong, most


def case_files(name, myna, folder, scale):
    if name == "pcapng-blocks":
        return pcapng_blocks(folder)
    if name == "damaged-recordings":
        return damaged_recordings(myna, folder)
    path = folder / f"{name}.pcap"
    capture = Capture(path)
    CASES[name](capture, 1000000 // scale)
    capture.file.close()
    return [path]


def main():
    myna, names = sys.argv[1], sys.argv[2:] or [*CASES, "pcapng-blocks", "damaged-recordings"]
    sanitized = b"__asan_init" in pathlib.Path(myna).read_bytes()
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    failed = 0
    print(f"1..{len(names)}")
    for number, name in enumerate(names, 1):
        wrong, most = [], 0
        with tempfile.TemporaryDirectory() as folder:
            for path in case_files(name, myna, pathlib.Path(folder), SANITIZED if sanitized else 1):
                found, peak = complaints(myna, path, sanitized)
                wrong += [f"{path.name}: {w}" for w in found]
                most = max(most, peak)
        failed += bool(wrong)
        print(f"{'not ok' if wrong else 'ok'} {number} {name}\n# {most >> 20} MiB")
        for w in wrong[:6]:
            print("# " + w.replace("\n", "\n# "))
        sys.stdout.flush()
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
