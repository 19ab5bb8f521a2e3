"""What myna hears in a capture is what the server executed, and what the client was answered."""
import datetime
import json
import struct
import subprocess
import threading

import pymysql
import pytest
from pymysql.constants import CLIENT, COMMAND

import binary
import harness
from conftest import SHOP
from workload import command_line, connect, sysbench


def exchanges(events, command=None):
    return [e for e in events if e["type"] == "exchange" and command in (None, e["command"])]


def by_sql(events, sql):
    found = [e for e in exchanges(events) if e.get("sql") == sql]
    assert len(found) == 1, f"{sql!r} was heard {len(found)} times"
    return found[0]


def text_workload(server):
    with connect(server, database="shop", client_flag=CLIENT.MULTI_STATEMENTS) as c:
        with c.cursor() as cursor:
            cursor.execute("SELECT id, name FROM item ORDER BY id")
            cursor.execute("UPDATE item SET price = price + 1 WHERE id < 3")
            cursor.execute("INSERT INTO item (name, note) VALUES ('g\u00fcrtel \u2603', NULL)")
            cursor.execute("SELECT '" + "x" * 70000 + "'")
            cursor.execute("SELECT 1 AS one; DO 0; SELECT 2, 3")
            while cursor.nextset():
                pass
        for wrong in ("SELECT * FROM nowhere", "SELEC", "INSERT INTO item (id) VALUES (1)"):
            with pytest.raises(pymysql.MySQLError):
                c.query(wrong)
        c.select_db("mysql")
        c.ping(reconnect=False)
        c.rollback()


def test_text_protocol(server, shop, hear):
    events, log = hear(server, text_workload)
    harness.assert_heard_all(events, log)
    select = by_sql(events, "SELECT id, name FROM item ORDER BY id")
    assert (select["response"], select["columns"], select["rows"]) == ("resultset", 2, 3)
    update = by_sql(events, "UPDATE item SET price = price + 1 WHERE id < 3")
    assert (update["response"], update["affected_rows"]) == ("ok", 2)
    insert = by_sql(events, "INSERT INTO item (name, note) VALUES ('g\u00fcrtel \u2603', NULL)")
    assert (insert["affected_rows"], insert["insert_id"]) == (1, 4)
    multiple = by_sql(events, "SELECT 1 AS one; DO 0; SELECT 2, 3")
    assert multiple["response"] == "resultset" and multiple["rows"] == 2
    assert [r.get("rows", 0) for r in multiple["results"]] == [1, 0, 1]
    missing = by_sql(events, "SELECT * FROM nowhere")
    assert missing["response"] == "error"
    assert (missing["error"]["code"], missing["error"]["sqlstate"]) == (1146, "42S02")
    assert by_sql(events, "INSERT INTO item (id) VALUES (1)")["error"]["code"] == 1062
    assert by_sql(events, "SELECT id, name FROM item ORDER BY id")["database"] == "shop"
    assert by_sql(events, "ROLLBACK")["database"] == "mysql"


def test_session_facts(server, shop, hear):
    numbers = []

    def workload(server):
        with connect(server, database="shop", program_name="kiosk") as c:
            numbers.append(c.thread_id())
    events, _ = hear(server, workload)
    [session] = [e for e in events if e["type"] == "session"]
    assert session["connection_id"] == numbers[0]
    assert (session["user"], session["database"], session["login"]) == ("root", "shop", "ok")
    # What the server says in VERSION() may differ from its greeting by the "5.5.5-" and a suffix.
    assert server.version.split("-")[0] in session["server_version"]
    assert session["server"] == f"127.0.0.1:{server.port}"
    assert session["joined"] is False and session["tls"] is False
    assert session["attributes"]["program_name"] == "kiosk"
    [end] = [e for e in events if e["type"] == "end"]
    assert end["reason"] == "quit"
    count = harness.coverage(events)
    assert (count["sessions"], count["joined"], count["gaps"], count["undecoded_bytes"]) == (1, 0, 0, 0)


def binary_workload(server):
    moment = datetime.datetime(2024, 2, 29, 12, 30, 1)
    with connect(server, database="shop") as c:
        insert = binary.Statement(c, "INSERT INTO item (name, weight, made, note) VALUES (?, ?, ?, ?)")
        insert.execute("saw", 1.5, moment, b"sharp")
        insert.execute("file", 0.25, moment, b"rough")  # the types are not sent again
        insert.execute("nail", None, None, None)
        insert.execute("it's \\ \"quoted\"\n", -1e100, moment, b"")
        insert.long_data(3, b"a piece, ")
        insert.long_data(3, b"another")
        insert.execute("rope", 2.0, moment, b"", long_data=(3,))
        select = binary.Statement(c, "SELECT * FROM item WHERE id > ? AND name <> ?")
        assert len(select.execute(3, "saw")) == 4
        insert.reset()
        select.execute(0, "x", cursor=binary.CURSOR_READ_ONLY)
        rows, more = select.fetch(3)
        assert len(rows) == 3 and more
        rows, more = select.fetch(100)
        assert len(rows) == 5 and not more
        select.close()
        with pytest.raises(pymysql.MySQLError):
            binary.Statement(c, "SELEC ?")
        insert.close()
        c.commit()


