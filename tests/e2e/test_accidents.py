"""What does not go as it should, and what is seldom said: kills, ends in the middle, old logins, replicas, rare commands."""
import re
import socket
import struct
import subprocess
import sys
import threading
import time

import pymysql
import pymysql.cursors
import pytest
from pymysql.constants import CLIENT, COMMAND

import binary
import harness
import servers
from conftest import PASSWORD
from workload import command_line, connect

pytestmark = pytest.mark.once

WAIT_SECONDS = 20
OTHERS_MISSED = ("kernel_drops", "gaps", "undecodable", "orphan_responses", "unknown_commands", "limits", "joined")


def exchanges(events, command=None):
    return [e for e in events if e["type"] == "exchange" and command in (None, e["command"])]


def by_sql(events, sql):
    [found] = [e for e in exchanges(events) if e.get("sql") == sql]
    return found


def answer(exchange):
    """(response, error code or 0)"""
    return exchange["response"], exchange.get("error", {}).get("code", 0)


def assert_coverage(events, **wanted):
    count = harness.coverage(events)
    assert {name: count[name] for name in wanted} == wanted
    assert not {name: count[name] for name in OTHERS_MISSED if count[name] and name not in wanted}


def wait_for(question, wanted):
    deadline = time.monotonic() + WAIT_SECONDS
    while (got := question()) != wanted:
        assert time.monotonic() < deadline, f"{got!r} does not become {wanted!r}"
        time.sleep(0.05)


def outcome(connection, sql):
    """What the client is told: ("error", its code), ("resultset", 0) or ("lost", 0)."""
    try:
        connection.query(sql)
    except pymysql.MySQLError as e:
        return ("lost", 0) if e.args[0] in (2006, 2013) else ("error", e.args[0])
    return ("resultset", 0)


LONG_SQL = "SELECT id, SLEEP(20) FROM item"


def interrupted(server, kill, told):
    """A query that is ended by KILL from another session, and one more behind it."""
    told.clear()  # it may be done once more
    victim = connect(server, database="shop")
    number = victim.thread_id()
    waiting = threading.Thread(target=lambda: told.append(outcome(victim, LONG_SQL)))
    waiting.start()
    wait_for(lambda: server.execute(f"SELECT COUNT(*) FROM information_schema.processlist WHERE id = {number} AND "
                                    "info LIKE '%SLEEP%'").strip(), "1")
    server.execute(kill.format(number))
    waiting.join()
    told.append(outcome(victim, "SELECT 'after'"))
    if victim.open:
        victim.close()


def test_killed_query(server, shop, hear):
    told = []
    events, log = hear(server, interrupted, "KILL QUERY {}", told)
    harness.assert_heard_all(events, log)
    assert [answer(by_sql(events, sql)) for sql in (LONG_SQL, "SELECT 'after'")] == told
    assert told == [("error", 1317), ("resultset", 0)]
    assert_coverage(events, undecoded_bytes=0, lost_responses=0)


def test_killed_connection(server, shop, hear):
    told = []
    events, log = hear(server, interrupted, "KILL {}", told)
    harness.assert_heard_all(events, log)
    assert answer(by_sql(events, LONG_SQL)) == told[0] and told[0][0] in ("lost", "error")
    assert_coverage(events, undecoded_bytes=0, lost_responses=0, unanswered=int(told[0][0] == "lost"))


def test_too_many_connections(server, hear):
    def workload(server):
        held = []
        server.execute("SET GLOBAL max_connections = 10")
        try:
            with pytest.raises(pymysql.MySQLError, match="1040"):
                while len(held) < 20:
                    held.append(connect(server))
        finally:
            for connection in held:
                connection.close()
            server.wait_until_left()
            server.execute("SET GLOBAL max_connections = 2000")
    events, _ = hear(server, workload)
    refused = [e for e in events if e["type"] == "session" and e["login"] == "error"]
    assert [(e["error"]["code"], e["error"]["message"], e["user"]) for e in refused] == [
        (1040, "Too many connections", None)]
    assert_coverage(events, undecoded_bytes=0, lost_responses=0)


