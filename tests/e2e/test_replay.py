"""What is replayed is what was recorded: the target's own log says the same as the source's."""
import contextlib
import datetime
import signal
import socket
import threading
import time

import pymysql
import pytest
from pymysql.constants import CLIENT

import binary
import harness
from replaying import replay
from workload import connect, sysbench


def everything(server):
    """All kinds of commands that change nothing when they are replayed on the same data."""
    moment = datetime.datetime(2024, 2, 29, 12, 30, 1)
    with connect(server, database="shop", client_flag=CLIENT.MULTI_STATEMENTS) as c:
        with c.cursor() as cursor:
            cursor.execute("SELECT id, name FROM item ORDER BY id")
            cursor.execute("INSERT INTO item (name) VALUES ('g\u00fcrtel \u2603')")
            cursor.execute("SELECT 1 AS one; DO 0; SELECT 2, 3")
            while cursor.nextset():
                pass
        with pytest.raises(pymysql.MySQLError):
            c.query("SELECT * FROM nowhere")
        insert = binary.Statement(c, "INSERT INTO item (name, weight, made, note) VALUES (?, ?, ?, ?)")
        insert.execute("saw", 1.5, moment, b"sharp")
        insert.execute("file", 0.25, moment, b"rough")
        insert.long_data(3, b"a piece, ")
        insert.long_data(3, b"another")
        insert.execute("rope", 2.0, None, b"", long_data=(3,))
        walked = binary.Statement(c, "/*cursor*/ SELECT * FROM item WHERE id > ?")
        walked.execute(0, cursor=binary.CURSOR_READ_ONLY)
        while walked.fetch(2)[1]:
            pass
        walked.reset()
        # Another: MySQL 9.7 answers an execution without a cursor after one with a cursor by half a result.
        other = binary.Statement(c, "SELECT id FROM item WHERE id > ?")
        insert.close()
        # MySQL would prepare "SELECT ?" anew, and log it, for a parameter of another type than it had guessed.
        again = binary.Statement(c, "SELECT name FROM item WHERE id = ?")
        again.execute(1)
        again.execute(2)
        c.select_db("mysql")
        c.rollback()
    with connect(server) as c:
        c.query("SELECT 'another session'")


@pytest.mark.parametrize("speed", ["1", "max"])
def test_the_target_executes_what_the_source_did(mariadb, target, shop, myna, record, speed):
    recording, source = record(mariadb, everything)
    done, replayed, _ = replay(myna, recording, target, "--speed", speed, status=(0,))
    harness.assert_replayed(source, replayed)
    assert done.stdout.strip()


def test_mysql_as_target(mariadb, mysql97, shop, myna, record):
    recording, source = record(mariadb, everything)
    _, replayed, _ = replay(myna, recording, mysql97)
    harness.assert_replayed(source, replayed)


def test_mysql_as_source(mysql97, target, shop, myna, record):
    recording, source = record(mysql97, everything)
    _, replayed, _ = replay(myna, recording, target)
    harness.assert_replayed(source, replayed)


def test_local_infile_is_sent_as_recorded(mariadb, target, shop, myna, record, tmp_path):
    path = tmp_path / "rows.txt"
    path.write_text("".join(f"{i}\tline {i}\n" for i in range(10, 20)))

    def workload(server):
        with connect(server, database="shop", local_infile=True, autocommit=True) as c:
            c.query(f"LOAD DATA LOCAL INFILE '{path}' INTO TABLE item (id, name)")
    recording, source = record(mariadb, workload)
    path.unlink()
    _, replayed, _ = replay(myna, recording, target, status=(0,))
    harness.assert_replayed(source, replayed)
    sql = "SELECT id, name FROM item ORDER BY id"
    assert target.execute(sql, "shop") == mariadb.execute(sql, "shop")


def test_long_statement_is_replayed(mariadb, target, shop, myna, record):
    size = (1 << 24) + 100

    def workload(server):
        with connect(server, max_allowed_packet=1 << 30) as c:
            c.query("SET @a = '" + "x" * size + "'")
            c.query("SELECT LENGTH(@a)")
    recording, source = record(mariadb, workload)
    _, replayed, _ = replay(myna, recording, target, status=(0,))
    harness.assert_replayed(source, replayed)


@pytest.fixture
def filled(mariadb, target):
    for server in (mariadb, target):
        server.execute("DROP DATABASE IF EXISTS bench; CREATE DATABASE bench")
        sysbench(server, "prepare", "--rand-seed=7", database="bench", tables=8, rows=10000)


@pytest.mark.parametrize("ps_mode", ["auto", "disable"])
@pytest.mark.parametrize("speed", ["1", "max"])
def test_sysbench(mariadb, target, filled, myna, record, ps_mode, speed):
    # Evenly used rows: deadlocks, of which one server may have one that the other has not, are rare.
    recording, source = record(mariadb, sysbench, "run", f"--db-ps-mode={ps_mode}", "--rand-type=uniform",
                               database="bench", tables=8, rows=10000, seconds=3)
    done, replayed, seconds = replay(myna, recording, target, "--speed", speed)
    harness.assert_replayed(source, replayed)
    assert done.stdout.strip()
    if speed == "1":
        assert 2.5 < seconds < 10


