"""The replay engine against a real server: what a script says was recorded is what the target executes.

replay_probe.c describes the script. The judge is the target's general log.
"""
import json
import os
import pathlib
import struct
import subprocess
import threading
import time

import pytest

import harness

IN_TRANSACTION = 3  # status: a transaction is open, autocommit is on
LONG, VAR_STRING = 3, 253

QUERY, PREPARE, EXECUTE, LONG_DATA, CLOSE, RESET = 0x03, 0x16, 0x17, 0x18, 0x19, 0x1A
QUIT, PROCESS_KILL, BINLOG_DUMP, CHANGE_USER, RESET_CONNECTION = 0x01, 0x0C, 0x12, 0x11, 0x1F


def escape(data):
    return "".join(chr(b) if 32 <= b < 127 and b != 92 else f"\\x{b:02x}" for b in data)


class Script:
    """What was recorded, as lines for replay_probe."""

    def __init__(self):
        self.lines = []
        self.ms = 0

    def say(self, session, what, *fields):
        self.ms += 1
        self.lines.append("\t".join(map(str, (self.ms, session, what, *fields))))

    def command(self, session, code, payload=b"", answer=("ok", 0)):
        self.say(session, "command", escape(bytes([code]) + payload))
        if answer:
            self.say(session, *answer)

    def query(self, session, text, *answer):
        self.command(session, QUERY, text.encode(), answer or ("rows", 1, 1))

    def prepare(self, session, number, text, columns, parameters):
        self.command(session, PREPARE, text.encode(), ("prepared", number, columns, parameters))

    def execute(self, session, number, values, answer, types=True):
        body = struct.pack("<IBI", number, 0, 1)
        if values:
            body += bytes((len(values) + 7) // 8) + bytes([types])
            kinds = [LONG if isinstance(v, int) else VAR_STRING for v in values]
            body += b"".join(struct.pack("<H", k) for k in kinds) if types else b""
            body += b"".join(struct.pack("<i", v) if isinstance(v, int) else
                             bytes([len(v)]) + v.encode() for v in values)
        self.command(session, EXECUTE, body, answer)

    def quit(self, session):
        self.command(session, QUIT, answer=("none",))
        self.say(session, "end")

    def text(self):
        return "\n".join(self.lines) + "\n"


class Engine:
    def __init__(self, path):
        self.path = path

    def start(self, server, speed, threads=2):
        return subprocess.Popen([self.path, server.url(), str(speed), str(threads)], text=True,
                                stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                                stderr=subprocess.PIPE)

    def run(self, server, script, speed=1, threads=2):
        process = self.start(server, speed, threads)
        said, chatter = process.communicate(script.text(), timeout=60)
        assert process.returncode == 0, chatter
        return json.loads(said)


@pytest.fixture
def engine():
    build = pathlib.Path(os.environ.get("MYNA", harness.TOP / "build" / "myna")).resolve().parent
    return Engine(build / "tests" / "e2e" / "replay_probe")


@pytest.fixture
def table(target):
    target.execute("CREATE DATABASE IF NOT EXISTS shop; USE shop; CREATE OR REPLACE TABLE t "
                   "(id INT PRIMARY KEY, v VARCHAR(20)); INSERT INTO t VALUES (1, 'one'), (2, 'two')")
    target.log_clear()
    return target


def conversations(server):
    """What each connection said, but for those that only looked."""
    return [said for said in server.general_log().values()
            if any(word in ("Query", "Execute") and "general_log" not in text for word, text in said)]


def verdicts(outcome):
    return {name: count for name, count in outcome["verdicts"].items() if count}


def not_sent(outcome):
    return {name: count for name, count in outcome["not_sent"].items() if count}


@pytest.mark.parametrize("speed", [1, 20, 0])
def test_every_session_says_what_it_said_in_its_order(engine, table, speed):
    script = Script()
    for s in (1, 2, 3):
        script.say(s, "open", "shop")
    for i in range(5):
        for s in (1, 2, 3):
            script.query(s, f"SELECT {s}, {i}", "rows", 2, 1)
    for s in (1, 2, 3):
        script.prepare(s, 40 + s, "SELECT v FROM t WHERE id = ?", 1, 1)
        script.execute(s, 40 + s, [1], ("rows", 1, 1))
        script.execute(s, 40 + s, [2], ("rows", 1, 1), types=False)
        script.command(s, CLOSE, struct.pack("<I", 40 + s), ("none",))
        script.quit(s)
    outcome = engine.run(table, script, speed)
    assert outcome["ended"] is None and outcome["differences"] == 0
    assert outcome["sent"] == outcome["commands"] and not not_sent(outcome)
    assert verdicts(outcome) == {"same": 24, "no_answer": 6}
    heard = conversations(table)
    assert len(heard) == 3
    for said in heard:
        s = int(said[1][1].split()[1].rstrip(","))
        assert [e for e in said if e[0] != "Connect"] == [
            *[("Query", f"SELECT {s}, {i}") for i in range(5)],
            ("Prepare", "SELECT v FROM t WHERE id = ?"),
            ("Execute", "SELECT v FROM t WHERE id = 1"), ("Execute", "SELECT v FROM t WHERE id = 2"),
            ("Close stmt", ""), ("Quit", "")]
        assert "shop" in said[0][1]


def test_commands_are_sent_when_they_are_due(engine, table):
    script = Script()
    for s in range(20):
        script.say(s, "open", "shop")
    for i in range(25):
        for s in range(20):
            script.query(s, f"SELECT {i}")
    outcome = engine.run(table, script)
    assert outcome["recorded_ns"] * 0.95 < outcome["replayed_ns"] < outcome["recorded_ns"] * 1.3
    assert outcome["own_lateness"]["p50_ns"] < 2_000_000
    assert outcome["lateness"]["count"] == outcome["sent"]


def test_a_joined_session_gets_its_state_and_its_statements(engine, table):
    script = Script()
    script.say(1, "joined", "shop")
    script.say(1, "state", "SET @factor = 21")
    script.say(1, "knows", 9, 2, "SELECT ? * @factor, ?")
    script.say(1, "types", 9, LONG, VAR_STRING)
    script.execute(1, 9, [2, "rope"], ("rows", 2, 1), types=False)
    script.execute(1, 9, [3, "anvil"], ("rows", 2, 1), types=False)
    script.execute(1, 10, [3], ("rows", 2, 1))
    outcome = engine.run(table, script)
    said = conversations(table)[0]
    assert [e for e in said if e[0] not in ("Connect", "Quit")] == [
        ("Query", "SET @factor = 21"), ("Prepare", "SELECT ? * @factor, ?"),
        ("Execute", "SELECT 2 * @factor, 'rope'"), ("Execute", "SELECT 3 * @factor, 'anvil'")]
    assert outcome["prepared_late"] == 1 and outcome["state_failed"] == 0
    assert not_sent(outcome) == {"statement_unknown": 1}


def test_long_data_is_sent_as_recorded(engine, table):
    script = Script()
    script.say(1, "open", "shop")
    script.prepare(1, 5, "INSERT INTO t VALUES (?, ?)", 0, 2)
    script.command(1, LONG_DATA, struct.pack("<IH", 5, 1) + b"from ", ("none",))
    script.command(1, LONG_DATA, struct.pack("<IH", 5, 1) + b"afar", ("none",))
    script.command(1, EXECUTE, struct.pack("<IBI", 5, 0, 1) + b"\0\1" +
                   struct.pack("<HHi", LONG, 252, 7), ("ok", 1))
    script.quit(1)
    outcome = engine.run(table, script)
    assert outcome["differences"] == 0
    assert table.execute("SELECT v FROM shop.t WHERE id = 7").strip() == "from afar"


def test_a_failed_prepare_is_followed_through(engine, table):
    script = Script()
    script.say(1, "open", "shop")
    script.prepare(1, 3, "SELECT v FROM missing WHERE id = ?", 1, 1)
    script.execute(1, 3, [1], ("rows", 1, 1))
    script.command(1, CLOSE, struct.pack("<I", 3), ("none",))
    script.query(1, "SELECT 1")
    outcome = engine.run(table, script)
    assert verdicts(outcome) == {"error_new": 1, "same": 1}
    assert not_sent(outcome) == {"not_prepared": 1, "nothing_to_close": 1}


def test_differences_are_found(engine, table):
    script = Script()
    script.say(1, "open", "shop")
    script.query(1, "SELECT * FROM t", "rows", 2, 3)
    script.query(1, "SELECT id FROM t", "rows", 2, 2)
    script.query(1, "UPDATE t SET v = 'x' WHERE id = 1", "ok", 2)
    script.query(1, "SELECT * FROM nowhere", "rows", 2, 2)
    script.query(1, "SELECT 1", "error", 1146)
    script.query(1, "SELECT * FROM nowhere", "error", 1064)
    script.query(1, "SELECT * FROM nowhere", "error", 1146)
    script.query(1, "SELECT 1", "ok", 0)
    script.query(1, "SELECT 1", "lost")
    outcome = engine.run(table, script)
    assert verdicts(outcome) == {
        "other_row_count": 1, "other_columns": 1, "other_affected": 1, "error_new": 1, "error_gone": 1,
        "error_changed": 1, "same": 1, "other_kind": 1, "not_compared": 1}
    assert outcome["digests"][0]["digest"] == "SELECT * FROM nowhere"
    assert outcome["digests"][0]["samples"][0]["replayed"]["error"] == 1146


def test_a_deadlock_in_the_recording_only_rolls_the_target_back(engine, table):
    script = Script()
    script.say(1, "open", "shop")
    script.query(1, "BEGIN", "ok", 0, IN_TRANSACTION)
    script.query(1, "UPDATE t SET v = 'new' WHERE id = 1", "ok", 1, IN_TRANSACTION)
    script.query(1, "UPDATE t SET v = 'new' WHERE id = 2", "error", 1213)
    script.query(1, "BEGIN", "ok", 0, IN_TRANSACTION)
    script.query(1, "COMMIT", "ok", 0)
    outcome = engine.run(table, script)
    assert outcome["rolled_back"] == 1 and outcome["differences"] == 0
    assert verdicts(outcome)["deadlock_recorded"] == 1
    assert table.execute("SELECT v FROM shop.t ORDER BY id").split() == ["one", "two"]


def test_a_deadlock_in_the_replay_only_leaves_the_rest_of_the_transaction_out(engine, table):
    deadlock = "SIGNAL SQLSTATE '40001' SET MYSQL_ERRNO = 1213"
    script = Script()
    script.say(1, "open", "shop")
    script.query(1, "BEGIN", "ok", 0, IN_TRANSACTION)
    script.query(1, deadlock, "ok", 1, IN_TRANSACTION)
    script.query(1, "UPDATE t SET v = 'new' WHERE id = 2", "ok", 1, IN_TRANSACTION)
    script.query(1, "COMMIT", "ok", 0)
    script.query(1, "UPDATE t SET v = 'later' WHERE id = 1", "ok", 1)
    script.query(1, "BEGIN", "ok", 0, IN_TRANSACTION)
    script.query(1, deadlock, "ok", 1, IN_TRANSACTION)
    script.query(1, "START TRANSACTION", "ok", 0, IN_TRANSACTION)
    script.query(1, "SELECT 2")
    outcome = engine.run(table, script)
    assert outcome["differences"] == 0 and verdicts(outcome)["deadlock_replayed"] == 2
    assert not_sent(outcome) == {"rolled_back": 2}
    assert table.execute("SELECT v FROM shop.t ORDER BY id").split() == ["later", "two"]


def test_kill_goes_to_the_connection_that_stands_for_the_recorded_one(engine, table):
    script = Script()
    for s in (1, 2, 3):
        script.say(s, "open", "shop")
        script.query(s, f"SELECT {s}")
    script.ms += 1000  # sessions do not wait for each other: on a busy machine one may be late
    script.query(2, "KILL 1001", "ok", 0)
    script.command(2, PROCESS_KILL, struct.pack("<I", 1003), ("ok", 0))
    script.query(2, "KILL 4711", "error", 1094)
    script.say(1, "end")
    script.say(3, "end")
    outcome = engine.run(table, script)
    log = table.general_log()
    victims = {text: number for number, said in log.items() for word, text in said if word == "Query"}
    assert f"KILL {victims['SELECT 1']}" in victims and f"KILL {victims['SELECT 3']}" in victims
    assert not_sent(outcome) == {"kill_unknown": 1}
    assert outcome["connections_lost"] == 0 and outcome["differences"] == 0


def test_what_acts_on_the_server_is_never_sent(engine, table):
    script = Script()
    script.say(1, "open", "shop")
    script.command(1, BINLOG_DUMP, bytes(10), ("lost",))
    script.query(1, "SHUTDOWN", "ok", 0)
    script.query(1, "STOP SLAVE", "ok", 0)
    script.query(1, "SELECT 1")
    outcome = engine.run(table, script)
    assert not_sent(outcome) == {"never": 3} and outcome["sent"] == 1


def test_a_file_is_sent_as_recorded(engine, table):
    script = Script()
    script.say(1, "open", "shop")
    script.command(1, QUERY, b"LOAD DATA LOCAL INFILE 'x' INTO TABLE t FIELDS TERMINATED BY ','", None)
    script.say(1, "data", "8,eight")
    script.say(1, "data", "")
    script.say(1, "ok", 1)
    script.command(1, QUERY, b"LOAD DATA LOCAL INFILE 'y' INTO TABLE t FIELDS TERMINATED BY ','",
                   ("ok", 0))
    script.query(1, "SELECT 1")
    outcome = engine.run(table, script)
    assert verdicts(outcome) == {"same": 3}
    assert table.execute("SELECT v FROM shop.t WHERE id = 8").strip() == "eight"


def test_a_connection_is_reset_and_its_user_changed(engine, table):
    script = Script()
    script.say(1, "open", "shop")
    script.prepare(1, 1, "SELECT 1", 1, 0)
    script.command(1, RESET_CONNECTION)
    script.execute(1, 1, [], ("error", 1243))
    script.command(1, CHANGE_USER, b"app\0\0shop\0\x2d\0mysql_native_password\0")
    script.query(1, "SELECT DATABASE()")
    script.query(1, "SELECT * FROM t", "rows", 2, 2)
    outcome = engine.run(table, script)
    assert verdicts(outcome) == {"same": 5} and not_sent(outcome) == {"statement_unknown": 1}
    assert any(word == "Change user" for said in conversations(table) for word, _ in said)


def test_what_differs_after_a_gap_is_set_apart(engine, table):
    script = Script()
    script.say(1, "open", "shop")
    script.query(1, "SELECT * FROM t WHERE id = 77", "rows", 2, 1)
    script.say(1, "gap")
    script.query(1, "SELECT * FROM t", "rows", 2, 2)
    script.query(1, "SELECT * FROM t WHERE id = 78", "rows", 2, 1)
    script.say(2, "open", "shop")
    script.query(2, "SELECT * FROM t WHERE id = 79", "rows", 2, 1)
    outcome = engine.run(table, script)
    assert verdicts(outcome) == {"same": 1, "other_row_count": 2, "after_gap": 1}
    assert outcome["after_gap"] == 2 and outcome["with_gaps"] == 1


def test_as_fast_as_possible_keeps_the_recorded_number_of_connections(engine, table):
    script = Script()
    for s in range(300):
        script.say(s, "open", "shop")
        script.query(s, f"SELECT {s}")
        script.query(s, f"SELECT {s} + 1")
        script.quit(s)
    table.execute("FLUSH STATUS")
    outcome = engine.run(table, script, speed=0, threads=1)
    assert verdicts(outcome) == {"same": 600, "no_answer": 300}
    assert int(table.execute("SHOW STATUS LIKE 'Max_used_connections'").split()[1]) <= 6


def test_a_target_that_refuses_is_named(engine, table):
    script = Script()
    table_port = table.port
    process = subprocess.run([engine.path, f"mysql://nobody:wrong@127.0.0.1:{table_port}/", "1", "1"],
                             input=script.text(), capture_output=True, text=True, timeout=30, check=False)
    assert process.returncode == 1 and "Access denied" in process.stderr
    assert "wrong" not in process.stderr.replace("nobody", "")
    process = subprocess.run([engine.path, "mysql://root@127.0.0.1:1/", "1", "1"], input=script.text(),
                             capture_output=True, text=True, timeout=30, check=False)
    assert process.returncode == 1 and "refused" in process.stderr.lower()


def test_a_database_that_is_missing_costs_only_its_sessions(engine, table):
    script = Script()
    script.say(1, "open", "shop")
    script.say(2, "open", "gone")
    script.query(2, "SELECT 2")
    script.query(1, "SELECT 1")
    outcome = engine.run(table, script)
    assert outcome["not_connected"] == 1 and not_sent(outcome) == {"not_connected": 1}
    assert "gone" in outcome["troubles"][0]["text"]
    assert outcome["ended"] is None and verdicts(outcome) == {"same": 1}


def test_a_target_that_hangs_is_given_up(engine, table):
    script = Script()
    script.say(1, "open", "shop")
    script.query(1, "SELECT 1")
    script.query(1, "SELECT SLEEP(40)")
    script.query(1, "SELECT 2")
    started = time.monotonic()
    outcome = engine.run(table, script)
    assert time.monotonic() - started < 15
    assert "hangs" in outcome["ended"] and outcome["unanswered"] == 1
    assert not_sent(outcome) == {"stopped": 1} and verdicts(outcome) == {"same": 1}


def test_a_target_that_dies_ends_the_replay_with_what_was_done(engine, pool):
    server = pool.get("mariadb", "mortal")
    script = Script()
    script.say(1, "open", "mysql")
    for i in range(100):
        script.ms += 50
        script.query(1, f"SELECT {i}")
    process = engine.start(server, 1)
    threading.Timer(1.5, server.kill).start()
    said, chatter = process.communicate(script.text(), timeout=60)
    pool.running.pop("mariadb-mortal")
    outcome = json.loads(said)
    assert "went away" in outcome["ended"] and "went away" in chatter
    assert 0 < outcome["sent"] < 100 and outcome["connections_lost"] == 1
    assert outcome["differences"] == 0


def test_stopping_is_told(engine, table):
    script = Script()
    script.say(1, "open", "shop")
    script.query(1, "SELECT 1")
    script.ms += 1900
    script.query(1, "SELECT 2")
    script.say("-", "stop")
    script.query(1, "SELECT 3")
    outcome = engine.run(table, script)
    assert outcome["ended"] == "interrupted" and outcome["sent"] < 2
    assert outcome["commands"] == 2 and not_sent(outcome)["stopped"] >= 1
