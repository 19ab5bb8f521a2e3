"""A live mirror: what is heard is repeated at once, and a slow target costs the listener nothing."""
import json
import signal
import subprocess
import threading
import time

import pytest

import servers
from workload import connect

LONG = "x" * 20_000
ROOM = ("--buffer-size", "256M")  # all that talk_all() says fits into the kernel's ring, however busy the machine is


class Mirror:
    """myna replay -i lo, during a with block; then its outcome."""

    def __init__(self, myna, folder, source, target, *options):
        self.command = [myna.path, "replay", "-i", "lo", "--port", str(source.port), "--target", target.url(),
                        "--format", "json", "--spool", str(folder), *options]
        self.folder = folder

    def __enter__(self):
        self.out, self.said = self.folder / "outcome.json", self.folder / "said"
        with self.out.open("w") as out, self.said.open("w") as said:
            self.process = subprocess.Popen(self.command, stdin=subprocess.DEVNULL, stdout=out, stderr=said)
        servers.wait_until_listening(self.process, self.said)
        return self

    def __exit__(self, *_):
        time.sleep(1)
        self.process.send_signal(signal.SIGINT)
        self.status = self.process.wait(timeout=100)
        self.outcome = json.loads(self.out.read_text())


@pytest.fixture
def pair(mariadb, target):
    for server in (mariadb, target):
        server.execute("DROP DATABASE IF EXISTS mirror; CREATE DATABASE mirror; USE mirror; "
                       "CREATE TABLE said (id INT PRIMARY KEY, body TEXT)")
        server.log_clear()
    return mariadb, target


def talk(server, first, count):
    with connect(server, database="mirror", autocommit=True) as c:
        for i in range(first, first + count):
            c.query(f"INSERT INTO said VALUES ({i}, '{LONG}')")


def talk_all(server, sessions=3, count=800):
    threads = [threading.Thread(target=talk, args=(server, i * count, count)) for i in range(sessions)]
    for t in threads:
        t.start()
    for t in threads:
        t.join()


def test_what_is_heard_is_repeated_at_once(pair, myna, tmp_path):
    source, target = pair
    with Mirror(myna, tmp_path, source, target) as mirror, \
            connect(source, database="mirror", autocommit=True) as c:
        for i in range(5):
            c.query(f"INSERT INTO said VALUES ({i}, 'now')")
            time.sleep(0.4)
            assert int(target.execute("SELECT COUNT(*) FROM said", "mirror")) == i + 1
    assert mirror.status == 0, mirror.said.read_text()
    assert mirror.outcome["spool_peak"] == 0


def test_a_target_that_stands_still_costs_no_frame(pair, myna, tmp_path):
    source, target = pair
    with Mirror(myna, tmp_path, source, target, *ROOM) as mirror:
        talk(source, 1_000_000, 1)
        target.process.send_signal(signal.SIGSTOP)
        try:
            talk_all(source)
            time.sleep(1)
        finally:
            target.process.send_signal(signal.SIGCONT)
    assert mirror.status == 0, mirror.said.read_text()
    assert mirror.outcome["coverage"]["kernel_drops"] == 0
    assert mirror.outcome["spool_peak"] > 20 << 20
    assert mirror.outcome["shed"] == 0
    assert target.execute("CHECKSUM TABLE said", "mirror") == source.execute("CHECKSUM TABLE said", "mirror")


def test_past_the_limit_whole_sessions_are_let_go(pair, myna, tmp_path):
    source, target = pair
    with Mirror(myna, tmp_path, source, target, "--spool-limit", "4M", *ROOM) as mirror:
        target.process.send_signal(signal.SIGSTOP)
        try:
            talk_all(source)
            time.sleep(1)
        finally:
            target.process.send_signal(signal.SIGCONT)
        time.sleep(2)
        talk(source, 2_000_000, 3)  # there is room again
    assert mirror.status == 3
    outcome = mirror.outcome
    assert outcome["coverage"]["kernel_drops"] == 0
    assert outcome["shed"] == 3
    assert outcome["not_sent"]["shed"] > 500
    assert outcome["spool_peak"] < 8 << 20
    there = int(target.execute("SELECT COUNT(*) FROM said", "mirror"))
    assert there == 2403 - outcome["not_sent"]["shed"] + 3  # of which were QUIT


def test_a_spool_that_cannot_be_made_is_told_at_once(pair, myna):
    source, target = pair
    done = myna.run("replay", "-i", "lo", "--port", source.port, "--target", target.url(), "--spool", "/nowhere",
                    status=(1,))
    assert "--spool /nowhere: No such file" in done.stderr
