"""Targets that are none, or cease to be one: a replay ends in bounded time, and what it tells was so."""
import contextlib
import json
import signal
import socket
import struct
import threading
import time

import pymysql
import pytest

import harness
from replaying import counted
from workload import connect

pytestmark = pytest.mark.once

ENDS_SECONDS = 30


def slowly(server, seconds=3, pause=0.05):
    with connect(server) as c:
        for number in range(int(seconds / pause)):
            c.query(f"SELECT {number}")
            time.sleep(pause)


def at_once(server, *workloads):
    threads = [threading.Thread(target=workload, args=(server,)) for workload in workloads]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


def later(server):
    """Sessions that come one after the other."""
    for number in range(12):
        with connect(server) as c:
            c.query(f"SELECT 'session {number}'")
        time.sleep(0.25)


def stream(server):
    with connect(server, database="shop") as c:
        c.query("SELECT REPEAT('x', 20000), SLEEP(0.1) FROM item a, item b, item c")


def fill(server):
    from conftest import SHOP
    server.execute(SHOP)


def recorded(pool, myna, path, *workloads):
    server = pool.get("mariadb")
    fill(server)
    with harness.myna_record(myna, path, server.port):
        at_once(server, *workloads)
    return path


@pytest.fixture(scope="module")
def recording(pool, myna, tmp_path_factory):
    """Two sessions that speak for three seconds, and twelve that come meanwhile."""
    return recorded(pool, myna, tmp_path_factory.mktemp("targets") / "busy.myna", slowly, slowly, later)


@pytest.fixture(scope="module")
def streamed(pool, myna, tmp_path_factory):
    """One session whose answer comes row by row, for three seconds, and one that goes on."""
    return recorded(pool, myna, tmp_path_factory.mktemp("targets") / "streamed.myna", stream, slowly)


@pytest.fixture
def victim(pool):
    """A target that may be hurt; it is healed afterwards."""
    server = pool.get("mariadb", "hurt")
    yield server
    if not server.process:
        server.start()
    server.execute("SET GLOBAL max_connections = DEFAULT")


class Stranger:
    """Says WORDS to everybody who comes, and then hangs up or, if it STAYS, nothing more."""

    def __init__(self, words, stays):
        self.words, self.stays, self.met = words, stays, []
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.url = f"mysql://root@127.0.0.1:{self.listener.getsockname()[1]}/"
        threading.Thread(target=self.welcome, daemon=True).start()

    def welcome(self):
        with contextlib.suppress(OSError):
            while True:
                client, _ = self.listener.accept()
                client.sendall(self.words)
                if self.stays:
                    self.met.append(client)
                else:
                    client.shutdown(socket.SHUT_WR)
                    client.close()

    def close(self):
        for s in (self.listener, *self.met):
            s.close()


def error_packet(code, message):
    payload = b"\xff" + struct.pack("<H", code) + message
    return struct.pack("<I", len(payload))[:3] + b"\0" + payload


GREETING = b"\x4a\0\0\0\x0a5.5.5-10.11.6\0\x01\0\0\0"


@pytest.mark.parametrize("words, stays, told", [
    (error_packet(1040, b"#08004Too many connections"), False, "Too many connections"),
    (error_packet(1040, b"Too many connections"), False, "Too many connections"),
    (error_packet(1129, b"Host '10.0.0.7' is blocked because of many connection errors"), False, "blocked"),
    (error_packet(1130, b"Host '10.0.0.7' is not allowed to connect to this server"), True, "not allowed"),
    (b"", False, "closed"), (b"", True, "does not answer"), (GREETING, False, "closed"), (GREETING, True, "does not answer"),
    (b"HTTP/1.1 400 Bad Request\r\n\r\n", False, None), (b"SSH-2.0-OpenSSH_9.2\r\n", True, None), (b"\0" * 100, True, None),
    (b"\xff" * 100, False, None)],
    ids=["1040", "1040 before 4.1", "1129", "1130", "hangs up", "is silent", "half a greeting", "half a greeting and silence",
         "HTTP", "SSH", "zeros", "ones"])
def test_what_is_no_target_is_told_in_one_line(recording, myna, words, stays, told):
    started = time.monotonic()
    with contextlib.closing(Stranger(words, stays)) as stranger:
        done = myna.run("replay", recording, "--target", stranger.url, "--connect-timeout", "1s", status=(1,))
    assert time.monotonic() - started < 10
    assert len(done.stderr.strip().splitlines()) == 1 and not done.stdout
    assert told is None or told in done.stderr


def assert_adds_up(outcome):
    """Every command was sent or not; what was sent was answered, never answered, or has no answer."""
    assert outcome["sent"] + sum(outcome["not_sent"].values()) == outcome["commands"]
    without = outcome["sent"] - outcome["answered"] - outcome["unanswered"] - outcome["abandoned"]
    assert 0 <= without <= outcome["sessions"], "more than QUIT has no answer"
    assert outcome["connected"] + outcome["not_connected"] <= outcome["sessions"]


