"""In which order, and when, the commands of several sessions are sent."""
import threading
import time

import pytest

import harness
from replaying import counted, outcome_of
from workload import connect

LEDGER = """
DROP DATABASE IF EXISTS ledger;
CREATE DATABASE ledger;
USE ledger;
CREATE TABLE account (id INT PRIMARY KEY, value BIGINT);
INSERT INTO account VALUES (1, 1), (2, 1), (3, 1);
CREATE TABLE said (id INT PRIMARY KEY AUTO_INCREMENT, who INT, what INT);
"""
PRIME = 1_000_003


def final(server):
    return server.execute("SELECT id, value FROM account ORDER BY id", "ledger")


class Writers:
    """Sessions whose changes of the same rows do not commute: x*3+k in one order is not x*3+k in another."""

    def __init__(self, server, sessions=4, rounds=12):
        self.server = server
        self.rounds = rounds
        threads = [threading.Thread(target=self.work, args=(i,)) for i in range(1, sessions + 1)]
        for t in threads:
            t.start()
        for t in threads:
            t.join()

    def work(self, me):
        with connect(self.server, database="ledger", autocommit=True) as c, c.cursor() as cursor:
            for i in range(self.rounds):
                k, row = me * 1000 + i, 1 + (me + i) % 3
                change = f"UPDATE account SET value = (value * 3 + {k}) % {PRIME} WHERE id = {row}"
                if i % 2:
                    cursor.execute(f"INSERT INTO said (who, what) VALUES ({me}, {i})")
                else:
                    c.begin()
                    cursor.execute(change)
                    cursor.execute(f"SELECT value FROM account WHERE id = {row}")
                    if i % 6 == 4:
                        c.rollback()
                    else:
                        c.commit()
                time.sleep(0.001 * (me % 3))


@pytest.fixture
def ledgers(mariadb, target):
    for server in (mariadb, target):
        server.execute(LEDGER)
    return mariadb, target


@pytest.mark.parametrize("order", ["commit", "strict"])
def test_what_is_written_depends_on_the_order_that_is_kept(ledgers, myna, record, order):
    source, target = ledgers
    recording, _ = record(source, Writers)
    outcome, _ = outcome_of(myna, recording, target, "--speed", "max", "--order", order, status=(0,))
    assert final(target) == final(source)
    assert outcome["order_given_up"] == 0
    assert set(counted(outcome["verdicts"])) <= {"same", "no_answer"}


def test_without_an_order_it_comes_out_otherwise(ledgers, myna, record):
    """That the test above can fail: twelve rounds of four sessions, as fast as can be, meet in another order."""
    source, target = ledgers
    recording, _ = record(source, Writers)
    for _ in range(5):
        target.execute(LEDGER)
        outcome_of(myna, recording, target, "--speed", "max")
        if final(target) != final(source):
            return
    pytest.fail("five replays without an order ended as the recorded one did")


def test_a_turn_that_the_target_blocks_is_given_up(ledgers, myna, record):
    """On the target another session holds a lock that nobody held when it was recorded."""
    source, target = ledgers

    def work(server):
        with connect(server, database="ledger", autocommit=True) as a, \
                connect(server, database="ledger", autocommit=True) as b:
            a.query("UPDATE account SET value = 7 WHERE id = 1")
            b.query("UPDATE account SET value = 8 WHERE id = 2")
    recording, _ = record(source, work)
    with connect(target, database="ledger") as other:
        other.query("UPDATE account SET value = 9 WHERE id = 1")
        release = threading.Timer(4, other.rollback)
        release.start()
        begin = time.monotonic()
        outcome, log = outcome_of(myna, recording, target, "--order", "commit", "--order-wait", "1s",
                                  "--speed", "max")
        release.join()
    assert 3 < time.monotonic() - begin < 30
    assert outcome["order_given_up"] >= 1
    assert outcome["answered"] == outcome["sent"] - 2  # but two QUITs
    assert sum(len(statements) for statements in log.values()) > 2


def test_what_follows_a_commit_sees_it(ledgers, myna, record):
    """One program with three connections: each statement begins when the one before has ended."""
    source, target = ledgers

    def work(server):
        with connect(server, database="ledger", autocommit=True) as a, \
                connect(server, database="ledger", autocommit=True) as b, \
                connect(server, database="ledger", autocommit=True) as c:
            for i in range(40):
                a.query(f"INSERT INTO account VALUES ({100 + i}, {i})")
                b.query(f"SELECT value FROM account WHERE id = {100 + i}")
                b.begin()
                b.query(f"INSERT INTO said (who, what) VALUES (1, {i})")
                b.commit()
                c.query(f"SELECT what FROM said WHERE what = {i}")
    recording, _ = record(source, work)
    outcome, _ = outcome_of(myna, recording, target, "--speed", "max", "--order", "commit", status=(0,))
    assert set(counted(outcome["verdicts"])) <= {"same", "no_answer"}
    assert outcome["order_given_up"] == 0


