"""Between servers of several kinds and versions: what clients said at once in several languages is executed as it was,
connection by connection, and what is told to differ is what the two versions do otherwise, each by its name."""
import concurrent.futures
import contextlib
import re
import time

import pymysql
import pytest

import drivers
import harness
import servers
from replaying import counted, outcome_of
from test_replay import everything
from test_replay_between import fill, procedures_and_errors
from workload import connect

pytestmark = pytest.mark.once

SIZE = 70000  # of the longest value

# Source: {database: (how its client's command is made, the option)}.
CLIENTS = {
    "mariadb": {
        "c": (drivers.c_library, "mariadb-uncompressed"),
        "java": (drivers.connector, "useServerPrepStmts=true&useBulkStmts=false"),
        "go": (drivers.go, "maxAllowedPacket=0"), "node": (drivers.node, "mysql2"), "php": (drivers.php, ""),
        "perl": (drivers.perl, "MariaDB"), "python": (drivers.python, "")},
    "mysql97": {
        "c": (drivers.c_library, "mysql-uncompressed"), "java": (drivers.connector, "useServerPrepStmts=true"),
        "go": (drivers.go, "maxAllowedPacket=0"), "node": (drivers.node, "mysql2"), "php": (drivers.php, "")},
    "mysql56": {
        "c": (drivers.c_library, "mariadb-uncompressed"), "go": (drivers.go, "maxAllowedPacket=0&interpolateParams=true"),
        "node": (drivers.node, "mysql2"), "php": (drivers.php, ""), "perl": (drivers.perl, "mysql"),
        "python": (drivers.python, "")},
}

# (source, target): what the two versions do otherwise, {statement: {verdict: how often}}.
PAIRS = {
    ("mariadb", "mariadb118"): {},
    ("mariadb", "mysql97"): {
        "SET progress_report_time = ?": {"error_new": 1}, "SET_OPTION": {"other_warnings": 2},
        "INSERT INTO item(NAME, price, weight, made, note) VALUES (...)": {"other_warnings": 2}},
    ("mysql97", "mysql97"): {},
    ("mysql56", "mysql97"): {
        "RESET_CONNECTION": {"error_gone": 1},
        "INSERT INTO item(NAME, price, weight, made, note) VALUES (...)": {"other_warnings": 2}},
}


@pytest.fixture(scope="session")
def programs(tmp_path_factory):
    return tmp_path_factory.mktemp("programs")


def transactions(server):
    """Commits, rollbacks, savepoints, and a wait for a lock that is given up."""
    with connect(server, database="own") as one, connect(server, database="own") as other:
        for c, row in ((one, 1), (other, 2)):
            for sql in ("SET innodb_lock_wait_timeout = 1", "BEGIN", f"SELECT name FROM item WHERE id = {row} FOR UPDATE",
                        f"UPDATE item SET price = price + {row} WHERE id = {row}", "SAVEPOINT here",
                        f"DELETE FROM item WHERE id = {row}", "ROLLBACK TO here"):
                c.query(sql)
        with pytest.raises(pymysql.MySQLError, match="1205"):
            other.query("UPDATE item SET price = 0 WHERE id = 1")
        time.sleep(1.2)  # MySQL looks once a second, and so gives up later
        one.commit()
        other.query("UPDATE item SET price = price * 2 WHERE id = 1")
        other.rollback()
        one.query("SELECT id, price FROM item WHERE id < 4 ORDER BY id")


def change_of_user(server):
    """To one who may less."""
    import MySQLdb
    c = MySQLdb.connect(host="127.0.0.1", port=server.port, user="root", db="own", charset="utf8mb4")
    cursor = c.cursor()
    cursor.execute("SELECT COUNT(*) FROM item WHERE id < 4")
    c.change_user("clerk", "", "own")
    cursor.execute("SELECT name FROM item WHERE id = 3")
    with pytest.raises(MySQLdb.Error, match="1142"):
        cursor.execute("DELETE FROM item WHERE id = 3")
    c.close()


def kills(server):
    """A statement and a connection are killed by others."""
    with connect(server, database="own") as killer:
        for kill in ("KILL QUERY", "KILL"):
            victim = connect(server, database="own")
            with concurrent.futures.ThreadPoolExecutor() as waits:
                got = waits.submit(victim.query, f"SELECT SUM(SLEEP(20)), '{kill} me' FROM item")
                time.sleep(0.5)
                killer.query(f"{kill} {victim.thread_id()}")
            assert isinstance(got.exception(), pymysql.MySQLError)
            with contextlib.suppress(pymysql.MySQLError):
                victim.query("SELECT 'alive'")
                victim.close()