def test_commands_keep_their_recorded_times(mariadb, target, shop, myna, record):
    def workload(server):
        with connect(server) as c:
            c.query("DO 1")
            time.sleep(2)
            c.query("DO 2")
    recording, _ = record(mariadb, workload)
    assert 1.9 < replay(myna, recording, target, status=(0,))[2] < 4
    assert 0.9 < replay(myna, recording, target, "--speed", "2", status=(0,))[2] < 3
    assert replay(myna, recording, target, "--speed", "max", status=(0,))[2] < 1.5


def test_many_sessions_at_once(mariadb, target, shop, myna, record):
    def workload(server):
        with contextlib.ExitStack() as stack:
            connections = [stack.enter_context(connect(server, database="shop")) for _ in range(300)]
            for number, c in enumerate(connections):
                c.query(f"SELECT {number}")
    recording, source = record(mariadb, workload)
    _, replayed, _ = replay(myna, recording, target, "--speed", "max", status=(0,))
    harness.assert_replayed(source, replayed)


@pytest.fixture
def small(mariadb, shop, record):
    def workload(server):
        with connect(server) as c:
            c.query("SELECT 1")
    return record(mariadb, workload)[0]


def test_refusing_target(small, myna):
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        port = s.getsockname()[1]
    done = myna.run("replay", small, "--target", f"mysql://root@127.0.0.1:{port}/", status=(1,))
    assert str(port) in done.stderr and "refused" in done.stderr


def test_hanging_target(small, myna):
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        s.listen()
        url = f"mysql://root@127.0.0.1:{s.getsockname()[1]}/"
        done = myna.run("replay", small, "--target", url, status=(1, 3), timeout=60)
    assert done.stderr.strip()


def test_dying_target(pool, mariadb, shop, myna, record):
    def workload(server):
        with connect(server) as c:
            for number in range(40):
                c.query(f"SELECT {number}")
                time.sleep(0.1)
    recording, _ = record(mariadb, workload)
    victim = pool.get("mariadb", "victim")
    threading.Timer(1.5, victim.kill).start()
    done = myna.run("replay", recording, "--target", victim.url(), "--reconnect-for", "2s", status=(1, 3), timeout=60)
    del pool.running["mariadb-victim"]
    assert done.stderr.strip() and done.stdout.strip(), "no report of what was done before"


def test_recording_survives_kill_9(mariadb, shop, myna, tmp_path):
    path = tmp_path / "killed.myna"
    capture = harness.myna_record(myna, path, mariadb.port)
    with capture:
        with connect(mariadb, database="shop") as c:
            for number in range(3000):
                c.query(f"SELECT {number}, '{'x' * 2000}'")
        capture.wait_until_quiet()
        capture.process.send_signal(signal.SIGKILL)
        capture.process.wait()
    events = myna.export(path, status=(0, 3))
    heard = [e for e in events if e["type"] == "exchange" and e["command"] == "QUERY"]
    assert len(heard) > 500
    logged = harness.logged_conversations(mariadb.general_log())
    conversation = next(iter(harness.heard_conversations(events).items()))
    harness.assert_same(conversation[1], logged[conversation[0]][:len(conversation[1])])


def test_what_was_said_just_before_ctrl_c_is_recorded(mariadb, shop, myna, tmp_path):
    for number in range(5):
        path = tmp_path / f"{number}.myna"
        with harness.myna_record(myna, path, mariadb.port) as capture:
            with connect(mariadb) as c:
                c.query(f"SELECT {number}")
            capture.process.send_signal(signal.SIGINT)
            capture.process.wait(timeout=20)  # a second Ctrl-C, which the end of the block is, would cut it off
        heard = [e["command"] for e in myna.export(path) if e["type"] == "exchange"]
        assert heard[-1:] == ["QUIT"] and "QUERY" in heard, f"round {number}: {heard}"


def test_each_difference_is_told_as_what_it_is(mariadb, target, myna, record):
    rows = "CREATE TABLE t (id INT, v INT); INSERT INTO t VALUES (1, 1), (2, 2), (3, 3)"
    spoilt = {"gone": "DROP TABLE t", "fewer": "DELETE FROM t WHERE id = 3", "changed": "UPDATE t SET v = 9 WHERE id = 2",
              "order": "DELETE FROM t; INSERT INTO t VALUES (3, 3), (2, 2), (1, 1)", "same": "DO 0"}
    for database, spoil in spoilt.items():
        for server in (mariadb, target):
            server.execute(f"CREATE OR REPLACE DATABASE v_{database}; USE v_{database}; {rows}")
        target.execute(f"USE v_{database}; {spoil}")

    def workload(server):
        with connect(server) as c:
            for database in spoilt:
                c.query(f"SELECT id, v FROM v_{database}.t")
    recording, _ = record(mariadb, workload)
    done, _, _ = replay(myna, recording, target, status=(3,))
    verdict, = (line for line in done.stdout.splitlines() if line.startswith("Every statement"))
    assert verdict.split(": ", 1)[1] == ("yes; new errors: 1; other row counts: 1; other affected rows: 0; other values: 1; "
                                         "other order of the same rows: 1")
    listed = done.stdout.split("\nDifferences, 3 of 3")[1]
    for database, word in (("gone", "new error"), ("fewer", "another number of rows"), ("changed", "other values")):
        assert [line for line in listed.splitlines() if word in line and f"v_{database}" in line]
    assert "v_same" not in listed and "v_order" not in listed
    assert "keeps its own order" not in listed, "there is one session: no other can have come in between"
