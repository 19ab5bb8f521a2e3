"""Whatever was not heard is told, by every command, in text and in JSON, and the exit status says so."""
import gzip
import json
import re
import struct

import pytest

import harness
from test_command import frame, packet

CAPTURES = harness.TOP / "tests" / "golden" / "captures"
ETHERNET, WIFI = 1, 105
OK = b"\0\0\0\2\0\0\0"
FACT, LOSS = 0, 3
FIN, RESET = 1, 4


def pcap(frames, link=ETHERNET, wire_lengths=None):
    out = [struct.pack("<IHHiIII", 0xA1B2C3D4, 2, 4, 0, 0, 65535, link)]
    for i, f in enumerate(frames):
        wire = wire_lengths[i] if wire_lengths else len(f)
        out.append(struct.pack("<IIII", 1700000000 + i, 0, len(f), wire) + f)
    return b"".join(out)


def block(kind, body):
    body += bytes(-len(body) % 4)
    size = struct.pack("<I", 12 + len(body))
    return struct.pack("<I", kind) + size + body + size


def pcapng(frames, links=(ETHERNET,), statistics=None):
    """FRAMES: (interface, bytes). STATISTICS: (dropped by the interface, dropped by the system)."""
    out = [block(0x0A0D0D0A, struct.pack("<IHHq", 0x1A2B3C4D, 1, 0, -1))]
    out += [block(1, struct.pack("<HHI", link, 0, 65535)) for link in links]
    for i, (interface, f) in enumerate(frames):
        out.append(block(6, struct.pack("<IIIII", interface, 0, i, len(f), len(f)) + f))
    if statistics:
        options = b"".join(struct.pack("<HHQ", code, 8, n) for code, n in zip((5, 7), statistics))
        out.append(block(5, struct.pack("<III", 0, 0, 0) + options + bytes(4)))
    return b"".join(out)


def talk(count=6, port=40000, server=3306, begin=(1000, 5000), first=0):
    """Frames of COUNT commands and their responses, of a joined session."""
    frames, (to_server, to_client) = [], begin
    for number in range(first, first + count):
        question, answer = packet(0, b"\x03" + f"DO {number}".encode()), packet(1, OK)
        frames.append(frame(port, server, to_server, to_client, 0x18, question))
        frames.append(frame(server, port, to_client, to_server + len(question), 0x18, answer))
        to_server, to_client = to_server + len(question), to_client + len(answer)
    return frames


def golden(name):
    return gzip.decompress((CAPTURES / f"{name}.pcap.gz").read_bytes())


def without(frames, *gone):
    return [f for i, f in enumerate(frames) if i not in gone]


def one_command(payload, answer=b""):
    """A session from its login on is not needed: a joined one may say anything."""
    frames = talk(2)
    at = 1000 + 2 * len(packet(0, b"\x03DO 0")), 5000 + 2 * len(packet(1, OK))
    question = packet(0, payload)
    frames.append(frame(40000, 3306, *at, 0x18, question))
    if answer:
        frames.append(frame(3306, 40000, at[1], at[0] + len(question), 0x18, answer))
    return frames


def ip_fragment(f):
    """The frame's datagram, of which only a first part came."""
    return f[:20] + b"\x20\x00" + f[22:]


def deep(f):
    """Inside more tunnels than anybody has."""
    datagram = f[14:]
    for _ in range(40):
        size = 20 + len(datagram)
        datagram = struct.pack(">BBHHHBBH4s4s", 0x45, 0, size, 0, 0, 64, 4, 0, b"\x0a\0\0\1", b"\x0a\0\0\2") + datagram
    return f[:14] + datagram


def not_tcp(f):
    return f[:23] + b"\x59" + f[24:]


def handshake(port, answer, begin=(1000, 5000)):
    """A connection from its first frame, in which the server speaks first."""
    client, server = begin
    return [frame(port, 3306, client - 1, 0, 0x02), frame(3306, port, server - 1, client, 0x12),
            frame(port, 3306, client, server, 0x10), frame(3306, port, server, client, 0x18, answer)]


