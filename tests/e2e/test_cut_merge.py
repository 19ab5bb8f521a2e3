"""Cuts and merges of recordings: what is taken apart and put together again is the same. No server needed."""
import json

import pytest

import harness
from test_rotate import exchanges, members, slow_capture  # noqa: F401 (a fixture)

CAPTURES = sorted((harness.TOP / "tests" / "golden" / "captures").glob("*.pcap.gz"))


@pytest.fixture
def record(myna, tmp_path):
    def record(capture):
        path = tmp_path / "whole.myna"
        myna.run("record", capture, "-o", path, status=(0, 3))
        return path
    return record


def said(events):
    """All but the coverage and the time of an end that is only the recording's, in an order of its own."""
    events = list(events)
    for event in events:
        if event["type"] == "end" and event["reason"] == "capture":
            del event["time_ns"]
    return sorted(json.dumps(event) for event in events if event["type"] != "coverage")


def export(myna, path):
    return myna.export(path, status=(0, 3))


@pytest.mark.parametrize("capture", CAPTURES, ids=lambda path: path.name.removesuffix(".pcap.gz"))
def test_cuts_merged_are_the_whole(myna, record, tmp_path, capture):
    whole = record(capture)
    told = json.loads(myna.run("info", "-f", "json", whole, status=(0, 3)).stdout)
    third = max((told["last_ns"] - told["first_ns"]) // 3, 1)
    bounds = [None, f"+{third}ns", f"+{2 * third}ns", None]
    parts = []
    for i, (since, until) in enumerate(zip(bounds, bounds[1:])):
        part = tmp_path / f"part{i}.myna"
        window = [*(["--since", since] if since else []), *(["--until", until] if until else [])]
        myna.run("cut", whole, "-o", part, *window)
        parts.append(part)
    merged = tmp_path / "merged.myna"
    myna.run("merge", *reversed(parts), "-o", merged)
    want, got = export(myna, whole), export(myna, merged)
    assert said(got) == said(want)
    assert harness.coverage(got) == harness.coverage(want)
    assert sum(len(exchanges(export(myna, part))) for part in parts) == len(exchanges(want))


def test_series_merged_is_the_whole(myna, record, slow_capture, tmp_path):  # noqa: F811
    folder = tmp_path / "series"
    folder.mkdir()
    myna.run("record", slow_capture, "-o", folder / "prod.myna", "--rotate", "3s")
    merged = tmp_path / "merged.myna"
    myna.run("merge", *members(folder), "-o", merged)
    assert said(export(myna, merged)) == said(export(myna, record(slow_capture)))


def test_what_two_recordings_have_is_taken_once(myna, record, tmp_path):
    whole = record(CAPTURES[0])
    begin, merged = tmp_path / "begin.myna", tmp_path / "merged.myna"
    myna.run("cut", whole, "-o", begin, "--until", "+10ms")
    myna.run("merge", whole, begin, whole, "-o", merged)
    assert said(export(myna, merged)) == said(export(myna, whole))


def test_different_sessions_stay_apart(myna, tmp_path):
    paths = []
    for name in ("text-mariadb", "text-mysql56"):
        path = tmp_path / f"{name}.myna"
        capture, = (c for c in CAPTURES if c.name.startswith(name))
        myna.run("record", capture, "-o", path)
        paths.append(path)
    merged = tmp_path / "merged.myna"
    myna.run("merge", *paths, "-o", merged)
    assert said(export(myna, merged)) == sorted(s for path in paths for s in said(export(myna, path)))


def test_options_select(myna, record, tmp_path):
    whole = record(next(c for c in CAPTURES if c.name == "chatter.pcap.gz"))
    events = export(myna, whole)
    session = events[0]["session"]
    cut = tmp_path / "cut.myna"
    myna.run("cut", whole, "-o", cut, "--session", session[:10])
    assert said(export(myna, cut)) == said(e for e in events if e.get("session") == session)
    errors = [json.loads(line) for line in myna.run("export", whole, "--errors").stdout.splitlines()]
    wrong = [e for e in exchanges(events) if e["response"] == "error"]
    assert wrong and [(e["session"], e["n"]) for e in exchanges(errors)] == [(e["session"], e["n"]) for e in wrong]
    assert {e["session"] for e in errors if e["type"] == "session"} == {e["session"] for e in wrong}
    report = json.loads(myna.run("report", whole, "--command", "STMT_*", "-f", "json").stdout)
    assert report["total"]["calls"] == sum(e["command"].startswith("STMT_") for e in exchanges(events))
    assert myna.run("trace", whole, "--user", "nobody").stdout == ""
    assert exchanges(list(map(json.loads, myna.run("export", whole, "--slower-than", "1h").stdout.splitlines()))) == []


@pytest.mark.parametrize("arguments", [
    ["cut"], ["cut", "WHOLE"], ["merge", "-o", "OUT"], ["merge", "WHOLE"], ["cut", "WHOLE", "-o", "WHOLE"],
    ["cut", "WHOLE", "-o", "OUT", "--since", "soon"], ["export", "WHOLE", "--session", "x"],
], ids=" ".join)
def test_wrong_usage(myna, record, tmp_path, arguments):
    names = {"WHOLE": record(CAPTURES[0]), "OUT": tmp_path / "out.myna"}
    before = names["WHOLE"].read_bytes()
    done = myna.run(*(names.get(a, a) for a in arguments), status=(2,))
    assert len(done.stderr.splitlines()) == 1
    assert not names["OUT"].exists() and names["WHOLE"].read_bytes() == before


def test_damage_is_told(myna, record, tmp_path):
    whole = record(CAPTURES[0])
    whole.write_bytes(whole.read_bytes()[:-10])
    assert "cut off" in myna.run("merge", whole, "-o", tmp_path / "m.myna", status=(3,)).stderr
    assert "cut off" in myna.run("cut", whole, "-o", tmp_path / "c.myna", status=(3,)).stderr
