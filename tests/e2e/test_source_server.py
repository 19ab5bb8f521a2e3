"""What the server that is listened to says of itself and of its sessions: --source-server."""
import json
import re
import signal
import subprocess
import threading
import time

import pymysql
import pytest

import binary
import drivers
import harness
import replaying

PASSWORD = "w'atch 1"
WATCH_URL = "mysql://watch@127.0.0.1:{port}/"
IN_ALL = ["threads", "prepared_statements_instances", "user_variables_by_thread", "metadata_locks"]
SCHEMA = {"mysql97": [*IN_ALL, "variables_by_thread", "global_variables"], "mariadb": IN_ALL, "mariadb118": IN_ALL,
          "mysql56": []}
POSITION = {"mysql97": "REPLICATION CLIENT", "mysql56": "REPLICATION CLIENT", "mariadb": "BINLOG MONITOR",
            "mariadb118": "BINLOG MONITOR"}
BINLOG = {"mysql97": ["--log-bin=binlog", "--server-id=1", "--gtid-mode=ON", "--enforce-gtid-consistency=ON"],
          "mysql56": ["--log-bin=binlog", "--server-id=1"], "mariadb": ["--log-bin=binlog", "--server-id=1"],
          "mariadb118": ["--log-bin=binlog", "--server-id=1"]}
KINDS = list(BINLOG)


def connect(server, user="root", password="", **options):
    return pymysql.connect(host="127.0.0.1", port=server.port, user=user, password=password, ssl_disabled=True,
                           autocommit=True, **options)


def make_watcher(server, kind, grants=True):
    """An account with the privileges that the documentation names, and no others."""
    words = [f"CREATE USER watch@'%' IDENTIFIED BY '{PASSWORD.replace(chr(39), chr(39) * 2)}'"]
    if grants:
        words.append(f"GRANT PROCESS, {POSITION[kind]} ON *.* TO watch@'%'")
        words += [f"GRANT SELECT ON performance_schema.{table} TO watch@'%'" for table in SCHEMA[kind]]
    server.execute(";".join(["FLUSH PRIVILEGES", *words]))


@pytest.fixture(params=KINDS)
def watched(request, pool, tmp_path):
    """(kind, a server with a binary log and the account, the option file with its password)."""
    server = pool.get(request.param, "binlog", BINLOG[request.param])
    make_watcher(server, request.param)
    secret = tmp_path / "watch.cnf"
    secret.write_text(f'[client]\npassword="{PASSWORD}"\n')
    yield request.param, server, secret
    server.execute("DROP USER watch@'%'")


def recording(myna, path, server, secret, *options):
    return harness.myna_record(myna, path, server.port, "--source-server", WATCH_URL.format(port=server.port),
                               "--source-defaults-file", str(secret), *options)


def info_of(myna, path):
    return json.loads(myna.run("info", path, "--format", "json").stdout)


def test_what_the_server_says_is_in_the_recording(watched, myna, tmp_path):
    kind, server, secret = watched
    server.execute("CREATE DATABASE IF NOT EXISTS kept; CREATE TABLE IF NOT EXISTS kept.t (i INT)")
    with recording(myna, tmp_path / "a.myna", server, secret) as capture:
        client = connect(server)
        for i in range(3):
            client.query(f"INSERT INTO kept.t VALUES ({i})")
        client.close()
    assert capture.status == 0, capture.said
    asked = info_of(myna, capture.path)["asked"]
    first, last = asked[0], asked[-1]
    facts = first["facts"]
    assert facts["version"] in server.version and facts["port"] == str(server.port)
    assert facts["transaction_isolation"] == "REPEATABLE-READ" and "STRICT_TRANS_TABLES" in facts["sql_mode"] \
        or kind == "mysql56"
    assert not first["refused"], first
    assert facts["binlog_file"].startswith("binlog.")
    assert int(last["facts"]["binlog_position"]) > int(facts["binlog_position"])
    if kind != "mysql56":
        assert last["facts"]["gtid"] != facts.get("gtid")
    text = myna.run("info", capture.path).stdout
    assert "binlog_position: " + last["facts"]["binlog_position"] in text
    # Nothing of our own questions was heard.
    events = myna.export(capture.path)
    assert [e["user"] for e in events if e["type"] == "session"] == ["root"]
    # What is cut out and merged keeps it.
    myna.run("cut", capture.path, "-o", tmp_path / "b.myna", "--until", "+1h")
    myna.run("merge", capture.path, tmp_path / "b.myna", "-o", tmp_path / "c.myna")
    assert info_of(myna, tmp_path / "b.myna")["asked"] == asked == info_of(myna, tmp_path / "c.myna")["asked"]


