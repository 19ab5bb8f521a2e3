"""Every way of logging in: heard as what it was, and spoken by the replayer."""
import pytest

import harness
import servers
from conftest import PASSWORD
from workload import connect

SQL = "SELECT 'logged in'"


def log_in(server, plugin, password=PASSWORD):
    """By a client that knows the plugin, over TCP and without TLS."""
    if plugin == "client_ed25519":
        servers.run(["mariadb", "--no-defaults", "--skip-ssl", "-h127.0.0.1", f"-P{server.port}", "-uapp",
                     f"-p{password}", "-e", SQL])
        return
    with connect(server, user="app", password=password) as c:
        c.query(SQL)


@pytest.fixture
def recording(myna, mariadb, tmp_path):
    """A recording of one session, made against a server where anyone may come in."""
    capture = harness.tcpdump(tmp_path / "one.pcap", mariadb.port)
    with capture:
        with connect(mariadb) as c:
            c.query(SQL)
    path = tmp_path / "one.myna"
    myna.run("record", capture.path, "-o", path, "--port", mariadb.port)
    return path


def test_login_is_heard(account, myna, tmp_path):
    server, plugin = account
    capture = harness.tcpdump(tmp_path / "login.pcap", server.port)
    with capture:
        log_in(server, plugin)  # the first login of caching_sha2_password sends the password itself
        log_in(server, plugin)  # the second is the short one
    events = myna.export(capture.path, server.port)
    sessions = [e for e in events if e["type"] == "session"]
    assert [(s["login"], s["user"], s["auth_plugin"]) for s in sessions] == [("ok", "app", plugin)] * 2
    harness.assert_heard_all(events, server.general_log(), at_least=2)


def test_refused_login_is_heard(account, myna, tmp_path):
    server, plugin = account
    capture = harness.tcpdump(tmp_path / "login.pcap", server.port)
    with capture:
        with pytest.raises(Exception, match="1045"):
            log_in(server, plugin, password="wrong")
    events = myna.export(capture.path, server.port)
    [session] = [e for e in events if e["type"] == "session"]
    assert session["login"] == "error" and session["error"]["code"] == 1045
    assert session["user"] == "app"


def test_no_password_leaves_the_machine(account, myna, tmp_path):
    server, plugin = account
    capture = harness.tcpdump(tmp_path / "login.pcap", server.port)
    with capture:
        log_in(server, plugin)
    done = myna.run("export", capture.path, "--format", "jsonl", "--port", server.port)
    assert PASSWORD not in done.stdout + done.stderr
    recording = tmp_path / "login.myna"
    myna.run("record", capture.path, "-o", recording, "--port", server.port)
    assert PASSWORD.encode() not in recording.read_bytes()


def replayed_as(server):
    """(Connect lines, statements) of the sessions over TCP."""
    log = harness.without_trials(harness.sessions_over_tcp(server.general_log()))
    return ([entries[0][1] for entries in log.values()],
            [text for entries in log.values() for command, text in entries if command == "Query"])


@pytest.mark.parametrize("tls", ["DISABLED", "REQUIRED"])
def test_replay_logs_in(account, recording, myna, monkeypatch, tls):
    server, _ = account
    if tls == "REQUIRED" and server.execute("SELECT @@have_ssl" if server.program == "mariadbd" else
                                            "SELECT 'YES'").strip() != "YES":
        tls = "PREFERRED"  # this server has no certificate
    if "5.6" in server.version:
        tls = "DISABLED"
    monkeypatch.setenv("MYSQL_PWD", PASSWORD)
    for _ in range(2):  # cold and warm cache of caching_sha2_password
        server.log_clear()
        myna.run("replay", recording, "--target", server.url("app", query=f"ssl-mode={tls}"))
        connects, statements = replayed_as(server)
        assert len(connects) == 1 and connects[0].startswith("app@")
        if tls == "REQUIRED":
            assert "SSL" in connects[0]
        assert SQL in statements


def test_replay_over_the_local_socket(pool, recording, myna):
    server = pool.get("mysql97", "socket", ["--plugin-load-add=auth_socket.so"])
    server.execute("CREATE USER IF NOT EXISTS app@localhost IDENTIFIED WITH auth_socket AS 'root'")
    server.log_clear()
    myna.run("replay", recording, "--target", f"mysql://app@localhost/?socket={server.socket}")
    log = harness.without_trials(server.general_log())
    said = [entries for entries in log.values() if entries[0][1].startswith("app@")]
    assert len(said) == 1 and ("Query", SQL) in said[0]


def test_password_from_an_option_file(account, recording, myna, tmp_path):
    server, _ = account
    path = tmp_path / "my.cnf"
    path.write_text(f'[client]\nuser=app\npassword="{PASSWORD}"\n')
    url = f"mysql://127.0.0.1:{server.port}/?ssl-mode=DISABLED"
    server.log_clear()
    myna.run("replay", recording, "--target", url, "--defaults-file", path)
    connects, _ = replayed_as(server)
    assert len(connects) == 1 and connects[0].startswith("app@")


def test_wrong_password_ends_in_one_clear_line(account, recording, myna, monkeypatch):
    server, _ = account
    monkeypatch.setenv("MYSQL_PWD", "wrong")
    url = server.url("app", query="ssl-mode=DISABLED")
    done = myna.run("replay", recording, "--target", url, status=(1,))
    assert "Access denied" in done.stderr and "wrong" not in done.stdout + done.stderr