def is_cursor(entry):
    return entry == ("Execute", "SELECT * FROM item WHERE id > 0 AND name <> 'x'")


def test_binary_protocol(server, shop, hear):
    events, log = hear(server, binary_workload)
    if server.program == "mysqld" and server.version.startswith("5.6"):
        # This server does not log an execution that opens a cursor.
        heard = [e for entries in harness.heard_conversations(events).values() for e in entries]
        assert sum(map(is_cursor, heard)) == 1
        events = [e for e in events
                  if not (e["type"] == "exchange" and is_cursor(harness.heard_entry(e)))]
    harness.assert_heard_all(events, log)
    executions = exchanges(events, "STMT_EXECUTE")
    assert executions[0]["parameters"][:2] == ["saw", 1.5]
    assert executions[1]["parameters"][:2] == ["file", 0.25]
    assert executions[2]["parameters"] == ["nail", None, None, None]
    assert all(e["affected_rows"] == 1 for e in executions[:5])
    assert executions[5]["response"] == "resultset" and executions[5]["rows"] == 4
    assert [e["rows"] for e in exchanges(events, "STMT_FETCH")] == [3, 5]
    failed = [e for e in exchanges(events, "STMT_PREPARE") if e["sql"] == "SELEC ?"]
    assert failed[0]["error"]["code"] == 1064
    assert harness.coverage(events)["undecoded_bytes"] == 0


def test_rarer_commands(server, shop, hear):
    def workload(server):
        with connect(server, database="shop") as c:
            binary.simple(c, COMMAND.COM_STATISTICS)
            assert len(binary.field_list(c, "item")) == 6
            binary.simple(c, COMMAND.COM_SET_OPTION, struct.pack("<H", 0))
            binary.simple(c, COMMAND.COM_DEBUG)
            if not server.version.startswith("5.6"):
                binary.simple(c, binary.COM_RESET_CONNECTION)
            c.query("DO 1")
    events, log = hear(server, workload)
    harness.assert_heard_all(events, log)
    [statistics] = exchanges(events, "STATISTICS")
    assert statistics["response"] == "string" and statistics["message"].startswith("Uptime")
    [fields] = exchanges(events, "FIELD_LIST")
    assert (fields["response"], fields["columns"], fields["sql"]) == ("fields", 6, "item")
    for command in ("SET_OPTION", "DEBUG"):
        assert [e["response"] for e in exchanges(events, command)] == ["ok"]


@pytest.mark.parametrize("kind", ["mariadb", "mariadb118"])
def test_bulk_execution(pool, kind, hear, bulk_client):
    server = pool.get(kind)
    server.execute(SHOP)
    events, _ = hear(server, lambda server: subprocess.run([bulk_client, str(server.port)], check=True))
    insert, update = exchanges(events, "STMT_BULK_EXECUTE")
    assert insert["parameters"] == [[101, "axe", 1.5], [102, "b\u00e4r", None],
                                    [103, "", {"indicator": "default"}], [104, "", 0.25]]
    assert (insert["response"], insert["affected_rows"]) == ("ok", 4)
    assert update["parameters"] == [["saw", 101], ["file", 104]] and update["affected_rows"] == 2
    assert update["sql"] == "UPDATE item SET name = ? WHERE id = ?"
    assert harness.coverage(events)["undecoded_bytes"] == 0


def test_stored_procedure_answers_with_several_results(server, shop, hear):
    server.execute("DELIMITER //\nCREATE PROCEDURE two() BEGIN SELECT id FROM item; SELECT 1, 2; END//\n", "shop")

    def workload(server):
        with connect(server, database="shop", client_flag=CLIENT.MULTI_STATEMENTS) as c:
            with c.cursor() as cursor:
                cursor.execute("CALL two()")
                while cursor.nextset():
                    pass
    events, _ = hear(server, workload)
    call = by_sql(events, "CALL two()")
    assert [r.get("rows", 0) for r in call["results"]][:2] == [3, 1]
    assert call["rows"] == 4