def logged_in(payload, answer):
    """A session from its beginning; in a joined one, what has no name is not believed to be a command."""
    greeting = packet(0, b"\x0a5.5.5\0" + bytes(4) + b"12345678\0" + struct.pack("<HBHHB", 0xA201, 8, 2, 0, 21) +
                      bytes(10) + b"123456789012\0")
    login = packet(1, struct.pack("<IIB23x", 0x8200, 1 << 24, 8) + b"root\0\0")
    frames = handshake(40001, greeting)
    client, server = 1000, 5000 + len(greeting)
    for question, reply in ((login, packet(2, OK)), (packet(0, payload), answer)):
        frames.append(frame(40001, 3306, client, server, 0x18, question))
        client += len(question)
        frames.append(frame(3306, 40001, server, client, 0x18, reply))
        server += len(reply)
    return frames


def goodbye(flags, sent=0, had=0):
    """Ends talk() without its last answer: the server, that had SENT so many bytes more; or the client, that had them."""
    client, server = 1000 + 6 * len(packet(0, b"\x03DO 0")), 5000 + 5 * len(packet(1, OK))
    if flags == FIN:
        return frame(40000, 3306, client, server + had, FIN | 0x10)
    return frame(3306, 40000, server + sent, client, flags)


TALK = talk()
CASES = {  # name: (bytes of the capture, fields of the coverage above 0, status)
    "all heard": (pcap(TALK), {"sessions": 1, "joined": 1, "commands": 6}, FACT),
    "a lost response": (pcap(without(TALK, 5)), {"gaps": 1, "gap_bytes": 11, "lost_responses": 1}, LOSS),
    "a lost command": (pcap(without(TALK, 6)), {"gaps": 1, "gap_bytes": 9, "orphan_responses": 1, "undecoded_bytes": 11}, LOSS),
    "no response yet": (pcap(TALK[:-1]), {"unanswered": 1, "commands": 6}, FACT),
    "no response at all": (pcap([*TALK[:-1], goodbye(RESET)]), {"unanswered": 1, "commands": 6}, FACT),
    "a response before the end": (pcap([*TALK[:-1], goodbye(RESET, sent=11)]), {"lost_responses": 1, "gaps": 1, "gap_bytes": 11}, LOSS),
    "a response that was had": (pcap([*TALK[:-1], goodbye(FIN, had=11)]), {"lost_responses": 1, "gaps": 1, "gap_bytes": 11}, LOSS),
    "dropped": (pcapng([(0, f) for f in TALK], statistics=(7, 9)), {"interface_drops": 7, "kernel_drops": 9}, LOSS),
    "TLS": (golden("tls-mysql97"), {"encrypted": 1, "passed_bytes": None}, LOSS),
    "compressed": (golden("zlib-mysql97"), {"compressed": 1}, FACT),
    "replication": (pcap(one_command(b"\x12" + bytes(10), packet(1, b"\0" + bytes(19)))), {"replication": 1}, FACT),
    "no MySQL": (pcap(handshake(40001, packet(0, b"220 mail.example.com ESMTP"))), {"undecodable": 1, "undecoded_bytes": None}, LOSS),
    "no packets": (pcap(handshake(40001, b"HTTP/1.1 200 OK\r\n\r\n" * 9)), {"undecodable": 1}, LOSS),
    "an unknown command": (pcap(logged_in(b"\x7f...", packet(1, OK))), {"unknown_commands": 1}, LOSS),
    "cut frames": (pcap([*TALK[:4], TALK[4][:60], *TALK[5:]], wire_lengths=[len(f) for f in TALK]),
                   {"truncated_frames": 1, "gaps": 1, "gap_bytes": 3, "orphan_responses": 1, "undecoded_bytes": None}, LOSS),
    "cut before TCP": (pcap([*TALK, TALK[0][:30]], wire_lengths=[len(f) for f in [*TALK, TALK[0]]]),
                       {"truncated_frames": 1, "bad_frames": 1}, LOSS),
    "fragments": (pcap([*TALK, ip_fragment(TALK[0])]), {"fragments": 1}, LOSS),
    "too deep": (pcap([*TALK, deep(TALK[0])]), {"bad_frames": 1}, LOSS),
    "another protocol": (pcap([*TALK, not_tcp(TALK[0])]), {"other_frames": 1}, FACT),
    "another port": (pcap([*TALK, *talk(1, server=3307)]), {"other_ports": 2}, FACT),
    "another link": (pcap(TALK, link=WIFI), {"bad_frames": 12}, LOSS),
    "an interface of another link": (pcapng([*((0, f) for f in TALK), (1, TALK[0])], links=(ETHERNET, WIFI)),
                                     {"bad_frames": 1, "commands": 6}, LOSS),
    "cut off": (pcap(TALK)[:-5], {"cut_off": 1, "bad_input_bytes": None, "unanswered": 1}, LOSS),
}