HERE = "127.0.0.2"  # MariaDB holds no errors against 127.0.0.1, MySQL none against 127.*


@pytest.mark.parametrize("kind", ["mariadb", "mysql97", "mysql56"])
def test_host_that_may_not_come(pool, hear, kind):
    """It is told so before any greeting, and so is one that broke off too often."""
    server = pool.get(kind, "resolving", ["--disable-skip-name-resolve"])

    def come():
        with pytest.raises(pymysql.MySQLError) as told:
            connect(server, user="anyone", bind_address=HERE, autocommit=None)
        return told.value.args[0]

    def workload(server):
        told[:] = [come()]
        if kind != "mariadb":
            return
        server.execute("CREATE USER anyone@'%'; SET GLOBAL max_connect_errors = 1; FLUSH HOSTS")
        for _ in range(20):
            with socket.create_connection(("127.0.0.1", server.port), source_address=(HERE, 0)) as s:
                if b"blocked" in s.recv(200):
                    break
            time.sleep(0.05)
        told.append(come())
        server.execute("DROP USER anyone@'%'; SET GLOBAL max_connect_errors = DEFAULT; FLUSH HOSTS")
    told = []
    events, _ = hear(server, workload)
    refused = [e for e in events if e["type"] == "session" and e["login"] == "error"]
    wanted = [1130, 1129] if kind == "mariadb" else [1130]
    assert sorted({e["error"]["code"] for e in refused}, reverse=True) == told == wanted
    assert all(f"Host '{HERE}'" in e["error"]["message"] and e["user"] is None for e in refused)
    assert_coverage(events, undecoded_bytes=0, lost_responses=0)


def end_error(events):
    """The code of the error behind which the one session that has one ended; 0: none has."""
    found = [e["error"]["code"] for e in events if e["type"] == "end" and "error" in e]
    assert len(found) < 2
    return found[0] if found else 0


def test_command_over_the_servers_limit(server, hear):
    """The server answers before the command has ended, and closes the connection."""
    def workload(server):
        usual = server.execute("SELECT @@GLOBAL.max_allowed_packet").strip()
        server.execute("SET GLOBAL max_allowed_packet = 1048576")
        try:
            client = connect(server)
            assert outcome(client, "SELECT 'short'") == ("resultset", 0)
            assert outcome(client, f"SELECT '{'x' * (8 << 20)}'")[0] in ("lost", "error")
        finally:
            server.execute(f"SET GLOBAL max_allowed_packet = {usual}")
    events, _ = hear(server, workload)
    assert [e["sql"] for e in exchanges(events, "QUERY") if "SELECT" in e["sql"]] == ["SELECT 'short'"]
    assert end_error(events) == 1153
    assert_coverage(events, cut_commands=1, unasked_errors=1, undecoded_bytes=0, lost_responses=0)


def test_idle_connection_is_closed(server, hear):
    """MySQL since 8.0.24 says why; the others do not."""
    def workload(server):
        client = connect(server)
        outcome(client, "SET SESSION wait_timeout = 1")
        wait_for(lambda: server.execute("SELECT COUNT(*) FROM information_schema.processlist "
                                        f"WHERE id = {client.thread_id()}").strip(), "0")
        assert outcome(client, "SELECT 1") == ("lost", 0)
    says_why = server.execute("SELECT VERSION()").strip().startswith("9.")
    events, _ = hear(server, workload)
    assert end_error(events) == (4031 if says_why else 0)
    assert_coverage(events, undecoded_bytes=0, lost_responses=0, unasked_errors=int(says_why))


HALF_A_STATEMENT = """
import os, sys
sys.path[:0] = {folders!r}
import workload
class Server:
    port = {port}
c = workload.connect(Server)
c.query("SELECT 'before'")
c._write_bytes(b"\\xff\\xff\\xff\\0\\3SELECT '" + b"x" * {size})
os.kill(os.getpid(), 9)
"""


