"""With --read-only nothing that can change data reaches the target, and the target refuses what slipped through."""
import contextlib
import itertools

import pymysql
import pytest
from pymysql.constants import CLIENT

import binary
from conftest import SHOP
from replaying import counted, outcome_of
from workload import connect

HARMLESS = [
    "SELECT id, name FROM item ORDER BY id", "SELECT /*!40001 SQL_NO_CACHE */ COUNT(*), MAX(id) FROM item", "SHOW TABLES",
    "SET @a = 1, SESSION sort_buffer_size = 262144", "SELECT id INTO @b FROM item WHERE id = 1", "SELECT @a, @b",
    "EXPLAIN UPDATE item SET name = 'x'", "WITH x AS (SELECT id FROM item) SELECT COUNT(*) FROM x", "BEGIN", "SELECT 1",
    "COMMIT", "PREPARE p FROM 'SELECT name FROM item WHERE id = ?'", "EXECUTE p USING @b", "DEALLOCATE PREPARE p",
    "/*!40101 SET NAMES utf8mb4 */", "START TRANSACTION READ ONLY", "SELECT LAST_INSERT_ID(5)", "ROLLBACK"]

HARMFUL = [
    "INSERT INTO item (name) VALUES ('new')", "UPDATE item SET name = 'other' WHERE id = 1", "CREATE TABLE made (a INT)",
    "/*! DELETE FROM item */", "WITH x AS (SELECT 1) DELETE FROM item WHERE id = 99",
    "SELECT id FROM item WHERE id = 1 FOR UPDATE", "SELECT written(7)", "CALL writes(8)", "DO written(9)",
    "SET GLOBAL sort_buffer_size = 262144", "SET SESSION TRANSACTION READ WRITE", "PREPARE w FROM 'DELETE FROM item WHERE id = ?'",
    "EXECUTE w USING @b", "DEALLOCATE PREPARE w", "PREPARE q FROM @text", "EXECUTE q",
    "SELECT 1 /*!50000 + written(10) */", "TRUNCATE log", "DROP TABLE made", "LOCK TABLES item WRITE", "FLUSH TABLES"]


@pytest.fixture
def routines(shop):
    """Makes what routines need on each server it is called for."""
    def make(*servers):
        for server in servers:
            server.execute("""SET GLOBAL log_bin_trust_function_creators = 1; CREATE TABLE log (a INT);
DELIMITER //
                CREATE FUNCTION written(x INT) RETURNS INT DETERMINISTIC BEGIN INSERT INTO log VALUES (x); RETURN x; END //
                CREATE PROCEDURE writes(x INT) BEGIN INSERT INTO log VALUES (x); END //
                CREATE VIEW sly AS SELECT written(id) AS w FROM item WHERE id = 1 //
                """, "shop")
    return make


def both(server):
    with connect(server, database="shop", autocommit=True, client_flag=CLIENT.MULTI_STATEMENTS) as c:
        c.query("SET @text = 'DELETE FROM item WHERE id = 98'")
        for pair in itertools.zip_longest(HARMLESS, HARMFUL):
            for statement in filter(None, pair):
                with contextlib.suppress(pymysql.MySQLError):  # MariaDB has no WITH ... DELETE
                    c.query(statement)
        c.query("UNLOCK TABLES")
        c.query("SELECT 1; DELETE FROM item WHERE id = 97")
        while c.next_result():
            pass
        c.query("START TRANSACTION WITH CONSISTENT SNAPSHOT, READ WRITE")
        c.query("SELECT COUNT(*) FROM item")
        c.query("COMMIT")
        insert = binary.Statement(c, "INSERT INTO item (name, note) VALUES (?, ?)")
        insert.execute("saw", b"x")
        insert.long_data(1, b"y")
        insert.close()
        read = binary.Statement(c, "SELECT name FROM item WHERE id = ?")
        read.execute(1)


def everything_in(server):
    return server.execute("SELECT * FROM item; SELECT * FROM log; SHOW TABLES; SELECT @@GLOBAL.sort_buffer_size", "shop")