def test_error_in_the_middle_of_rows(mariadb, shop, hear):
    sql = "SELECT id, IF(id < 900, 1, (SELECT 1 UNION SELECT id)) FROM numbers ORDER BY id"
    mariadb.execute("CREATE TABLE numbers (id INT PRIMARY KEY); "
                    "INSERT INTO numbers SELECT seq FROM seq_1_to_1000", "shop")

    def workload(server):
        with connect(server, database="shop") as c:
            with pytest.raises(pymysql.MySQLError):
                c.query(sql)
    events, log = hear(mariadb, workload)
    harness.assert_heard_all(events, log)
    assert by_sql(events, sql)["response"] == "error"
    assert by_sql(events, sql)["error"]["code"] == 1242


def test_local_infile(server, shop, hear, tmp_path):
    path = tmp_path / "rows.txt"
    path.write_text("".join(f"{i}\tline {i}\n" for i in range(10, 20)))
    sql = f"LOAD DATA LOCAL INFILE '{path}' INTO TABLE item (id, name)"

    def workload(server):
        with connect(server, database="shop", local_infile=True) as c:
            c.query(sql)
            c.query("SELECT 1")
    events, log = hear(server, workload)
    harness.assert_heard_all(events, log)
    load = by_sql(events, sql)
    assert (load["response"], load["affected_rows"]) == ("ok", 10)
    assert load["infile"] == str(path) and load["infile_bytes"] == path.stat().st_size


def test_payloads_over_16_mib_both_ways(mariadb, shop, hear):
    size = (1 << 24) + 100

    def workload(server):
        with connect(server, max_allowed_packet=1 << 30) as c:
            c.query("SET @a = '" + "x" * size + "'")
            with c.cursor() as cursor:
                cursor.execute("SELECT @a, @a")
                assert len(cursor.fetchone()[0]) == size
            c.query("SELECT 'after'")
    events, log = hear(mariadb, workload)
    harness.assert_heard_all(events, log)
    assert by_sql(events, "SELECT @a, @a")["rows"] == 1
    assert by_sql(events, "SELECT 'after'")["response"] == "resultset"


def test_prepared_values_over_16_mib_both_ways(server, shop, hear):
    value = b"x" * (10 << 20)

    def workload(server):
        with connect(server, database="shop", max_allowed_packet=1 << 30) as c:
            both = binary.Statement(c, "SELECT ?, ?")
            assert len(both.execute(value, value)[0]) > 2 * len(value)
            c.query("SELECT 'after'")
    events, _ = hear(server, workload)
    [execution] = exchanges(events, "STMT_EXECUTE")
    assert (execution["response"], execution["rows"]) == ("resultset", 1)
    assert len(execution["text"]) > 2 * len(value)
    assert by_sql(events, "SELECT 'after'")["response"] == "resultset"
    assert harness.coverage(events)["undecoded_bytes"] == 0


def test_session_joined_at_its_next_command(server, shop, myna, tmp_path):
    with connect(server, database="shop") as c:
        number = c.thread_id()
        old = binary.Statement(c, "SELECT ? + 1")
        c.query("SELECT 'not heard'")
        server.log_clear()
        capture = harness.tcpdump(tmp_path / "joined.pcap", server.port)
        with capture:
            c.query("SELECT 'heard'")
            old.execute(5)
            c.query("SELECT id FROM item")
    events = myna.export(capture.path, server.port)
    [session] = [e for e in events if e["type"] == "session"]
    assert session["joined"] is True and session["login"] is None
    heard = [harness.heard_entry(e) for e in exchanges(events, "QUERY")]
    logged = [e for e in harness.logged_conversations(server.general_log())[number] if e[0] == "Query"]
    harness.assert_same(heard, logged)
    [execution] = exchanges(events, "STMT_EXECUTE")
    assert execution["response"] == "resultset" and execution["statement_id"] == old.id
    assert harness.coverage(events)["joined"] == 1


def test_tls_is_recognised(mysql97, shop, hear):
    events, _ = hear(mysql97, command_line, "shop", sql="SELECT 'secret'", plain=False, status=(3,))
    [session] = [e for e in events if e["type"] == "session"]
    assert session["login"] == "tls" and session["tls"] is True
    assert harness.coverage(events)["encrypted"] == 1
    assert not exchanges(events)


SCRIPT = """SELECT * FROM item;
DELIMITER //
SELECT 'a;b' //
DELIMITER ;
CREATE TABLE made (a INT);
INSERT INTO made VALUES (1), (2);
SELECT COUNT(*) FROM made;
USE mysql
DROP TABLE shop.made;
"""