def test_replay_tells_what_is_set_otherwise_and_the_backup(watched, target, myna, tmp_path):
    _, server, secret = watched
    server.execute("SET GLOBAL time_zone = '+05:00'")
    try:
        with recording(myna, tmp_path / "a.myna", server, secret) as capture:
            connect(server).query("SELECT 1")
    finally:
        server.execute("SET GLOBAL time_zone = 'SYSTEM'")
    facts = info_of(myna, capture.path)["asked"][0]["facts"]
    target.execute("SET GLOBAL sql_mode = 'ANSI_QUOTES', transaction_isolation = 'SERIALIZABLE'"
                   if "11.8" in target.version else
                   "SET GLOBAL sql_mode = 'ANSI_QUOTES'; SET GLOBAL tx_isolation = 'SERIALIZABLE'")
    try:
        said = replaying.replay(myna, capture.path, target)[0].stderr
    finally:
        target.execute("SET GLOBAL sql_mode = DEFAULT; SET GLOBAL tx_isolation = DEFAULT")
    assert re.search(r"the target's sql_mode is 'ANSI_QUOTES', the recorded server's was '", said), said
    assert "the target's transaction_isolation is 'SERIALIZABLE', the recorded server's was 'REPEATABLE-READ'" in said
    assert "the target's time_zone is 'SYSTEM', the recorded server's was '+05:00'" in said
    assert f"{facts['binlog_file']} position {facts['binlog_position']}" in said


KEPT = """DROP DATABASE IF EXISTS kept; CREATE DATABASE kept CHARACTER SET utf8mb4; USE kept;
CREATE TABLE t (name VARCHAR(50), round INT, weight DOUBLE, at VARCHAR(30))"""
ROWS = "SELECT name, round, weight, at FROM kept.t ORDER BY name, round, weight, at"