@pytest.fixture(params=CASES, ids=lambda name: name.replace(" ", "-"))
def case(request, tmp_path):
    data, fields, status = CASES[request.param]
    path = tmp_path / "x.pcap"
    path.write_bytes(data)
    return path, fields, status


def check_fields(count, fields, losses):
    for name, n in fields.items():
        assert count[name] == n if n is not None else count[name] > 0, (name, count)
    assert not {name for name in losses if count[name]} - set(fields), "nothing else is missing"


def check_text(text, fields, names):
    for name, n in fields.items():
        one, many = names[name]
        if n is None:
            assert re.search(rf"[1-9]\d* {re.escape(many)}", text), text
        else:
            assert re.search(rf"\b{n} {re.escape(one if n == 1 else many)}", text), (name, text)


@pytest.fixture(scope="module")
def names():
    """{field: (behind a 1, behind any other number)}"""
    rows = (harness.TOP / "src" / "event" / "coverage_list.h").read_text()
    return {name: (one, many) for name, one, many in
            re.findall(r'^COVERAGE\((\w+), \w+,\s*"([^"]+)",\s*"([^"]+)"\)', rows, re.M)}


@pytest.fixture(scope="module")
def losses():
    rows = (harness.TOP / "src" / "event" / "coverage_list.h").read_text()
    return re.findall(r'^COVERAGE\((\w+), true', rows, re.M)


def test_every_command_tells_it(myna, case, names, losses, tmp_path):
    path, fields, status = case
    lost = {name: n for name, n in fields.items() if name in losses}
    recording = tmp_path / "x.myna"

    check_fields(harness.coverage(myna.export(path, status=(status,))), fields, losses)
    done = myna.run("report", path, status=(status,))
    check_text(done.stdout, fields, names)
    check_text(done.stderr, lost, names)
    check_fields(json.loads(myna.run("report", path, "--format", "json", status=(status,)).stdout)["coverage"],
                 fields, losses)
    check_text(myna.run("trace", path, status=(status,)).stderr, lost, names)
    check_text(myna.run("record", path, "-o", recording, status=(status,)).stderr, lost, names)

    # The recording knows what there was, and is itself whole.
    check_fields(harness.coverage(myna.export(recording, status=(status,))), fields, losses)
    check_text(myna.run("info", recording, status=(0, status)).stdout, fields, names)
    check_fields(json.loads(myna.run("info", recording, "--format", "json", status=(0, status)).stdout)["coverage"],
                 fields, losses)


def test_replay_tells_what_was_lost(myna, target, names, losses, tmp_path):
    for name, (data, fields, _) in CASES.items():
        path, recording = tmp_path / "x.pcap", tmp_path / f"{name}.myna"
        path.write_bytes(data)
        myna.run("record", path, "-o", recording, status=None)
        arguments = ["replay", recording, "--target", f"mysql://root@127.0.0.1:{target.port}/", "--speed", "max"]
        done = myna.run(*arguments, status=None)
        check_text(done.stderr, {field: n for field, n in fields.items() if field in losses}, names)
        told = json.loads(myna.run(*arguments, "--format", "json", status=None).stdout)
        check_fields(told["coverage"], fields, losses)


def test_trace_tells_what_never_came_from_what_was_missed(myna, tmp_path):
    rows = [packet(1, b"\1"), packet(2, b"\3def" + bytes(5) + b"\x0c\x3f\0\1\0\0\0\3\0\0\0\0\0")]
    begun = [*TALK[:-1], frame(3306, 40000, 5055, 1054, 0x18, b"".join(rows))]
    for frames, said in (([*TALK[:-1], goodbye(RESET)], "no answer came"),
                         ([*TALK[:-1], goodbye(RESET, sent=11)], "lost: not heard\n"),
                         (begun, "cut: its end never came")):
        (tmp_path / "x.pcap").write_bytes(pcap(frames))
        text = myna.run("trace", str(tmp_path / "x.pcap"), status=(0, 3)).stdout
        assert said in text + "\n", text
