"""From each kind of server to each other: the target executes the same, and what differs is the servers' own."""
import contextlib
import struct
import subprocess

import pymysql
import pytest
from pymysql.constants import CLIENT, COMMAND

import binary
import harness
from replaying import counted, outcome_of
from test_replay import everything
from workload import command_line, connect

pytestmark = pytest.mark.once

BETWEEN = [("mariadb", "mariadb118"), ("mariadb", "mysql97"), ("mysql97", "mysql97"), ("mysql97", "mariadb"),
           ("mysql56", "mysql97"), ("mysql56", "mariadb")]
MORE_RESULTS = 8

PROCEDURE = """CREATE PROCEDURE both_ways(IN a INT, OUT b INT, INOUT c VARCHAR(20))
BEGIN SELECT a, c; SELECT id, name FROM item ORDER BY id LIMIT 2; SET b = a * 2; SET c = CONCAT(c, '!'); END"""


@pytest.fixture(params=BETWEEN, ids="-".join)
def pair(request, pool):
    source, target = request.param
    return pool.get(source), pool.get(target, "target")


def fill(*servers):
    from conftest import SHOP
    for server in servers:
        server.execute(SHOP)


def call(c, sql, *numbers, text):
    """Executes the prepared CALL and reads its results to the last one."""
    statement = binary.Statement(c, sql)
    types = struct.pack("<HH", binary.TYPE_LONGLONG, binary.TYPE_LONGLONG) + struct.pack("<H", binary.TYPE_VAR_STRING)
    binary.send(c, COMMAND.COM_STMT_EXECUTE, struct.pack("<IBI", statement.id, 0, 1) + b"\0\1" + types +
                struct.pack("<qq", *numbers) + binary.lenenc(text))
    while binary.read_packet(c)[:1] != b"\0":
        binary.read_until_end(c)
        if not binary.read_until_end(c)[1] & MORE_RESULTS:
            break


def procedures_and_errors(server):
    with connect(server, database="shop", client_flag=CLIENT.MULTI_STATEMENTS, autocommit=True) as c:
        cursor = c.cursor()
        for sql in (PROCEDURE, "SET @c = 'x'", "CALL both_ways(3, @b, @c)", "SELECT @b, @c"):
            cursor.execute(sql)
            while cursor.nextset():
                pass
        call(c, "CALL both_ways(?, ?, ?)", 5, 0, text=b"abc")
        for sql in ("SELECT 1; SELECT * FROM nowhere; SELECT 2", "SELEC 1", "INSERT INTO item (id) VALUES (1)",
                    "SELECT * FROM unknown_table"):
            with contextlib.suppress(pymysql.MySQLError):
                cursor.execute(sql)
                while cursor.nextset():
                    pass
        with contextlib.suppress(pymysql.MySQLError):
            binary.Statement(c, "SELECT * FROM nix WHERE a = ?")


def character_sets_and_databases(server):
    with connect(server, database="shop", autocommit=True, charset="latin1") as c:
        c.query("INSERT INTO item (id, name) VALUES (4, '\u00e9t\u00e9')")
        c.query("SELECT name AS `\u00e4` FROM item WHERE id = 4")
    with connect(server, database="shop", autocommit=True, charset="gbk") as c:
        c.query("INSERT INTO item (id, name) VALUES (5, '\u4e2d\u6587\u8aa0')")
        c.query("SELECT name, HEX(name) FROM item WHERE id = 5")
    with connect(server, autocommit=True) as c:
        c.query("USE shop")
        c.query("SELECT COUNT(*) FROM item WHERE id < 4")
        c.select_db("mysql")
        c.query("SELECT DATABASE()")
        c.ping()
        binary.simple(c, COMMAND.COM_STATISTICS)


@pytest.mark.parametrize("workload", [everything, procedures_and_errors, character_sets_and_databases],
                         ids=lambda workload: workload.__name__)
def test_the_target_does_the_same(pair, myna, record, workload):
    source, target = pair
    fill(source)
    recording, said = record(source, workload)
    fill(target)
    outcome, replayed = outcome_of(myna, recording, target, status=(0,))
    harness.assert_replayed(said, replayed, seen=harness.as_logged_by(source))
    assert counted(outcome["verdicts"]).keys() <= {"same", "no_answer", "other_warnings"}
    assert outcome["sent"] == outcome["commands"] and outcome["ended"] is None
    sql = "SET NAMES utf8mb4; SELECT id, HEX(name), price, weight, HEX(note) FROM shop.item ORDER BY id"
    assert target.execute(sql) == source.execute(sql)