@pytest.mark.parametrize("kind", ["mariadb", "mysql97", "mysql56"])
def test_what_writes_is_left_out(mariadb, target, pool, shop, routines, myna, record, kind):
    routines(mariadb, target)
    recording, _ = record(mariadb, both)
    goal = target if kind == "mariadb" else pool.get(kind, "target")
    if goal is not target:
        goal.execute(SHOP)
        routines(goal)
    before = everything_in(goal)
    outcome, log = outcome_of(myna, recording, goal, "--read-only")
    assert everything_in(goal) == before
    said = [text for conversation in log.values() for word, text in conversation if word in ("Query", "Prepare")]
    assert said[0] == "SET SESSION TRANSACTION READ ONLY"
    for statement in HARMFUL:
        assert statement not in said
    assert "START TRANSACTION WITH CONSISTENT SNAPSHOT, READ ONLY" in said
    if kind == "mariadb":
        assert [s for s in HARMLESS if s not in said] == []
    left = {name: n for name, n in counted(outcome["not_sent"]).items() if name.startswith("read_only")}
    assert left.keys() == {"read_only_writes", "read_only_locks", "read_only_routine", "read_only_global", "read_only_allows",
                           "read_only_unknown"}
    assert left["read_only_routine"] == 4 and left["read_only_global"] == 1 and left["read_only_allows"] == 1
    assert sum(left.values()) == outcome["left_out_read_only"]
    assert {note["text"]: note["count"] for note in outcome["notes"]} == {
        "not called, as it may write: written": 3, "not called, as it may write: writes": 1}
    assert outcome["refused_read_only"] == 1, "servers refuse the EXPLAIN of a write, too"


def sly(server):
    with connect(server, database="shop", autocommit=True) as c:
        c.query("SELECT w FROM sly")
        c.query("SET SESSION TRANSACTION ISOLATION LEVEL READ COMMITTED")
        c.query("BEGIN")
        c.query("SELECT w FROM sly")
        c.query("COMMIT")
        c._execute_command(31, b"")  # COM_RESET_CONNECTION
        c._read_ok_packet()
        c.select_db("shop")
        c.query("SELECT w FROM sly")
        c.query("CALL writes(3)")
        c.query("SELECT written(4)")


@pytest.mark.parametrize("kind", ["mariadb", "mysql97"])
def test_the_target_refuses_what_slipped_through(mariadb, target, pool, shop, routines, myna, record, kind):
    routines(mariadb, target)
    recording, _ = record(mariadb, sly)
    goal = target if kind == "mariadb" else pool.get(kind, "target")
    if goal is not target:
        goal.execute(SHOP)
        routines(goal)
    before = everything_in(goal)
    options = ("--read-only", "--allow-function", "shop.writes", "--allow-function", "WRITES", "--allow-function", "written")
    outcome, _ = outcome_of(myna, recording, goal, *options, status=(0,))
    assert everything_in(goal) == before
    assert outcome["refused_read_only"] == outcome["verdicts"]["refused"] == 5
    assert outcome["differences"] == 0 and outcome["left_out_read_only"] == 0


def test_a_joined_session_is_read_only_from_its_start(mariadb, target, shop, routines, myna, record):
    routines(mariadb, target)
    with connect(mariadb, database="shop", autocommit=True) as c:
        def workload(_):
            c.query("SELECT COUNT(*) FROM item")
            with pytest.raises(pymysql.MySQLError):
                c.query("INSERT INTO nowhere VALUES (1)")
        recording, _ = record(mariadb, workload, listened=(0, 3))
    outcome, log = outcome_of(myna, recording, target, "--read-only", "-D", "shop")
    said = [text for conversation in log.values() for word, text in conversation if word == "Query"]
    assert said == ["SET SESSION TRANSACTION READ ONLY", "SELECT COUNT(*) FROM item"]
    assert outcome["not_sent"]["read_only_writes"] == 1