ALONE = [transactions, change_of_user, kills]


def everybody(server, commands):
    """All at once; then two who share their tables, one after the other."""
    with concurrent.futures.ThreadPoolExecutor(len(commands) + len(ALONE)) as several:
        jobs = [several.submit(drivers.say, command, database) for database, command in commands.items()]
        jobs += [several.submit(one, server) for one in ALONE]
    for job in jobs:
        job.result()
    everything(server)
    procedures_and_errors(server)


def forget_clerk(server):
    if server.version.startswith("5.6"):
        return "DELETE FROM mysql.user WHERE user = 'clerk'; FLUSH PRIVILEGES;"
    return "DROP USER IF EXISTS clerk@'%';"


@pytest.fixture
def users(tmp_path):
    path = tmp_path / "users"
    path.write_text("clerk = clerk, none\n")
    path.chmod(0o600)
    return path


def prepare(server, databases):
    tables = "".join(f"{drivers.shop(database)} DELETE FROM slow WHERE id > 2;\n" for database in databases)
    server.execute(f"{tables} {forget_clerk(server)} CREATE USER clerk@'%'; GRANT SELECT ON own.* TO clerk@'%'")
    fill(server)


def contents(server, databases):
    return server.execute("SET NAMES utf8mb4;" + "".join(
        f"SELECT '{database}', id, HEX(name), price, weight, made, SHA2(note, 256) FROM {database}.item ORDER BY id;"
        for database in databases))


def named(log):
    """LOG, in which those who are killed are called by what they said, and not by a number."""
    def name(match):
        return f"{match.group(1)} who said {[text for _, text in log[int(match.group(2))] if 'SLEEP' in text]}"
    return {number: [(command, re.sub(r"^(KILL\D*) (\d+)$", name, text)) for command, text in entries]
            for number, entries in log.items()}


def otherwise(outcome):
    """{statement: {verdict: count}} of all that was not answered the same."""
    told = {}
    for digest in outcome["digests"]:
        verdicts = {**digest["verdicts"], **digest["set_apart"]}
        told[digest["digest"]] = {name: n for name, n in verdicts.items() if name not in ("same", "no_answer")}
    return counted(told)


@pytest.mark.parametrize("source, target", [pytest.param(*pair, id="-".join(pair)) for pair in PAIRS])
def test_clients_in_several_languages(pool, programs, myna, record, users, source, target):
    explained = PAIRS[source, target]
    clients = CLIENTS[source]
    source, target = pool.get(source), pool.get(target, "target")
    try:
        commands = {database: make(source, programs, option, SIZE) for database, (make, option) in clients.items()}
    except servers.Unavailable as e:
        pytest.skip(str(e))
    databases = [*clients, "own"]
    prepare(source, databases)
    recording, said = record(source, everybody, commands, listened=(0, 3))
    prepare(target, databases)
    outcome, replayed = outcome_of(myna, recording, target, "--users", users, "--order", "commit")
    harness.assert_replayed(named(said), named(replayed), seen=harness.as_logged_by(source))
    assert contents(target, [*databases, "shop"]) == contents(source, [*databases, "shop"])
    assert otherwise(outcome) == explained
    assert outcome["sent"] == outcome["commands"] and outcome["ended"] is None and not counted(outcome["not_sent"])
    # The connection that was killed is no loss: it was killed when it was recorded, too.
    assert (outcome["abandoned"], outcome["unanswered"], outcome["troubles"]) == (1, 0, [])


# --- planted differences ---

PLANTED_TABLES = """DROP DATABASE IF EXISTS planted; CREATE DATABASE planted; USE planted;
CREATE TABLE good (id INT PRIMARY KEY, name VARCHAR(20)); INSERT INTO good VALUES (1, 'axe'), (2, 'saw');
CREATE TABLE changed LIKE good; INSERT INTO changed SELECT * FROM good;
CREATE TABLE missing LIKE good;
CREATE TABLE typed (id INT PRIMARY KEY, n INT, m INT); INSERT INTO typed VALUES (1, 7, 8);
CREATE TABLE secret LIKE good;
CREATE TABLE timed (id INT PRIMARY KEY, at TIMESTAMP NULL); INSERT INTO timed VALUES (1, FROM_UNIXTIME(1700000000));
CREATE TABLE short (name VARCHAR(3));
CREATE TABLE sought (id INT PRIMARY KEY AUTO_INCREMENT, k INT, KEY (k)); INSERT INTO sought (k) VALUES (1), (2), (3), (4);
""" + 13 * "INSERT INTO sought (k) SELECT k + (SELECT MAX(s.id) FROM sought s) FROM sought;"
PLANT = """USE planted; UPDATE changed SET name = 'sax' WHERE id = 2; DROP TABLE missing; ALTER TABLE typed MODIFY n VARCHAR(10);
ALTER TABLE typed MODIFY m BIGINT; ALTER TABLE sought DROP INDEX k; SET GLOBAL sql_mode = 'PIPES_AS_CONCAT';
SET GLOBAL time_zone = '+05:00'; REVOKE SELECT ON planted.secret FROM clerk@'%';"""
GRANTS = "".join(f"GRANT SELECT ON planted.{table} TO clerk@'%';" for table in ("good", "secret"))
CALLS = 40