def test_commits_at_the_same_time_stay_at_the_same_time(ledgers, myna, record):
    source, target = ledgers

    def work(server):
        def slow(who):
            with connect(server, database="ledger", autocommit=True) as c:
                c.query(f"INSERT INTO said (who, what) SELECT {who}, SLEEP(1)")
        threads = [threading.Thread(target=slow, args=(i,)) for i in range(6)]
        for t in threads:
            t.start()
        for t in threads:
            t.join()
    recording, _ = record(source, work)
    outcome, _ = outcome_of(myna, recording, target, "--speed", "max", "--order", "commit", status=(0, 3))
    assert 0.9e9 < outcome["replayed_ns"] < 3e9


def test_pauses_are_cut_for_all(ledgers, myna, record):
    source, target = ledgers

    def work(server):
        with connect(server, database="ledger") as a, connect(server, database="ledger") as b:
            a.query("DO 1")
            time.sleep(3)
            b.query("DO 2")
    recording, log = record(source, work)
    begin = time.monotonic()
    outcome, replayed = outcome_of(myna, recording, target, "--idle-skip", "200ms", status=(0,))
    assert time.monotonic() - begin < 2.5
    assert 2.5e9 < outcome["idle_ns"] < 3e9 < outcome["recorded_ns"]
    harness.assert_replayed(log, replayed)


def test_rates_are_kept(ledgers, myna, record):
    source, target = ledgers

    def work(server):
        for _ in range(5):
            with connect(server, database="ledger") as c:
                for i in range(10):
                    c.query(f"DO {i}")
    recording, log = record(source, work)
    outcome, replayed = outcome_of(myna, recording, target, "--limit-rate", "50", status=(0,))
    assert outcome["replayed_ns"] > (outcome["sent"] - 1) / 50 * 1e9
    assert outcome["late_by_rate"] > outcome["sent"] / 2
    harness.assert_replayed(log, replayed)
    outcome, replayed = outcome_of(myna, recording, target, "--speed", "max", "--connect-rate", "4", status=(0,))
    assert outcome["replayed_ns"] > 0.95e9
    harness.assert_replayed(log, replayed)


def test_without_think_time_sessions_begin_when_they_did(ledgers, myna, record):
    source, target = ledgers

    def work(server):
        with connect(server, database="ledger") as c:
            for i in range(4):
                c.query(f"DO {i}")
                time.sleep(0.5)
        with connect(server, database="ledger") as c:
            c.query("DO 9")
    recording, log = record(source, work)
    begin = time.monotonic()
    outcome, replayed = outcome_of(myna, recording, target, "--think-time", "none", status=(0,))
    assert time.monotonic() - begin > 1.9  # the second session's time
    assert outcome["lateness"] is None
    harness.assert_replayed(log, replayed)


def test_the_recorded_clock_is_what_now_says(ledgers, myna, record):
    source, target = ledgers

    def work(server):
        with connect(server, database="ledger", autocommit=True) as c:
            c.query("CREATE TABLE moment (id INT PRIMARY KEY, at DATETIME(3) DEFAULT CURRENT_TIMESTAMP(3))")
            for i in range(3):
                c.query(f"INSERT INTO moment (id) VALUES ({i})")
                time.sleep(0.02)
            with c.cursor() as cursor:
                cursor.execute("SELECT UNIX_TIMESTAMP()")
    recording, _ = record(source, work)
    time.sleep(2)
    outcome, _ = outcome_of(myna, recording, target, "--clock", "recorded", status=(0,))
    assert set(counted(outcome["verdicts"])) <= {"same", "no_answer"}
    moments = [[float(t) for t in s.execute("SELECT UNIX_TIMESTAMP(at) FROM moment ORDER BY id", "ledger").split()]
               for s in (source, target)]
    for then, now in zip(*moments):
        assert abs(then - now) < 0.01


@pytest.mark.parametrize("options, said", [
    (("--order", "loose"), "session, commit, strict"),
    (("--think-time", "maybe"), "keep, none"),
    (("--idle-skip", "soon"), "--idle-skip"),
])
def test_wrong_words_are_told(myna, tmp_path, options, said):
    done = myna.run("replay", tmp_path / "x", "-h", "127.0.0.1", *options, status=(2,))
    assert said in done.stderr


def test_an_order_is_told_in_the_text(ledgers, myna, record):
    source, target = ledgers
    recording, _ = record(source, Writers, sessions=2, rounds=3)
    done = myna.run("replay", recording, "--target", target.url(), "--order", "commit", "--speed", "max", status=(0,))
    assert "commits in their order" in done.stdout