def start(command, name):
    client = subprocess.Popen([*map(str, command), name], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    assert client.stdout.readline() == "ready\n"
    return client


def open_clients(kind, server, folder):
    """Clients that have prepared already, and go on when they are told."""
    c_library = drivers.library("mysql" if kind == "mysql97" else "mariadb", folder, "open")
    drivers.need("node", "nodejs")
    modules = drivers.servers.npm_modules(drivers.CLIENTS / "node")
    node = ["env", f"NODE_PATH={modules}", "node", drivers.CLIENTS / "open.js"]
    return [start([*c_library, server.port], "of the library"), start([*node, server.port], "of node")]


def logged_executions(server):
    """What was executed on the table, as the server has it in its log: sorted."""
    return sorted(text for entries in server.general_log().values() for command, text in entries
                  if command == "Execute" and "INSERT INTO t" in text)


@pytest.mark.parametrize("kind", ["mysql97", "mariadb", "mariadb118"])
def test_sessions_open_before_are_replayed_with_their_statements(kind, pool, target, myna, tmp_path):
    server = pool.get(kind, "binlog", BINLOG[kind])
    for one in (server, target):
        one.execute(KEPT)
    make_watcher(server, kind)
    secret = tmp_path / "watch.cnf"
    secret.write_text(f'[client]\npassword="{PASSWORD}"\n')
    clients = open_clients(kind, server, tmp_path)
    early = connect(server, database="kept")
    early.query("SET time_zone = '+03:00'")
    early.query("PREPARE named FROM 'INSERT INTO t (name, at) VALUES (''in sql'', @@time_zone)'")
    statement = binary.Statement(early, "INSERT INTO t (name, round, at) VALUES (?, ?, @@time_zone)")
    server.log_clear()
    try:
        with recording(myna, tmp_path / "a.myna", server, secret) as capture:
            time.sleep(1)  # on a busy machine the answers take longer than anybody waits for them
            for client in clients:
                client.stdin.write("go\n")
                client.stdin.flush()
                assert client.wait(30) == 0
            statement.execute("of PyMySQL", 7)
            early.query("EXECUTE named")
            early.close()
    finally:
        server.execute("DROP USER watch@'%'")
    want = logged_executions(server)
    events = myna.export(capture.path)
    executed = [e for e in events if e["type"] == "exchange" and e["command"] == "STMT_EXECUTE"]
    assert [e["sql"] is not None for e in executed] == [True] * 10, capture.said
    sessions = [e for e in events if e["type"] == "session"]
    assert [(s["joined"], s["user"], s["database"]) for s in sessions] == [(True, "root", "kept")] * 3
    outcome, log = replaying.outcome_of(myna, capture.path, target)
    assert failures(outcome) == (3, 0, 0, {}), outcome
    # The target's log has the same statements with the same values, prepared late.
    got = sorted(text for entries in log.values() for command, text in entries
                 if command == "Execute" and "INSERT INTO t" in text)
    assert [plain_numbers(text) for text in got] == [plain_numbers(text) for text in want]
    if kind != "mysql97":  # whose variables are not known to anybody else
        target.execute("UPDATE kept.t SET at = '+03:00' WHERE at IS NOT NULL")
    assert target.execute(ROWS) == server.execute(ROWS)


VALUES = ["5", "-12.50", "'plain'", "'it''s'", "NULL", "'back\\\\slash'", "x'00ff41'", "'gr\u00fcn \U0001f600'", "'007'"]


@pytest.mark.parametrize("kind", ["mysql97", "mariadb", "mariadb118"])
def test_sessions_open_before_have_their_variables_and_their_transaction(kind, pool, target, myna, tmp_path):
    server = pool.get(kind, "binlog", BINLOG[kind])
    for one in (server, target):
        one.execute(KEPT)
    make_watcher(server, kind)
    secret = tmp_path / "watch.cnf"
    secret.write_text(f'[client]\npassword="{PASSWORD}"\n')
    early = connect(server, database="kept", charset="utf8mb4")
    for i, value in enumerate(VALUES):
        early.query(f"SET @v{i} = {value}")
    early.query("SET @`odd name` = 1, @long = REPEAT('x', 5000)")
    early.query("SELECT GET_LOCK('held', 1)")
    early.query("BEGIN")
    early.query("INSERT INTO t (name) VALUES ('before')")
    try:
        with recording(myna, tmp_path / "a.myna", server, secret) as capture:
            time.sleep(1)  # as above
            for i in range(len(VALUES)):
                early.query(f"INSERT INTO t (round, name) VALUES ({i}, HEX(@v{i}))")
            early.query("SELECT " + ", ".join(f"@v{i}, HEX(@v{i})" for i in range(len(VALUES))) + ", @`odd name`")
            early.query("ROLLBACK")
            early.query("SET @v0 = 6")
            early.query("INSERT INTO t (name) VALUES (@v0)")
            early.close()
    finally:
        server.execute("DROP USER watch@'%'")
    assert "not known: the account" not in capture.said
    outcome, _ = replaying.outcome_of(myna, capture.path, target)
    assert failures(outcome) == (1, 0, 0, {}), [(s["verdict"], s["where"]) for d in outcome["digests"] for s in d.get("samples", [])]
    assert (outcome["in_transaction"], outcome["state_incomplete"]) == (1, 1)  # @long, and NULL might be ''
    assert outcome["open_before"] == (kind == "mysql97")
    assert target.execute(ROWS) == server.execute(ROWS) == "6\tNULL\tNULL\tNULL\n"


def plain_numbers(text):
    """The servers write a DOUBLE in a log as 0.5, 5e-1 or 0.50000."""
    return re.sub(r"\b\d[\d.]*(?:e[-+]?\d+)?\b", lambda m: f"{float(m.group()):g}", text)


def failures(outcome):
    return (outcome["joined"], outcome["differences"], outcome["state_failed"], replaying.counted(outcome["not_sent"]))


def test_what_the_account_may_not_see_is_told(mariadb, mysql97, myna, tmp_path):
    secret = tmp_path / "watch.cnf"
    secret.write_text(f'[client]\npassword="{PASSWORD}"\n')
    for kind, server in (("mysql97", mysql97), ("mariadb", mariadb)):
        make_watcher(server, kind, grants=False)
        early = connect(server)
        try:
            with recording(myna, tmp_path / f"{kind}.myna", server, secret) as capture:
                early.query("SELECT 1")
        finally:
            early.close()
            server.execute("DROP USER watch@'%'")
        assert f"lacks the privilege {POSITION[kind]}" in capture.said
        assert "lacks the privilege PROCESS" in capture.said
        assert "lacks SELECT on performance_schema.prepared_statements_instances" in capture.said
        assert ("MariaDB does not tell it" in capture.said) == (kind == "mariadb")
        facts = info_of(myna, capture.path)["asked"][0]
        assert "sql_mode" in facts["facts"] and set(facts["refused"]) == {"binlog_file", "binlog_position"}
        session, = [e for e in myna.export(capture.path) if e["type"] == "session"]
        assert session["user"] is None and "asked" not in session
        assert harness.coverage(myna.export(capture.path))["unmatched"] == 1


def test_a_server_without_its_schema_tells_the_rest(pool, myna, tmp_path):
    """As MariaDB is by default."""
    server = pool.get("mariadb", "schemaless", ["--performance-schema=OFF"])
    secret = tmp_path / "watch.cnf"
    secret.write_text("[client]\npassword=\n")
    early = connect(server, database="mysql")
    statement = binary.Statement(early, "SELECT ? + 1")
    with harness.myna_record(myna, tmp_path / "a.myna", server.port, "--source-server", server.url(),
                             "--source-defaults-file", str(secret)) as capture:
        statement.execute(1)
    early.close()
    assert "the server's performance_schema is off" in capture.said
    events = myna.export(capture.path)
    session, = [e for e in events if e["type"] == "session"]
    assert (session["user"], session["database"], session["asked"]) == ("root", "mysql", True)
    assert [e["sql"] for e in events if e["type"] == "exchange"] == [None]


def test_a_server_that_hangs_stalls_nobody(mariadb118, myna, tmp_path):
    """The informant's server stops answering: what is heard of the same is recorded, and the end comes."""
    server = mariadb118
    with harness.myna_record(myna, tmp_path / "a.myna", server.port, "--source-server", server.url()) as capture:
        client = connect(server)
        client.query("SELECT 1")
        server.process.send_signal(signal.SIGSTOP)
        threading.Timer(1, server.process.send_signal, [signal.SIGCONT]).start()
        client.query("SELECT 2")
        client.close()
    said = [e["sql"] for e in myna.export(capture.path) if e["type"] == "exchange" and e["command"] == "QUERY"]
    assert said[-2:] == ["SELECT 1", "SELECT 2"] and capture.status == 0


def test_all_threads_know_what_the_server_says(mariadb, myna):
    early = [connect(mariadb, database="mysql") for _ in range(6)]
    statements = [binary.Statement(c, f"SELECT ? + {i}") for i, c in enumerate(early)]
    report = myna.start("report", "-i", "lo", "--port", mariadb.port, "--threads", "3", "--duration", "2s",
                        "--format", "json", "--source-server", mariadb.url())
    time.sleep(1)
    for statement in statements:
        statement.execute(1)
    out, _ = report.communicate(timeout=30)
    for c in early:
        c.close()
    assert json.loads(out.splitlines()[0])["coverage"]["asked"] == 6 if "\n{" not in out else True
    assert "SELECT ? + ?" in out and report.returncode == 0


def test_the_doctor_counts_what_cannot_be_heard(mariadb, myna):
    socket = pymysql.connect(unix_socket=str(mariadb.socket), user="root")
    tcp = connect(mariadb)
    done = myna.run("doctor", "-i", "lo", "--port", mariadb.port, "--duration", "300ms", "--source-server",
                    mariadb.url(), status=None)
    socket.close()
    tcp.close()
    assert re.search(r"sessions +the server has \d+ other sessions: \d+ over TCP, [1-9]\d* over its local", done.stdout)
    assert "over the local socket cannot be heard" in done.stdout


def test_a_server_that_does_not_let_us_in_is_an_error_at_once(mariadb, myna, tmp_path):
    done = myna.run("record", "-i", "lo", "--port", mariadb.port, "-o", tmp_path / "a.myna", "--source-server",
                    f"mysql://nobody:secretive@127.0.0.1:{mariadb.port}/", status=(1,))
    assert "--source-server: " in done.stderr and "secretive" not in done.stderr
    done = myna.run("record", tmp_path / "none.pcap", "-o", tmp_path / "a.myna", "--source-server", "mysql://x@y/",
                    status=(2,))
    assert "--source-server is for listening live" in done.stderr
