"""What `myna trace --packets` tells from the wire is what MySQL's client library tells of itself, event by event."""
import contextlib
import json
import os
import shutil
import subprocess

import pytest

import harness
from workload import command_line

STAGES = ["CONNECTING", "WAIT_FOR_INIT_PACKET", "AUTHENTICATE", "SSL_NEGOTIATION", "READY_FOR_COMMAND", "WAIT_FOR_PACKET",
          "WAIT_FOR_RESULT", "WAIT_FOR_FIELD_DEF", "WAIT_FOR_ROW", "FILE_REQUEST", "WAIT_FOR_PS_DESCRIPTION",
          "WAIT_FOR_PARAM_DEF", "DISCONNECTED"]
EVENTS = ["ERROR", "CONNECTING", "CONNECTED", "DISCONNECTED", "SEND_SSL_REQUEST", "SSL_CONNECT", "SSL_CONNECTED",
          "INIT_PACKET_RECEIVED", "AUTH_PLUGIN", "SEND_AUTH_RESPONSE", "SEND_AUTH_DATA", "AUTHENTICATED", "SEND_COMMAND",
          "SEND_FILE", "READ_PACKET", "PACKET_RECEIVED", "PACKET_SENT"]
CLIENT_SECONDS = 60
PASSWORD = "geheimes Wort"


@pytest.fixture(scope="module")
def traced_client(pool, tmp_path_factory):
    """traced_client(password, *more): a conversation of libmysqlclient in MySQL's own root file system; (exit status, path
    of the plugin's log)."""
    server = pool.get("mysql97")
    here = harness.TOP / "tests" / "e2e"
    names = sorted((server.root / "usr/lib").glob("*/libmysqlclient.so.*"))
    if not names:
        pytest.skip("there is no libmysqlclient beside the server")
    subprocess.run(["cc", "-shared", "-fPIC", "-o", server.datadir / "trace_plugin.so", here / "trace_plugin.c"], check=True)
    subprocess.run(["cc", "-o", server.datadir / "trace_client", here / "trace_client.c", "-ldl"], check=True)
    (server.datadir / "file").write_text(("x" * 100 + "\n") * 300)
    server.execute(f"DROP USER IF EXISTS app@'%'; CREATE USER app@'%' IDENTIFIED BY '{PASSWORD}'; "
                   "GRANT ALL ON *.* TO app@'%'")
    log = server.datadir / "trace.log"

    def talk(password=PASSWORD, *more):
        log.unlink(missing_ok=True)
        environment = {**os.environ, "LIBMYSQL_PLUGINS": "trace_plugin", "LIBMYSQL_PLUGIN_DIR": server.inner(),
                       "MYNA_TRACE_LOG": server.inner(log.name)}
        done = subprocess.run(server.wrap([server.inner("trace_client"), names[0].name, str(server.port), "app", password,
                                           server.inner("file"), *more]),
                              env=environment, capture_output=True, text=True, check=False, timeout=CLIENT_SECONDS)
        copy = tmp_path_factory.mktemp("traced") / log.name
        shutil.copy(log, copy)
        return done, copy
    yield talk
    server.execute("DROP USER app@'%'")


def said(log):
    """What the client told: (stage, event, length of what was received).

    One thing is not as on the wire: the client says DISCONNECTED while it still is in the stage before, and has no
    event in the stage of that name."""
    for line in log.read_text().splitlines():
        _, stage, event, length = map(int, line.split())
        name = EVENTS[event]
        yield ("DISCONNECTED" if name == "DISCONNECTED" else STAGES[stage], name,
               length if name == "PACKET_RECEIVED" else None)


def heard(lines):
    """The same from the wire."""
    for line in lines:
        for name in line.get("events", ()):
            yield line["stage"], name, line["length"] if name == "PACKET_RECEIVED" else None


def packets(myna, path, port, *options, status=(0,)):
    done = myna.run("trace", path, "--port", str(port), "--packets", "--format", "jsonl", *options, status=status)
    return [json.loads(line) for line in done.stdout.splitlines()]


@pytest.mark.parametrize("more", [(), ("compress",)], ids=["plain", "compressed"])
def test_as_the_client_says(myna, mysql97, traced_client, tmp_path, more):
    with harness.tcpdump(tmp_path / "heard.pcap", mysql97.port) as capture:
        done, log = traced_client(PASSWORD, *more)
    assert done.returncode == 0, done.stderr
    lines = packets(myna, capture.path, mysql97.port, "--hex")
    assert list(heard(lines)) == list(said(log))
    meanings = {line.get("meaning") for line in lines}
    assert {"greeting", "login", "auth_more", "auth_data", "command", "ok", "error", "column_count", "field", "row", "rows_end",
            "prepared", "file_request", "file_data", "file_end", "string"} <= meanings
    assert ("compression" in meanings) == bool(more)
    assert not any("violation" in line for line in lines)


def test_a_refused_client(myna, mysql97, traced_client, tmp_path):
    with harness.tcpdump(tmp_path / "heard.pcap", mysql97.port) as capture:
        done, log = traced_client("wrong")
    assert done.returncode == 1
    lines = packets(myna, capture.path, mysql97.port)
    assert list(heard(lines)) == list(said(log))
    assert [line["code"] for line in lines if line.get("meaning") == "error"] == [1045]
    assert packets(myna, capture.path, mysql97.port, "--errors") == lines


def test_no_secret_is_dumped(myna, server, tmp_path):
    """Neither passwords in statements, nor what repeats them, nor what a login sends."""
    secret = "Pssst4711"
    maria = "mariadb" in server.client_program
    sql = [f"CREATE USER hush@'%' IDENTIFIED BY '{secret}'", f"SET @a = 'ALTER USER hush IDENTIFIED BY \"{secret}\"'",
           f"PREPARE p FROM 'SET PASSWORD FOR hush@''%'' = ''{secret}'''", "DROP USER hush@'%'",
           f"CREATE USER hush IDENTIFIED NONSENSE BY '{secret}'"]
    if maria:
        sql.append(f"SELECT PASSWORD('{secret}')")
    with harness.tcpdump(tmp_path / "heard.pcap", server.port) as capture:
        with contextlib.suppress(RuntimeError):  # not all of them succeed
            command_line(server, "--force", sql=";\n".join(sql) + ";\nSELECT 'open'")
    raw = capture.path.read_bytes()
    assert secret.encode() in raw and b"SELECT 'open'" in raw
    lines = packets(myna, capture.path, server.port, "--hex", "--full")
    text = myna.run("trace", capture.path, "--port", str(server.port), "--hex", "--full").stdout
    assert secret not in json.dumps(lines) and secret.encode().hex() not in json.dumps(lines)
    assert secret not in text and "SELECT 'open'" in text
    assert sum(line.get("meaning") == "command" for line in lines) >= len(sql)


def test_a_recording_has_no_packets(myna, mariadb, tmp_path):
    with harness.tcpdump(tmp_path / "heard.pcap", mariadb.port) as capture:
        command_line(mariadb, sql="SELECT 1")
    recording = tmp_path / "heard.myna"
    myna.run("record", capture.path, "--port", str(mariadb.port), "-o", recording)
    done = myna.run("trace", recording, "--packets", status=(2,))
    assert "is a recording" in done.stderr and done.stdout == ""
    assert "SELECT 1" in myna.run("trace", recording).stdout