def hurt(myna, recording, target, harm, *options, after=1, user="root"):
    """(exit status, outcome) of a replay on whose target HARM is done AFTER so many seconds; what comes of sessions that
    connect anew test_replay_lost.py tells."""
    process = myna.start("replay", recording, "--target", target.url(user), "--format", "json", "--on-lost", "stop", *options)
    time.sleep(after)
    harm()
    said, chatter = process.communicate(timeout=ENDS_SECONDS)
    outcome = json.loads(said)
    assert_adds_up(outcome)
    assert outcome["differences"] == 0, "what the target did not say is no difference"
    return process.returncode, outcome


def test_restart_in_the_middle(recording, victim, myna):
    def restart():
        victim.kill()
        victim.start()
    status, outcome = hurt(myna, recording, victim, restart)
    assert status in (1, 3) and (status == 1) == (outcome["ended"] is not None)
    assert 1 <= outcome["connections_lost"] <= 3
    assert 0 < outcome["answered"] < outcome["commands"]
    assert outcome["troubles"]


def test_shutdown_in_the_middle(recording, victim, myna):
    """It says goodbye, and lets nobody in any more."""
    status, outcome = hurt(myna, recording, victim, victim.stop)
    assert status == 1 and "went away" in outcome["ended"]


def test_a_target_that_sleeps_for_a_while_costs_nothing_but_time(recording, victim, myna):
    def doze():
        victim.process.send_signal(signal.SIGSTOP)
        time.sleep(1.5)
        victim.process.send_signal(signal.SIGCONT)
    status, outcome = hurt(myna, recording, victim, doze, "--patience", "10s")
    assert status == 0 and outcome["ended"] is None and outcome["sent"] == outcome["commands"]
    assert outcome["lateness"]["max_ns"] > 1e9 > outcome["own_lateness"]["max_ns"]


def test_connections_run_out_in_the_middle(recording, victim, myna):
    """Others take all that are left; who is in already, stays."""
    victim.execute("CREATE OR REPLACE USER plain@'%'")
    with contextlib.ExitStack() as others:
        def take_all():
            victim.execute("SET GLOBAL max_connections = 10")
            with contextlib.suppress(pymysql.MySQLError):
                while True:
                    others.enter_context(connect(victim, user="plain"))
        status, outcome = hurt(myna, recording, victim, take_all, user="plain")
    assert status == 3 and outcome["ended"] is None
    assert outcome["connections_lost"] == outcome["unanswered"] == 0 < outcome["not_connected"]
    assert counted(outcome["not_sent"]) == {"not_connected": 3 * outcome["not_connected"]}
    assert outcome["connected"] + outcome["not_connected"] == outcome["sessions"]
    [trouble] = outcome["troubles"]
    assert "Too many connections (1040, 08004)" in trouble["text"] and trouble["count"] == outcome["not_connected"]


def connection_of(server, text):
    return server.execute(f"SELECT id FROM information_schema.processlist WHERE info LIKE '{text}%'").strip()


CUTS = {"KILL": (3, {"connections_lost": 1, "unanswered": 1}), "KILL QUERY": (0, {"connections_lost": 0, "unanswered": 0}),
        "kill -9": (1, {"connections_lost": 2})}


@pytest.mark.parametrize("how", CUTS)
def test_cut_within_a_result(streamed, victim, myna, how):
    fill(victim)

    def harm():
        if how == "kill -9":
            victim.kill()
        else:
            victim.execute(f"{how} {connection_of(victim, 'SELECT REPEAT')}")
    status, outcome = hurt(myna, streamed, victim, harm)
    wanted_status, counts = CUTS[how]
    assert status == wanted_status and {name: outcome[name] for name in counts} == counts
    assert outcome["verdicts"]["killed_replayed"] == (how == "KILL QUERY")
    assert (outcome["ended"] is None) == (how != "kill -9")
    if how == "KILL":
        assert outcome["answered"] == outcome["commands"] - 3, "the other session goes on"


def test_what_was_not_sent_is_told_of_each_statement(streamed, victim, myna):
    """The database is not there: one of two sessions cannot begin."""
    victim.execute("DROP DATABASE IF EXISTS shop")
    done = myna.run("replay", streamed, "--target", victim.url(), "--speed", "max", "--limit", "0", status=(3,))
    assert "Unknown database 'shop' (1049, 42000)" in done.stdout
    rows = done.stdout.split("Statements by what hurts")[1].splitlines()[1:]
    assert rows[0].split()[:3] == ["not", "sent", "calls"]
    for statement, counts in (("SLEEP", ["1", "0"]), ("  SELECT ?", ["0", "60"])):
        assert [line.split()[:2] for line in rows if statement in line] == [counts]
