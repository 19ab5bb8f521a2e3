"""myna info: what is in a recording. No server needed."""
import json

import pytest

import harness

CAPTURES = harness.TOP / "tests" / "golden" / "captures"


@pytest.fixture
def recording(myna, tmp_path):
    path = tmp_path / "prod.myna"
    myna.run("record", CAPTURES / "chatter.pcap.gz", "-o", path)
    return path


def info(myna, *paths, status=(0,)):
    done = myna.run("info", "--format", "json", *paths, status=status)
    return [json.loads(line) for line in done.stdout.splitlines()]


def test_counts_are_those_of_export(myna, recording):
    told, = info(myna, recording)
    events = myna.export(recording)
    exchanges = [e for e in events if e["type"] == "exchange"]
    assert told["exchanges"] == len(exchanges) == told["coverage"]["commands"]
    assert told["sessions"] == sum(e["type"] == "session" for e in events)
    assert told["bytes"] == recording.stat().st_size
    assert told["finished"] and not told["damaged"]
    assert [(u["name"], u["exchanges"]) for u in told["users"]] == [("root", len(exchanges))]
    assert [d["name"] for d in told["databases"]] == ["chatter"]
    assert told["servers"][0]["address"] == "127.0.0.1:3306" and "10.11" in told["servers"][0]["version"]
    assert told["first_ns"] <= min(e["time_ns"] for e in exchanges) + 10**9
    assert told["coverage"] == {k: v for k, v in harness.coverage(events).items() if k != "type"}


def test_text_names_what_a_person_asks_for(myna, recording):
    said = myna.run("info", recording).stdout
    for word in (str(recording), "format version 2", "795", "root", "chatter", "10.11", "Coverage"):
        assert word in said


def test_several_recordings_and_one_that_is_none(myna, recording, tmp_path):
    other = tmp_path / "other.myna"
    other.write_bytes(recording.read_bytes())
    assert [told["file"] for told in info(myna, recording, other)] == [str(recording), str(other)]
    wrong = tmp_path / "wrong.myna"
    wrong.write_text("This is no recording, but a letter, and it is longer than a header.")
    done = myna.run("info", wrong, recording, "--format", "json", status=(1,))
    assert str(wrong) in done.stderr and len(done.stdout.splitlines()) == 1


def test_damage_is_told_by_the_exit_status(myna, recording):
    data = bytearray(recording.read_bytes())
    data[len(data) // 2] ^= 0xFF
    recording.write_bytes(data)
    told, = info(myna, recording, status=(3,))
    assert told["damaged"] and told["damaged_blocks"] == 1
    recording.write_bytes(data[:200])
    told, = info(myna, recording, status=(3,))
    assert told["damaged"] and not told["finished"]


def test_pipe(myna, recording):
    with open(recording, "rb") as file:
        told = json.loads(myna.run("info", "-", "--format", "json", stdin=file).stdout)
    assert told["exchanges"] == 795
