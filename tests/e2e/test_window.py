"""A window of a recording is found without reading what is before it and behind it, and is the same as if all were read."""
import json
import struct

import pytest

import harness
from test_command import frame, packet
from test_rotate import exchanges, members

SECOND = 10**9
BEGIN = 1700000000
STATEMENTS = 30000  # one each 0.1 s, in 20 sessions
SLOW = 7000  # this one is answered twenty minutes later


def capture_bytes(frames):
    out = [struct.pack("<IHHiIII", 0xA1B23C4D, 2, 4, 0, 0, 65535, 1)]
    for time_ns, bytes_ in sorted(frames, key=lambda f: f[0]):
        out.append(struct.pack("<IIII", BEGIN + time_ns // SECOND, time_ns % SECOND, len(bytes_), len(bytes_)))
        out.append(bytes_)
    return b"".join(out)


def statement(number):
    """The comment is not to be compressed away: blocks are to be many."""
    noise = "".join(f"{(number * 2654435761 + i * 40503) % 2**32:08x}" for i in range(40))
    return f"SELECT /* {noise} */ {number}"


@pytest.fixture(scope="module")
def long_recording(myna, tmp_path_factory):
    """Fifty minutes."""
    folder = tmp_path_factory.mktemp("long")
    frames, place = [], {}
    for number in range(STATEMENTS):
        port = 40000 + number % 20 if number != SLOW else 50000
        to_server, to_client = place.get(port, (1000, 5000))
        question, answer = packet(0, b"\x03" + statement(number).encode()), packet(1, b"\0\0\0\2\0\0\0")
        at = number * SECOND // 10
        frames.append((at, frame(port, 3306, to_server, to_client, 0x18, question)))
        frames.append((at + (1200 if number == SLOW else 1) * SECOND,
                       frame(3306, port, to_client, to_server + len(question), 0x18, answer)))
        place[port] = to_server + len(question), to_client + len(answer)
    (folder / "long.pcap").write_bytes(capture_bytes(frames))
    myna.run("record", folder / "long.pcap", "-o", folder / "long.myna")
    return folder / "long.myna"


def window(myna, path, *arguments, stdin=None):
    done = myna.run("export", path, *arguments, stdin=stdin)
    return [json.loads(line) for line in done.stdout.splitlines()]


@pytest.mark.parametrize("since, until", [
    (0, 10), (0, 3000), (600, 601), (699, 701), (1500, 1800), (2990, 3001), (2999, 4000), (3500, 3600)])
def test_a_window_is_the_same_read_whole(myna, long_recording, since, until):
    arguments = ["--since", f"+{since}s", "--until", f"+{until}s"]
    found = window(myna, long_recording, *arguments)
    with long_recording.open("rb") as whole:  # of a pipe, nothing is passed over
        read = window(myna, "-", *arguments, stdin=whole)
    assert exchanges(found) == exchanges(read)
    numbers = sorted(int(e["sql"].split()[-1]) for e in exchanges(found))
    assert numbers == list(range(since * 10, min(until * 10, STATEMENTS)))
    assert {e["response"] for e in exchanges(found)} <= {"ok"}
    count = harness.coverage(found)
    assert count["commands"] == len(numbers) and count["left_out"] == 0
    assert count["gaps"] == count["bad_input_bytes"] == count["cut_off"] == 0


def test_times_of_day_mean_the_day_of_the_beginning(myna, long_recording):
    """22:13:20 UTC is when the recording begins."""
    found = window(myna, long_recording, "--since", "2023-11-14T22:43:20Z", "--until", "2023-11-14T22:43:30Z")
    assert sorted(int(e["sql"].split()[-1]) for e in exchanges(found)) == list(range(18000, 18100))


def test_cut_has_what_export_has(myna, long_recording, tmp_path):
    part = tmp_path / "part.myna"
    myna.run("cut", long_recording, "-o", part, "--since", "+1500s", "--until", "+1800s")
    events = myna.export(part)
    assert len(exchanges(events)) == 3000
    assert harness.coverage(events)["commands"] == 3000


def test_record_takes_the_same_options(myna, long_recording, tmp_path):
    pcap = long_recording.with_suffix(".pcap")
    path = tmp_path / "filtered.myna"
    myna.run("record", pcap, "-o", path, "--since", "+100s", "--until", "+200s", "--session",
             exchanges(window(myna, long_recording, "--until", "+2s"))[3]["session"])
    events = myna.export(path)
    assert len(exchanges(events)) == 50
    assert len({e["session"] for e in events if "session" in e}) == 1
    count = harness.coverage(events)
    assert (count["sessions"], count["joined"], count["commands"]) == (1, 1, 50)
    assert count["left_out"] == 950
    assert "950 commands left out by the filter" in myna.run("info", path).stdout


def test_a_filtered_series(myna, long_recording, tmp_path):
    pcap = long_recording.with_suffix(".pcap")
    folder = tmp_path / "series"
    folder.mkdir()
    myna.run("record", pcap, "-o", folder / "prod.myna", "--rotate", "5m", "--slower-than", "10m")
    mine = [e for path in members(folder) for e in exchanges(myna.export(path))]
    assert [int(e["sql"].split()[-1]) for e in mine] == [SLOW]
    counts = [harness.coverage(myna.export(path)) for path in members(folder)]
    assert sum(c["left_out"] for c in counts) == STATEMENTS - 1
    assert sum(c["commands"] for c in counts) == 1
