"""A connection that is lost is made anew as it was, and the session goes on."""
import contextlib
import json
import socket
import threading
import time

import pytest

import binary
from replaying import counted, outcome_of
from workload import connect


@pytest.fixture
def victim(pool):
    """A target that may be hurt."""
    yield pool.get("mariadb", "victim")
    pool.running.pop("mariadb-victim").remove()


def begin(myna, recording, target, *options):
    return myna.start("replay", recording, "--target", target.url(), "--format", "json", *options)


def finish(process, seconds=60):
    """(exit status, outcome, what was said on standard error)."""
    said, chatter = process.communicate(timeout=seconds)
    return process.returncode, json.loads(said), chatter


def wait_until(happened, seconds=20):
    deadline = time.monotonic() + seconds
    while not (result := happened()):
        assert time.monotonic() < deadline
        time.sleep(0.05)
    return result


def kill_all(target):
    """As a DBA does, once somebody is there to be killed."""
    others = "SELECT id FROM information_schema.processlist WHERE host LIKE '127%'"
    for number in wait_until(lambda: target.execute(others).split()):
        with contextlib.suppress(RuntimeError):
            target.execute(f"KILL {number}")


def wait_until_said(target, text):
    """Looks at the log while sessions are under way."""
    wait_until(lambda: text.encode() in (target.datadir / "general.log").read_bytes())


def full_of_state(server):
    """What is said after the pause shows that all that was set up before it is there."""
    with connect(server) as c:
        c.query("SET NAMES latin1")
        c.query("SET @seen = 41, sql_mode = 'ANSI_QUOTES'")
        c.select_db("shop")
        c.query("PREPARE spoken FROM 'SELECT ? + @seen'")
        prepared = binary.Statement(c, "SELECT id, ? FROM item ORDER BY id LIMIT 2")
        prepared.execute("before")
        c.query("SELECT 'pause'")
        time.sleep(3)
        c.query("SELECT DATABASE(), @@character_set_client, @@sql_mode, @seen")
        c.query("SET @one = 1")
        c.query("EXECUTE spoken USING @one")
        prepared.execute("after")
        prepared.close()


@pytest.mark.parametrize("speed", ["1", "max"])
def test_an_idle_connection_that_is_killed_comes_back_as_it_was(mariadb, victim, shop, myna, record, speed):
    victim.execute("CREATE DATABASE shop; CREATE TABLE shop.item (id INT PRIMARY KEY); "
                   "INSERT INTO shop.item VALUES (1), (2), (3)")
    recording, _ = record(mariadb, full_of_state)
    victim.log_clear()
    process = begin(myna, recording, victim, "--speed", speed, *(["--limit-rate", "4"] if speed == "max" else []))
    wait_until_said(victim, "'pause'")
    kill_all(victim)
    status, outcome, _ = finish(process)
    assert (outcome["connections_lost"], outcome["reconnected"], outcome["unanswered"]) == (1, 1, 0)
    assert counted(outcome["not_sent"]) == {} and outcome["sent"] == outcome["commands"]
    assert outcome["verdicts"]["after_loss"] == outcome["differences"] == outcome["state_failed"] == 0
    assert status == 0 and outcome["ended"] is None
    assert any("onnection" in trouble["text"] for trouble in outcome["troubles"])


def in_a_transaction(server):
    with connect(server, database="shop", autocommit=True) as c:
        c.query("CREATE TEMPORARY TABLE mine (a INT)")
        c.query("SELECT GET_LOCK('mine', 0)")
        c.query("BEGIN")
        c.query("UPDATE item SET price = 1 WHERE id = 1")
        time.sleep(2)
        c.query("UPDATE item SET price = 2 WHERE id = 2")
        c.query("COMMIT")
        c.query("UPDATE item SET price = 3 WHERE id = 3")


def test_what_was_open_on_a_lost_connection_is_told_and_the_transaction_left_out(mariadb, target, shop, myna, record):
    recording, _ = record(mariadb, in_a_transaction)
    target.execute("CREATE OR REPLACE TABLE shop.log (a INT)")
    process = begin(myna, recording, target)
    time.sleep(1)
    kill_all(target)
    status, outcome, _ = finish(process)
    assert counted(outcome["not_sent"]) == {"transaction_lost": 2}
    assert [outcome[name] for name in ("lost_transactions", "lost_temporary", "lost_locks", "lost_cursors")] == [1, 1, 1, 0]
    assert target.execute("SELECT price FROM shop.item ORDER BY id").split() == ["99.90", "0.10", "3.00"]
    assert status == 3 and outcome["reconnected"] == 1


def under_way(server):
    with connect(server, database="shop", autocommit=True) as c:
        c.query("SELECT 'first'")
        c.query("INSERT INTO item (name) SELECT SLEEP(2)")
        c.query("SELECT 'last'")


