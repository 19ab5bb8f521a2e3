"""A listener that may cost only so much hears whole sessions, fewer of them, and says so."""
import json
import pathlib
import re
import threading
import time

import pytest

import harness
from workload import connect, sysbench

pytestmark = pytest.mark.once

LIMIT = 2  # percent of a processor
SECONDS = 20
THREADS = 16


def cpu_seconds(pid):
    """Of all threads, from the scheduler itself: ticks are too coarse for so little."""
    return sum(int(task.read_text().split()[0]) for task in pathlib.Path(f"/proc/{pid}/task").glob("*/schedstat")) / 1e9


def watch(pid, until):
    """CPU time by time, of each second until UNTIL."""
    shares, before, at = [], cpu_seconds(pid), time.monotonic()
    while time.monotonic() < until:
        time.sleep(1)
        used, now = cpu_seconds(pid), time.monotonic()
        shares.append((used - before) / (now - at))
        before, at = used, now
    return shares


def come_and_go(server, until):
    """Sessions that begin all the time."""
    while time.monotonic() < until:
        with connect(server) as connection, connection.cursor() as cursor:
            cursor.execute("SELECT 1")
            cursor.execute("SELECT 2")
        time.sleep(0.02)


def load(server, seconds):
    """Starts a load of SECONDS with sessions that stay and sessions that do not; returns what to join."""
    until = time.monotonic() + seconds
    jobs = [threading.Thread(target=come_and_go, args=(server, until)) for _ in range(2)]
    jobs.append(threading.Thread(target=sysbench, args=(server, "run", "--skip-trx=on"),
                                 kwargs={"threads": THREADS, "seconds": seconds, "database": "busy",
                                         "script": "oltp_read_only"}))
    for job in jobs:
        job.start()
    return jobs


@pytest.fixture(scope="module")
def busy(pool):
    server = pool.get("mariadb")
    server.execute("CREATE DATABASE busy")
    sysbench(server, "prepare", database="busy")
    yield server
    server.execute("DROP DATABASE busy")


def test_it_stays_near_what_it_may_cost(busy, myna, tmp_path):
    busy.log_clear()
    capture = harness.myna_record(myna, tmp_path / "shed.myna", busy.port, "--max-cpu", f"{LIMIT}%",
                                  "--status-interval", "2s")
    with capture:
        jobs = load(busy, SECONDS)
        shares = watch(capture.process.pid, time.monotonic() + SECONDS)
        for job in jobs:
            job.join()
    settled = shares[4:]
    print(f"CPU of each second: {' '.join(f'{share:.1%}' for share in shares)}; "
          f"mean of the last {len(settled)}: {sum(settled) / len(settled):.1%}")
    print(capture.said)
    assert capture.status == 3
    slower = 5 if b"__asan_init" in pathlib.Path(myna.path).read_bytes() else 1  # what passing over a frame takes
    assert sum(settled) / len(settled) < 2 * slower * LIMIT / 100

    events = myna.export(capture.path, status=(0, 3))
    count = harness.coverage(events)
    print({name: value for name, value in count.items() if value})
    sessions = [e for e in events if e["type"] == "session"]
    ends = [e["reason"] for e in events if e["type"] == "end"]
    exchanges = [e for e in events if e["type"] == "exchange"]
    assert count["kernel_drops"] == 0
    assert count["gaps"] == count["undecoded_bytes"] == count["lost_responses"] == 0
    assert count["unanswered"] <= 2, "sessions are let go between commands"
    assert count["shed"] > 0 and count["let_go"] > 0 and count["shed_bytes"] > 0
    assert count["let_go"] == ends.count("shed")
    assert count["sessions"] == len(sessions) and count["commands"] == len(exchanges)
    assert 0 < count["shed_frames"] < count["frames"]

    # What was heard of a session is all of it, up to where it was let go.
    numbers = {}
    for e in exchanges:
        numbers.setdefault(e["session"], []).append(e["n"])
    for mine in numbers.values():
        assert mine == list(range(1, len(mine) + 1))
    whole = [e["session"] for e in events if e["type"] == "end" and e["reason"] == "quit"]
    joined = {e["session"] for e in sessions if e["joined"]}
    texts = {}
    for e in exchanges:
        texts.setdefault(e["session"], []).append(e.get("sql"))
    small = [texts[id] for id in whole if id not in joined and "SELECT 2" in texts[id]]
    assert len(small) > 5
    for mine in small:
        assert mine[-3:] == ["SELECT 1", "SELECT 2", None]

    assert re.search(r"now hearing [\d.]+ % of the sessions' frames", capture.said)
    assert re.search(r"a sample: [\d.]+ % of the sessions' frames were heard", capture.said)
    text = myna.run("report", capture.path, status=(3,)).stdout
    assert re.search(r"a sample: [\d.]+ % of the sessions' frames were heard", text)
    told = json.loads(myna.run("report", capture.path, "--format", "json", status=(3,)).stdout)
    share = 1 - count["shed_frames"] / (count["frames"] - count["other_frames"] - count["other_ports"])
    assert told["heard_share"] == pytest.approx(share, abs=0.01)


def test_with_room_nothing_is_shed(busy, myna, tmp_path):
    capture = harness.myna_record(myna, tmp_path / "all.myna", busy.port, "--max-cpu", "100")
    with capture:
        come_and_go(busy, time.monotonic() + 2)
    count = harness.coverage(myna.export(capture.path))
    assert count["shed"] == count["let_go"] == 0 and count["commands"] > 10
    assert "sample" not in capture.said


def test_what_was_shed_comes_back(busy, myna, tmp_path):
    """A session that stays is joined again when there is room."""
    capture = harness.myna_record(myna, tmp_path / "back.myna", busy.port, "--max-cpu", "1%")
    connections = [connect(busy) for _ in range(8)]
    with capture:
        sysbench(busy, "run", threads=8, seconds=5, database="busy", script="oltp_read_only")
        until = time.monotonic() + 45
        while time.monotonic() < until:
            for connection in connections:
                connection.ping(reconnect=False)
            time.sleep(0.2)
    for connection in connections:
        connection.close()
    events = myna.export(capture.path, status=(3,))
    last = max(e["time_ns"] for e in events if e["type"] == "exchange")
    heard_late = {e["session"] for e in events if e["type"] == "exchange" and e["time_ns"] > last - 2 * 10**9}
    assert heard_late  # more than one only where nothing else keeps the machine busy
    assert harness.coverage(events)["gaps"] == 0


def test_only_where_it_is_heard_live(myna, tmp_path):
    path = tmp_path / "x.pcap"
    path.write_bytes(b"")
    assert "--max-cpu is for listening live" in myna.run("report", path, "--max-cpu", "5%", status=(2,)).stderr
    for wrong in ["0", "-1", "half", "5%%"]:
        done = myna.run("report", "-i", "lo", f"--max-cpu={wrong}", status=(2,))
        assert "--max-cpu takes a percentage" in done.stderr