def test_client_killed_within_a_statement(server, hear):
    """A statement of 20 MiB, of which 18 are sent."""
    def workload(server):
        code = HALF_A_STATEMENT.format(folders=[str(harness.TOP / name) for name in ("tests/e2e", "tools")], port=server.port, size=15 << 20)
        done = subprocess.run([sys.executable, "-c", code], check=False, capture_output=True)
        assert done.returncode == -9, done.stderr
    events, log = hear(server, workload, busy=True)
    harness.assert_heard_all(events, log)
    assert [e["sql"] for e in exchanges(events)] == ["SET AUTOCOMMIT = 0", "SELECT 'before'"]
    assert [e["reason"] for e in events if e["type"] == "end"][0] in ("fin", "reset")
    assert_coverage(events, lost_responses=0)


def test_client_killed_while_it_waits(server, hear):
    """It is the client that ends the session: the server goes on, and notices later."""
    asks = HALF_A_STATEMENT[:HALF_A_STATEMENT.index("c._write")] + """
c._execute_command(3, "SELECT 1 FROM (SELECT SLEEP(20)) AS t")
print("asked", flush=True)
sys.stdin.read()
"""

    def workload(server):
        code = asks.format(folders=[str(harness.TOP / name) for name in ("tests/e2e", "tools")], port=server.port)
        with subprocess.Popen([sys.executable, "-c", code], stdin=subprocess.PIPE, stdout=subprocess.PIPE) as client:
            assert client.stdout.readline() == b"asked\n"
            wait_for(lambda: server.execute(f"SELECT COUNT(*) {waits}").strip(), "1")
            client.kill()
        for number in server.execute(f"SELECT id {waits}").split():
            server.execute(f"KILL {number}")
    waits = "FROM information_schema.processlist WHERE info LIKE 'SELECT 1 FROM (SELECT SLEEP%'"
    events, _ = hear(server, workload)
    assert by_sql(events, "SELECT 1 FROM (SELECT SLEEP(20)) AS t")["unanswered"]
    assert_coverage(events, lost_responses=0, unanswered=1)


RARE = [(COMMAND.COM_SLEEP, b""), (COMMAND.COM_CREATE_DB, b"made"), (COMMAND.COM_DROP_DB, b"made"),
        (COMMAND.COM_REFRESH, b"\x04"), (COMMAND.COM_STATISTICS, b""), (COMMAND.COM_CONNECT, b""),
        (COMMAND.COM_DEBUG, b""), (COMMAND.COM_PING, b""), (COMMAND.COM_TIME, b""), (COMMAND.COM_DELAYED_INSERT, b""),
        (COMMAND.COM_TABLE_DUMP, b"\1x\1y"), (COMMAND.COM_CONNECT_OUT, b""), (0x1D, b""), (0x20, b""),
        (COMMAND.COM_STMT_RESET, b"\x63\0\0\0"), (COMMAND.COM_STMT_FETCH, b"\x63\0\0\0\1\0\0\0")]


def what_came(packet):
    if packet[:1] == b"\xff":
        return "error", struct.unpack("<H", packet[1:3])[0]
    return ("ok", 0) if packet[:1] in (b"\0", b"\xfe") else ("string", 0)


def ask(connection, command, payload):
    try:
        return what_came(binary.simple(connection, command, payload))
    except pymysql.MySQLError as e:
        return "error", e.args[0]


def rare_commands(server, told):
    with connect(server, database="shop", autocommit=None) as c:
        told += [ask(c, command, payload) for command, payload in RARE]
        binary.send(c, COMMAND.COM_PROCESS_INFO)
        first = None
        try:
            first = binary.read_packet(c)
            binary.read_until_end(c)
            rows, _ = binary.read_until_end(c)
            told.append(("resultset", len(rows)))
        except pymysql.MySQLError as e:
            assert first is None
            told.append(("error", e.args[0]))
        victim = connect(server, autocommit=None)
        told.append(ask(c, COMMAND.COM_PROCESS_KILL, struct.pack("<I", victim.thread_id())))
        victim.close()
        c.query("SELECT 'at last'")