@pytest.mark.parametrize("source, target", [("mysql97", "mariadb"), ("mysql97", "mysql56"), ("mariadb118", "mysql97")])
def test_a_collation_that_the_target_does_not_know_is_replaced(pool, myna, record, source, target):
    """By its own client, which asks for the newest collation; the target's default is another character set."""
    source, target = pool.get(source), pool.get(target, "latin", ["--character-set-server=latin1"])
    fill(source, target)
    recording, _ = record(source, lambda server: command_line(
        server, "shop", "--default-character-set=utf8mb4",
        sql="INSERT INTO item (name) VALUES ('gr\u00fcn \u2603'); SELECT name FROM item WHERE id = 4"))
    outcome_of(myna, recording, target)
    sql = "SELECT HEX(name) FROM shop.item WHERE id = 4"
    assert target.execute(sql) == source.execute(sql) == "6772C3BC6E20E29883\n"


def test_query_attributes_are_left_out_where_they_are_not_known(pool, mysql97, myna, record):
    target = pool.get("mariadb", "target")
    recording, said = record(mysql97, lambda server: command_line(
        server, sql="query_attributes n1 v1\nSELECT 'with attributes';\nSELECT 'without';\n"))
    outcome, replayed = outcome_of(myna, recording, target)
    harness.assert_replayed(said, replayed)
    assert outcome["unanswered"] == 0


def test_what_the_target_does_not_prepare_is_sent_as_text(pool, mariadb, mysql97, shop, myna, record):
    """MariaDB prepares every statement; MySQL refuses BEGIN and others (1295), and parameters outside of DML (6413)."""
    fill(mysql97)

    def workload(server):
        with connect(server, database="shop", autocommit=True) as c:
            c.query("HANDLER item OPEN")
            begin, savepoint, commit, read = (binary.Statement(c, sql) for sql in (
                "BEGIN", "SAVEPOINT here", "COMMIT", "HANDLER item READ `PRIMARY` >= (?) WHERE name <> ? LIMIT 5"))
            insert = binary.Statement(c, "INSERT INTO item (name) VALUES (?)")
            for name in ("it's", "b\u00e4r"):
                begin.execute()
                insert.execute(name)
                savepoint.execute()
                commit.execute()
                read.execute(2, name)
            read.reset()
            begin.close()
    recording, _ = record(mariadb, workload)
    outcome, replayed = outcome_of(myna, recording, mysql97, status=(0,))
    assert counted(outcome["verdicts"]) == {"same": 13, "no_answer": 1, "not_preparable": 3}
    assert outcome["as_text"] == 6 and outcome["differences"] == 0
    assert counted(outcome["not_sent"]) == {"as_text": 2}
    said = [entry[-1] for entries in replayed.values() for entry in entries]
    assert said.count("BEGIN") == 2
    assert "HANDLER item READ `PRIMARY` >= (2) WHERE name <> 'it''s' LIMIT 5" in said
    sql = "SELECT id, HEX(name) FROM shop.item ORDER BY id"
    assert mysql97.execute(sql) == mariadb.execute(sql)


def test_bulk_execution(pool, mariadb, myna, record, bulk_client):
    """Sent as it is to a MariaDB; for MySQL see test_replay_bulk.py."""
    target = pool.get("mariadb118")
    fill(mariadb, target)
    recording, _ = record(mariadb, lambda server: subprocess.run([bulk_client, str(server.port)], check=True))
    outcome, _ = outcome_of(myna, recording, target, status=(0,))
    assert outcome["differences"] == 0 and outcome["sent"] == outcome["commands"]
    sql = "SELECT id, HEX(name), weight FROM shop.item ORDER BY id"
    assert target.execute(sql) == mariadb.execute(sql)


def test_a_joined_session_is_rebuilt_and_an_endless_one_ended(pool, mariadb, shop, myna, record):
    target = pool.get("mariadb", "target")
    fill(target)
    early = connect(mariadb, database="shop", autocommit=True)
    known = binary.Statement(early, "SELECT ? + 1")
    known.execute(1)
    left_open = []

    def workload(server):
        early.select_db("shop")
        early.query("SELECT COUNT(*) FROM item")
        known.execute(2)
        binary.Statement(early, "SELECT ? + 2").execute(5)
        left_open.append(connect(server))
        left_open[0].query("SELECT 'never ends'")
    recording, _ = record(mariadb, workload)
    outcome, replayed = outcome_of(myna, recording, target)
    for c in (early, *left_open):
        c.close()
    assert outcome["joined"] == 1 and outcome["state_incomplete"] == 1
    assert counted(outcome["not_sent"]) == {"statement_unknown": 1} and outcome["differences"] == 0
    said = [entries[1:] for entries in replayed.values()]
    assert [("Init DB", "shop"), ("Query", "SELECT COUNT(*) FROM item"), ("Prepare", "SELECT ? + 2"),
            ("Execute", "SELECT 5 + 2"), ("Quit", "")] in said
    assert all(entries[-1] == ("Quit", "") for entries in said)


def test_what_the_target_lacks_is_told(mysql97, target, shop, myna, record):
    recording, _ = record(mysql97, command_line, sql="SELECT 1")
    outcome, _ = outcome_of(myna, recording, target)
    told = {note["text"]: note["count"] for note in outcome["notes"]}
    assert told["sessions with collation 45 in place of 255, which the target does not know"] == 1