def test_command_line_client(server, shop, hear):
    events, log = hear(server, command_line, "shop", sql=SCRIPT)
    harness.assert_heard_all(events, log)
    assert by_sql(events, "SELECT COUNT(*) FROM made")["rows"] == 1


def test_query_attributes(mysql97, hear):
    events, log = hear(mysql97, command_line, sql="query_attributes n1 v1 n2 v2\nSELECT 1;\nSELECT 2;\n")
    harness.assert_heard_all(events, log)
    assert by_sql(events, "SELECT 1")["query_attributes"] == {"n1": "v1", "n2": "v2"}
    assert not by_sql(events, "SELECT 2").get("query_attributes")


@pytest.mark.parametrize("ps_mode", ["auto", "disable"])
@pytest.mark.parametrize("kind", ["mariadb", "mysql97"])
def test_sysbench(pool, kind, ps_mode, hear):
    server = pool.get(kind)
    server.execute("DROP DATABASE IF EXISTS bench; CREATE DATABASE bench")
    sysbench(server, "prepare", database="bench")
    events, log = hear(server, sysbench, "run", f"--db-ps-mode={ps_mode}", database="bench", seconds=2,
                       busy=True)
    harness.assert_heard_all(events, log, at_least=4)
    count = harness.coverage(events)
    assert (count["kernel_drops"], count["gaps"], count["undecoded_bytes"]) == (0, 0, 0)
    wanted = "STMT_EXECUTE" if ps_mode == "auto" else "QUERY"
    assert len(exchanges(events, wanted)) > 500
    odd = [e for e in exchanges(events) if e["response"] not in ("ok", "resultset", "prepared", "none")]
    # A deadlock, a duplicate after it, and what MySQL does not prepare (BEGIN), which sysbench then sends as text.
    assert not [e for e in odd if e["response"] != "error" or e["error"]["code"] not in (1213, 1062, 1295)]


def compressed(path, program):
    suffix = {"gzip": ".gz", "zstd": ".zst"}[program]
    subprocess.run([program, "-q", "-k", str(path)], check=True)
    return path.with_name(path.name + suffix)


def test_same_from_compressed_files_and_standard_input(mariadb, shop, myna, hear, tmp_path):
    events, _ = hear(mariadb, text_workload)
    path = tmp_path / "heard.pcap"
    for program in ("gzip", "zstd"):
        assert myna.export(compressed(path, program), mariadb.port) == events
    with open(path, "rb") as pcap:
        piped = myna.run("export", "-", "--format", "jsonl", "--port", mariadb.port, stdin=pcap)
    assert len(piped.stdout.splitlines()) == len(events)
    again = myna.export(path, mariadb.port)
    assert again == events


def test_a_recording_tells_what_the_capture_tells(mariadb, shop, myna, hear, tmp_path):
    def both(server):
        text_workload(server)
        binary_workload(server)
    events, _ = hear(mariadb, both)
    recording = tmp_path / "heard.myna"
    myna.run("record", tmp_path / "heard.pcap", "-o", recording, "--port", mariadb.port)
    assert recording.stat().st_mode & 0o777 == 0o600
    recorded = myna.export(recording)
    for kind in ("session", "exchange", "end"):
        assert [e for e in recorded if e["type"] == kind] == [e for e in events if e["type"] == kind]


def test_live_hears_what_the_server_executed(server, shop, myna, tmp_path):
    capture = harness.myna_record(myna, tmp_path / "live.myna", server.port)
    with capture:
        text_workload(server)
        binary_workload(server) if not server.version.startswith("5.6") else None
    assert capture.status == 0, capture.said
    events = myna.export(capture.path)
    harness.assert_heard_all(events, server.general_log(), at_least=1)
    assert harness.coverage(events)["kernel_drops"] == 0


def test_listening_that_begins_in_the_middle_begins_without_holes(mariadb, myna):
    """libpcap lets nothing through while it sets a filter, but has frames from before."""
    over = threading.Event()

    def storm():
        while not over.is_set():
            with connect(mariadb) as c:
                c.query("SELECT 1")
    clients = [threading.Thread(target=storm) for _ in range(3)]
    for client in clients:
        client.start()
    try:
        ends = [myna.run("export", "-i", "lo", "--port", mariadb.port, "--duration", "300ms", status=(0, 3))
                for _ in range(10)]
    finally:
        over.set()
        for client in clients:
            client.join()
    counts = [harness.coverage([json.loads(line) for line in end.stdout.splitlines()]) for end in ends]
    assert sum(count["sessions"] for count in counts) > 100
    assert [(count["gaps"], count["undecoded_bytes"]) for count in counts] == [(0, 0)] * 10