def test_rare_and_removed_commands(server, shop, hear):
    told = []
    events, _ = hear(server, rare_commands, told)
    heard = [e for e in exchanges(events) if e["command"] not in ("QUERY", "QUIT")]
    assert [e["command"] for e in heard][-2:] == ["PROCESS_INFO", "PROCESS_KILL"]
    assert [(e["response"], e["error"]["code"] if "error" in e else e.get("rows", 0)) for e in heard] == told
    assert by_sql(events, "SELECT 'at last'")["rows"] == 1
    assert_coverage(events, undecoded_bytes=0, lost_responses=0)


@pytest.mark.parametrize("kind", ["mariadb", "mysql56"])
def test_server_that_goes_away(kind, hear, tmp_path):
    """Killed within the rows of an answer; then asked to shut down."""
    try:
        server = getattr(servers, kind)(tmp_path / "server")
    except servers.Unavailable as e:
        pytest.skip(str(e))
    sql = "SELECT a.i, REPEAT('x', 1000) FROM shop.number a, shop.number b"
    got = []

    def broken(server):
        got.clear()
        if server.process is None:  # it is done once more
            server.start()
        c = connect(server, cursorclass=pymysql.cursors.SSCursor, autocommit=None)
        cursor = c.cursor()
        cursor.execute(sql)
        got.append(len(cursor.fetchmany(100)))
        server.kill()
        with pytest.raises(pymysql.MySQLError):
            while cursor.fetchone():
                got[0] += 1

    def stopped(server):
        c = connect(server, autocommit=None)
        got.append(ask(c, COMMAND.COM_SHUTDOWN, b"\0"))
        server.process.wait(servers.STOP_SECONDS)
        server.process = None

    server.start()
    try:
        server.execute("CREATE DATABASE shop; CREATE TABLE shop.number (i INT); INSERT INTO shop.number VALUES (1);" +
                       10 * "INSERT INTO shop.number SELECT * FROM shop.number;")
        events = heard_without_log(hear, server, broken, busy=True)
        cut = by_sql(events, sql)
        assert cut["response"] == "lost" and cut["unanswered"] and cut["rows"] >= got[0] >= 100
        assert_coverage(events, lost_responses=0, unanswered=1)
        server.start()
        events = heard_without_log(hear, server, stopped)
        assert [answer(e) for e in exchanges(events, "SHUTDOWN")] == [got[1]] == [("ok", 0)]
        assert_coverage(events, undecoded_bytes=0, lost_responses=0)
    finally:
        server.remove()


def heard_without_log(hear, server, workload, **options):
    """As hear(), of a server that is gone afterwards."""
    log, clear = server.general_log, server.log_clear
    server.general_log, server.log_clear = dict, lambda: None
    try:
        return hear(server, workload, **options)[0]
    finally:
        server.general_log, server.log_clear = log, clear


@pytest.fixture
def old_passwords(pool):
    server = pool.get("mysql56", "old", ["--secure-auth=OFF"])
    server.execute("DELETE FROM mysql.user WHERE user = 'old'; FLUSH PRIVILEGES; SET old_passwords = 1; "
                   "CREATE USER old@'%' IDENTIFIED WITH mysql_old_password; "
                   f"SET PASSWORD FOR old@'%' = OLD_PASSWORD('{PASSWORD.replace(chr(39), chr(39) * 2)}')")
    return server


def old_hash(data):
    first, second, add = 1345345333, 0x12345671, 7
    for c in data:
        first ^= ((first & 63) + add) * c + (first << 8) & 0xFFFFFFFFFFFFFFFF
        second = second + ((second << 8) ^ first) & 0xFFFFFFFFFFFFFFFF
        add += c
    return first & 0x7FFFFFFF, second & 0x7FFFFFFF


def old_scramble(password, challenge):
    """What a client before 4.1 answers to 8 bytes of challenge; PyMySQL has forgotten it."""
    ours, theirs, top = old_hash(password), old_hash(challenge[:8]), 0x3FFFFFFF
    seeds = [(ours[0] ^ theirs[0]) % top, (ours[1] ^ theirs[1]) % top]

    def draw():
        seeds[0] = (seeds[0] * 3 + seeds[1]) % top
        seeds[1] = (seeds[0] + seeds[1] + 33) % top
        return int(seeds[0] / top * 31)
    drawn = [draw() for _ in range(9)]
    return bytes(d + 64 ^ drawn[8] for d in drawn[:8])