def ordinary(server):
    """Statements that tell what was planted, and others that are alike on both."""
    with connect(server, database="planted", autocommit=True) as c, \
            connect(server, user="clerk", database="planted", autocommit=True) as clerk:
        for number in range(CALLS):
            c.query("SELECT id, name FROM good ORDER BY id")
            c.query(f"SELECT id FROM sought WHERE k = {number + 1} ORDER BY id")
            c.query(f"SELECT k FROM sought WHERE id = {number + 1}")
            c.query("SELECT name FROM changed ORDER BY id")
            c.query("SELECT 'a' || 'b', 1")
            c.query("SELECT m, id FROM typed ORDER BY id")
        for sql in ("SELECT name FROM missing", "INSERT INTO missing VALUES (1, 'x')", "SELECT n, id FROM typed ORDER BY id",
                    "SELECT at FROM timed ORDER BY id", "SELECT FROM_UNIXTIME(0)", "SELECT NOW(6)", "SELECT UUID(), 1"):
            c.query(sql)
        with contextlib.suppress(pymysql.MySQLError):
            c.query("INSERT INTO short VALUES ('too long')")
        clerk.query("SELECT COUNT(*) FROM secret")
        clerk.query("SELECT COUNT(*) FROM good")


MISSED = {"SELECT NAME FROM missing": {"error_new": 1}, "INSERT INTO missing VALUES (...)": {"error_new": 1},
          "SELECT COUNT(*) FROM secret": {"error_new": 1}}
FOUND = {"INSERT INTO short VALUES (?)": {"error_gone": 1}, "SELECT NAME FROM CHANGED ORDER BY id": {"other_values": CALLS},
         "SELECT ? || ?, ...": {"other_values": CALLS}, "SELECT AT FROM timed ORDER BY id": {"other_values": 1},
         "SELECT FROM_UNIXTIME(?)": {"other_values": 1}, "SELECT n, id FROM typed ORDER BY id": {"other_types": 1}}
NOISE = {"SELECT NOW(?)": {"clock": 1}, "SELECT UUID(), ?": {"chance": 1}}
WITHOUT_INDEX = "SELECT id FROM sought WHERE k = ? ORDER BY id"


@pytest.mark.parametrize("source, target", [pytest.param(*pair, id="-".join(pair)) for pair in (
    ("mariadb", "mariadb118"), ("mysql97", "mysql97"))])
def test_planted_differences_are_each_found_and_nothing_else(pool, myna, record, users, source, target):
    source, target = pool.get(source), pool.get(target, "target")
    for server in (source, target):
        server.execute(PLANTED_TABLES + forget_clerk(server) + "CREATE USER clerk@'%';" + GRANTS)
    recording, _ = record(source, ordinary)
    target.execute(PLANT)
    try:
        outcome, _ = outcome_of(myna, recording, target, "--users", users, "--explain", status=(3,))
    finally:
        target.execute("SET GLOBAL sql_mode = DEFAULT; SET GLOBAL time_zone = DEFAULT")
    assert otherwise(outcome) == {**MISSED, **FOUND, **NOISE}
    ranked = [digest["digest"] for digest in outcome["digests"]]
    assert set(ranked[:3]) == set(MISSED) and set(ranked[3:9]) == set(FOUND) and ranked[9] == WITHOUT_INDEX
    slower = outcome["digests"][9]
    assert slower["latency_ratio"]["verdict"] == "slower" and slower["latency_ratio"]["low"] > 3
    assert "sought" in slower["plan"] and (source.program == "mariadbd" or slower["plan"].startswith("-> "))
    assert "\n\n" not in slower["plan"]
    where = {digest["digest"]: digest["samples"][0]["where"] for digest in outcome["digests"] if digest["samples"]}
    assert where["SELECT n, id FROM typed ORDER BY id"] == "column 1: integer, now string"
    assert where["SELECT NAME FROM CHANGED ORDER BY id"] == where["SELECT ? || ?, ..."] == "column 1"