def test_a_command_under_way_is_told_and_not_repeated(mariadb, target, shop, myna, record):
    recording, _ = record(mariadb, under_way)
    target.log_clear()
    process = begin(myna, recording, target)
    wait_until_said(target, "SLEEP(2)")
    kill_all(target)
    status, outcome, _ = finish(process)
    log = [text for said in target.general_log().values() for _, text in said]
    assert sum("SLEEP(2)" in text for text in log) == 1 and "SELECT 'last'" in log
    assert outcome["reconnected"] == outcome["connections_lost"] == 1
    # A server that has the time says so in an answer; else there is none.
    assert outcome["unanswered"] + outcome["verdicts"]["killed_replayed"] == 1
    assert status == (3 if outcome["unanswered"] else 0)


def slowly(server, seconds=4, pause=0.05):
    with connect(server, autocommit=True) as c:
        c.query("SET @before = 'kept'")
        for number in range(int(seconds / pause)):
            c.query(f"SELECT {number}, @before")
            time.sleep(pause)


def test_a_target_that_is_restarted_is_waited_for(mariadb, victim, shop, myna, record):
    recording, _ = record(mariadb, slowly)
    process = begin(myna, recording, victim)
    time.sleep(1)
    victim.kill()
    time.sleep(1)
    victim.start()
    status, outcome, _ = finish(process)
    assert outcome["ended"] is None and outcome["reconnected"] == 1 and outcome["connect_failed"] >= 1
    assert outcome["unanswered"] <= 1 and outcome["answered"] >= outcome["commands"] - 2
    assert outcome["differences"] == outcome["verdicts"]["after_loss"] == 0
    assert status == (3 if outcome["unanswered"] else 0)


def test_it_is_waited_for_no_longer_than_asked(mariadb, victim, shop, myna, record):
    recording, _ = record(mariadb, slowly)
    process = begin(myna, recording, victim, "--reconnect-for", "1s")
    time.sleep(1)
    victim.kill()
    started = time.monotonic()
    status, outcome, chatter = finish(process)
    victim.start()
    assert time.monotonic() - started < 5
    assert status == 1 and "went away" in outcome["ended"] and "went away" in chatter
    assert outcome["connect_failed"] >= 2 and outcome["differences"] == 0


def test_stop_ends_the_session(mariadb, target, shop, myna, record):
    recording, _ = record(mariadb, slowly)
    process = begin(myna, recording, target, "--on-lost", "stop")
    time.sleep(1)
    kill_all(target)
    status, outcome, _ = finish(process)
    assert status == 3 and outcome["reconnected"] == 0 and outcome["connections_lost"] == 1
    assert counted(outcome["not_sent"]).keys() == {"connection_lost"}
    assert outcome["sent"] + outcome["not_sent"]["connection_lost"] == outcome["commands"]


def test_a_connection_that_times_out_comes_back(mariadb, target, shop, myna, record):
    def workload(server):
        with connect(server) as c:
            c.query("SELECT 'before'")
            time.sleep(2.5)
            c.query("SELECT 'after'")
    recording, said = record(mariadb, workload)
    target.execute("SET GLOBAL wait_timeout = 1")
    try:
        outcome, _ = outcome_of(myna, recording, target, status=(0,))
    finally:
        target.execute("SET GLOBAL wait_timeout = 28800")
    assert outcome["reconnected"] == outcome["connections_lost"] == 1
    assert outcome["answered"] + 1 == outcome["commands"]


class Cutter:
    """Stands before TARGET and cuts what comes from it once, in the middle of a result."""

    def __init__(self, target, marker, after):
        self.target, self.marker, self.after, self.cuts = target, marker, after, 0
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.port = self.listener.getsockname()[1]
        threading.Thread(target=self.accept, daemon=True).start()

    def accept(self):
        with contextlib.suppress(OSError):
            while True:
                client, _ = self.listener.accept()
                server = socket.create_connection(("127.0.0.1", self.target.port))
                threading.Thread(target=self.pass_on, args=(client, server, False), daemon=True).start()
                threading.Thread(target=self.pass_on, args=(server, client, True), daemon=True).start()

    def pass_on(self, one, other, from_server):
        with contextlib.suppress(OSError):
            while data := one.recv(1 << 16):
                if from_server and self.cuts == 0 and self.marker in data:
                    self.cuts += 1
                    other.sendall(data[:self.after])
                    break
                other.sendall(data)
        for s in (one, other):
            with contextlib.suppress(OSError):
                s.shutdown(socket.SHUT_RDWR)

    def url(self):
        return f"mysql://root@127.0.0.1:{self.port}/"


def test_a_result_that_is_cut_off(mariadb, target, shop, myna, record):
    def workload(server):
        with connect(server) as c:
            c.query("SELECT 'first'")
            c.query(f"SELECT '{'x' * 5000}', 'marker'")
            c.query("SELECT 'last'")
    recording, _ = record(mariadb, workload)
    cutter = Cutter(target, b"x" * 1000, 1500)
    target.log_clear()
    done = myna.run("replay", recording, "--target", cutter.url(), "--format", "json", status=(3,))
    outcome = json.loads(done.stdout)
    assert (outcome["reconnected"], outcome["unanswered"]) == (1, 1)
    log = [text for said in target.general_log().values() for _, text in said]
    assert sum("marker" in text for text in log) == 1 and "SELECT 'last'" in log
    text = myna.run("replay", recording, "--target", Cutter(target, b"x" * 1000, 1500).url(), status=(3,)).stdout
    assert "connections made anew after they were lost" in text