class ClientBeforePlugins(pymysql.connections.Connection):
    def _get_server_information(self):
        super()._get_server_information()
        for new in (CLIENT.PLUGIN_AUTH, CLIENT.PLUGIN_AUTH_LENENC_CLIENT_DATA, CLIENT.CONNECT_ATTRS):
            self.server_capabilities &= ~new
            self.client_flag &= ~new


@pytest.mark.parametrize("named", [True, False], ids=["plugin", "before-plugins"])
def test_old_password(old_passwords, hear, monkeypatch, named):
    """The server asks for it by its plugin's name, or by one byte."""
    monkeypatch.setattr(pymysql._auth, "scramble_old_password", old_scramble, raising=False)

    def workload(server):
        for password in (PASSWORD, "wrong"):
            client = pymysql.connections.Connection if named else ClientBeforePlugins
            try:
                c = client(host="127.0.0.1", port=server.port, user="old", password=password)
                c.query("SELECT 'old'")
                c.close()
            except pymysql.MySQLError as e:
                assert e.args[0] == 1045 and password == "wrong"
    events, log = hear(old_passwords, workload)
    harness.assert_heard_all(events, log)
    sessions = [e for e in events if e["type"] == "session"]
    assert [(s["login"], s["user"], s["auth_plugin"]) for s in sessions] == [
        ("ok", "old", "mysql_old_password"), ("error", "old", "mysql_old_password")]
    assert by_sql(events, "SELECT 'old'")["rows"] == 1
    assert_coverage(events, undecoded_bytes=0, lost_responses=0)


CHANGES = "CREATE DATABASE IF NOT EXISTS log; CREATE OR REPLACE TABLE log.t (a INT); INSERT INTO log.t VALUES (1), (2)"

AS_MYSQL = CHANGES.replace("CREATE OR REPLACE TABLE", "DROP TABLE IF EXISTS log.t; CREATE TABLE")


def assert_replication(events, command, sessions=1):
    dumps = exchanges(events, command)
    assert [e["response"] for e in dumps] == ["replication"] * sessions
    assert_coverage(events, undecoded_bytes=0, replication=sessions, lost_responses=0)
    assert harness.coverage(events)["passed_bytes"] > 0


def test_replica(pool, hear):
    options = ["--log-bin=changes", "--server-id=1"]
    source = pool.get("mariadb", "logging", options)
    replica = pool.get("mariadb", "replica", ["--server-id=2"])

    def workload(source):
        replica.execute("CHANGE MASTER TO MASTER_HOST='127.0.0.1', MASTER_USER='root', MASTER_USE_GTID=no, "
                        f"MASTER_LOG_FILE='changes.000001', MASTER_LOG_POS=4, MASTER_PORT={source.port}; START SLAVE")
        try:
            source.execute(CHANGES)
            wait_for(lambda: replica.execute("SELECT COUNT(*) FROM information_schema.tables "
                                             "WHERE table_schema = 'log'").strip(), "1")
            wait_for(lambda: replica.execute("SELECT COUNT(*) FROM log.t").strip(), "2")
        finally:
            replica.execute("STOP SLAVE; RESET SLAVE ALL; DROP DATABASE IF EXISTS log")
    events, log = hear(source, workload)
    harness.assert_heard_all([e for e in events if e.get("command") not in ("REGISTER_SLAVE", "BINLOG_DUMP")],
                             {number: [e for e in entries if e[0] not in ("Register Slave", "Binlog Dump")]
                              for number, entries in log.items()})
    assert [answer(e) for e in exchanges(events, "REGISTER_SLAVE")] == [("ok", 0)]
    assert_replication(events, "BINLOG_DUMP")


def test_replica_by_gtid(pool, hear):
    """MySQL's own, which asks by what it has, and not by a place in a file."""
    options = ["--log-bin=changes", "--gtid-mode=ON", "--enforce-gtid-consistency=ON"]
    source = pool.get("mysql97", "logging", [*options, "--server-id=1"])
    replica = pool.get("mysql97", "replica", [*options, "--server-id=2"])

    def workload(source):
        replica.execute("STOP REPLICA; RESET BINARY LOGS AND GTIDS; "
                        f"SET GLOBAL gtid_purged = '{source.execute('SELECT @@gtid_executed').strip()}'")
        replica.execute(f"CHANGE REPLICATION SOURCE TO SOURCE_HOST='127.0.0.1', SOURCE_PORT={source.port}, SOURCE_USER='root', "
                        "SOURCE_AUTO_POSITION=1, SOURCE_SSL=0, GET_SOURCE_PUBLIC_KEY=1; START REPLICA")
        try:
            source.execute(AS_MYSQL)
            wait_for(lambda: replica.execute("SELECT COUNT(*) FROM information_schema.tables "
                                             "WHERE table_schema = 'log'").strip(), "1")
            wait_for(lambda: replica.execute("SELECT COUNT(*) FROM log.t").strip(), "2")
        finally:
            replica.execute("STOP REPLICA; RESET REPLICA ALL; DROP DATABASE IF EXISTS log")
    events, _ = hear(source, workload)
    assert answer(exchanges(events, "REGISTER_SLAVE")[0]) == ("ok", 0)
    assert_replication(events, "BINLOG_DUMP_GTID")


@pytest.mark.parametrize("way, command", [("BINLOG-DUMP-GTIDS", "BINLOG_DUMP_GTID"),
                                          ("BINLOG-DUMP-NON-GTIDS", "BINLOG_DUMP")])
def test_binary_log_is_read(pool, hear, way, command):
    server = pool.get("mysql97", "logging", ["--log-bin=changes", "--server-id=1", "--gtid-mode=ON",
                                             "--enforce-gtid-consistency=ON"])
    server.execute(AS_MYSQL)

    def workload(server):
        said = servers.run(server.wrap(["mysqlbinlog", "--no-defaults", f"--read-from-remote-source={way}", "-uroot",
                                        "-h127.0.0.1", f"-P{server.port}", "--ssl-mode=DISABLED", "changes.000001"]))
        assert "DROP TABLE IF EXISTS" in said or "CREATE TABLE" in said
    events, _ = hear(server, workload)
    assert_replication(events, command)


def test_gtids_are_tracked(pool, hear):
    server = pool.get("mysql97", "logging", ["--log-bin=changes", "--server-id=1", "--gtid-mode=ON",
                                             "--enforce-gtid-consistency=ON"])
    sql = ("SET session_track_gtids = OWN_GTID, session_track_schema = 1, session_track_state_change = 1, "
           "session_track_system_variables = '*', session_track_transaction_info = 'CHARACTERISTICS';\nCREATE DATABASE IF NOT EXISTS log;\nUSE log;\n"
           "CREATE TABLE IF NOT EXISTS t (a INT);\nSTART TRANSACTION READ WRITE;\nINSERT INTO t VALUES (3);\nCOMMIT;\n"
           "SET sql_mode = 'ANSI_QUOTES';\n")
    events, log = hear(server, command_line, sql=sql)
    harness.assert_heard_all(events, log)
    tracked = {e["sql"]: e.get("tracked", []) for e in exchanges(events) if e.get("sql")}
    [gtid] = [change["gtids"] for change in tracked["COMMIT"] if "gtids" in change]
    assert re.fullmatch(r"[0-9a-f-]{36}:\d+", gtid) and gtid.split(":")[0] in server.execute("SELECT @@server_uuid")
    assert {"schema": "log"} in tracked["log"]
    assert {"transaction_characteristics": "START TRANSACTION READ WRITE;"} in tracked["START TRANSACTION READ WRITE"]
    assert any(change.get("transaction_state", "").startswith("T") for change in tracked["INSERT INTO t VALUES (3)"])
    assert {"variable": "sql_mode", "value": "ANSI_QUOTES"} in tracked["SET sql_mode = 'ANSI_QUOTES'"]
    assert_coverage(events, undecoded_bytes=0, lost_responses=0)
