"""Our side of a connection against real servers, driven by client_probe: logins, TLS, and what goes wrong."""
import contextlib
import os
import pathlib
import shlex
import shutil
import socket
import subprocess
import threading
import time

import pytest

import harness
import servers
from conftest import PASSWORD

SECONDS = 60
CUT_AT = 1 << 20  # bytes of a payload that client_probe keeps


class Probe:
    def __init__(self, path):
        self.path = path

    def __call__(self, *arguments, password=None):
        """What client_probe prints, line by line."""
        environment = {k: v for k, v in os.environ.items() if not k.startswith("MYSQL_")}
        # What a sanitizer holds back of freed memory would count as memory in use.
        environment["ASAN_OPTIONS"] = environment.get("ASAN_OPTIONS", "") + ":quarantine_size_mb=0"
        if password is not None:
            environment["MYSQL_PWD"] = password
        done = subprocess.run([self.path, "--defaults-file=/dev/null", *map(str, arguments)],
                              capture_output=True, text=True, errors="replace", check=False,
                              timeout=SECONDS, env=environment)
        assert done.returncode in (0, 1), f"status {done.returncode}: {done.stderr}"
        assert not password or password not in done.stdout + done.stderr
        return done.stdout.splitlines()


@pytest.fixture(scope="session")
def probe():
    build = pathlib.Path(os.environ.get("MYNA", harness.TOP / "build" / "myna")).resolve().parent
    path = build / "tests" / "e2e" / "client_probe"
    if not path.exists():
        pytest.fail(f"{path} is not built")
    return Probe(path)


def has_tls(server):
    if server.program == "mariadbd":
        return server.execute("SELECT @@have_ssl").strip() == "YES"
    return "5.6" not in server.version


@pytest.mark.parametrize("mode", ["DISABLED", "PREFERRED", "REQUIRED"])
def test_login(account, probe, mode):
    server, _ = account
    tls = has_tls(server) and mode != "DISABLED"
    if mode == "REQUIRED" and not tls:
        [line] = probe("-t", server.url("app", query="ssl-mode=REQUIRED"), password=PASSWORD)
        assert line.startswith("failed") and "does not offer TLS" in line
        return
    server.execute("FLUSH PRIVILEGES")  # the cache of caching_sha2_password is cold the first time
    for _ in range(2):
        ready, columns, row = probe("-t", server.url("app", query=f"ssl-mode={mode}"),
                                    "SELECT 'in'", password=PASSWORD)
        assert ready.split()[2] == ("tls" if tls else "plain")
        assert (columns, row) == ("columns 1", "row 3 02696e")


def test_login_over_the_socket(account, probe):
    server, _ = account
    if "5.6" in server.version:
        server.execute("DELETE FROM mysql.user WHERE user = ''; FLUSH PRIVILEGES")  # would come first
    ready, _, row = probe("-S", server.socket, "-u", "app", "SELECT 'in'", password=PASSWORD)
    assert ready.split()[2] == "plain" and row == "row 3 02696e"


@pytest.mark.parametrize("mode", ["DISABLED", "PREFERRED"])
def test_wrong_password(account, probe, mode):
    server, _ = account
    for wrong in ("not this one", "", None):
        [line] = probe("-t", server.url("app", query=f"ssl-mode={mode}"), "SELECT 1", password=wrong)
        assert line.startswith("failed") and "\t1045\t" in line and "Access denied" in line


@pytest.mark.parametrize("mode", ["DISABLED", "PREFERRED"])
def test_change_of_user(account, probe, mode):
    server, _ = account
    server.execute("CREATE DATABASE IF NOT EXISTS shop")
    lines = probe("-t", server.url("app", query=f"ssl-mode={mode}"), f"change-user:root::shop",
                  "SELECT CURRENT_USER(), DATABASE()", f"change-user:app:{PASSWORD}:",
                  "SELECT CURRENT_USER(), DATABASE()", password=PASSWORD)
    words = [bytes.fromhex(line.split()[2]) for line in lines if line.startswith("row")]
    assert words[0].startswith(b"\x0eroot@") and words[0].endswith(b"\x04shop")
    assert words[1] == b"\x05app@%\xfb"


def test_change_to_a_refused_user(account, probe):
    server, _ = account
    lines = probe("-t", server.url("app"), "change-user:app:no:", password=PASSWORD)
    assert "\t1045\t" in lines[-1]


@pytest.mark.parametrize("kind", ["mariadb", "mysql97"])
def test_empty_password(pool, probe, kind):
    server = pool.get(kind)
    assert probe("-t", server.url(), "DO 1")[1:] == ["ok"]


def test_known_by_the_kernel_s_word(pool, probe):
    server = pool.get("mariadb", "socket")
    server.execute("ALTER USER root@localhost IDENTIFIED VIA unix_socket; "
                   "CREATE OR REPLACE USER other@localhost IDENTIFIED VIA unix_socket")
    assert probe("-S", server.socket, "-u", "root", "DO 1")[1:] == ["ok"]
    assert "\t1698\t" in probe("-S", server.socket, "-u", "other", "DO 1")[0]


def test_mysql_s_socket_plugin(pool, probe):
    server = pool.get("mysql97", "socket", ["--plugin-load-add=auth_socket.so"])
    server.execute("CREATE USER IF NOT EXISTS app@localhost IDENTIFIED WITH auth_socket AS 'root'")
    assert probe("-S", server.socket, "-u", "app", "DO 1")[1:] == ["ok"]


def test_parsec(pool, probe):
    server = pool.get("mariadb118", "parsec", ["--plugin-dir=/plugins"])
    try:
        plugin = servers.mariadb118_plugins() / "auth_parsec.so"
    except servers.Unavailable as e:
        pytest.skip(str(e))
    (server.root / "plugins").mkdir(exist_ok=True)
    shutil.copy(plugin, server.root / "plugins")
    server.execute("INSTALL SONAME 'auth_parsec'; CREATE USER empty@'%' IDENTIFIED VIA parsec USING PASSWORD(''); "
                   "CREATE USER app@'%' IDENTIFIED VIA parsec USING PASSWORD('it''s')")
    for mode in ("DISABLED", "REQUIRED"):
        url = server.url("app", query=f"ssl-mode={mode}")
        assert probe("-t", url, "DO 1", f"change-user:app:{PASSWORD}:", password=PASSWORD)[1:] == ["ok", "changed"]
        assert "\t1045\t" in probe("-t", url, "DO 1", password="no")[0]
        assert probe("-t", server.url("empty", query=f"ssl-mode={mode}"), "DO 1")[1:] == ["ok"]


def test_default_character_set(server, probe):
    lines = probe("-t", server.url(), "SELECT @@character_set_client")
    assert bytes.fromhex(lines[2].split()[2]) == b"\x07utf8mb4"


def test_attributes_arrive(mysql97, probe):
    lines = probe("-t", mysql97.url(), "SELECT ATTR_VALUE FROM performance_schema.session_connect_attrs "
                  "WHERE ATTR_NAME = 'program_name' AND PROCESSLIST_ID = CONNECTION_ID()")
    assert bytes.fromhex(lines[2].split()[2]) == b"\x0cclient_probe"


@pytest.mark.parametrize("query", ["", "ssl-mode=REQUIRED"])
@pytest.mark.parametrize("size", [(1 << 24) - 2, (1 << 24) - 1, 1 << 24, 40_000_000])
def test_long_statements_and_rows(mysql97, probe, size, query):
    lines = probe("-t", mysql97.url(query=query), f"send:{size}", f"SELECT REPEAT('y', {size})")
    length = str(size - len("SELECT LENGTH('')") - 1).encode()
    assert bytes.fromhex(lines[2].split()[2])[1:] == length
    prefix = 4 if size < 1 << 24 else 9
    assert lines[4].startswith(f"row {size + prefix} ")


def test_idle_connections_are_lean(mariadb, probe):
    [_, *_, line] = probe("-t", mariadb.url(query="ssl-mode=DISABLED"), "idle:1000")
    word, count, _, each = line.split()
    assert (word, count) == ("idle", "1000") and int(each) <= 8


# Certificates.

def openssl(folder, *arguments):
    subprocess.run(["openssl", *arguments], check=True, capture_output=True, cwd=folder)


@pytest.fixture(scope="session")
def authority(tmp_path_factory):
    """A folder with two authorities, and a server's certificate for localhost made by the first."""
    folder = tmp_path_factory.mktemp("authority")
    for name in ("ca", "other"):
        openssl(folder, "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2",
                "-subj", f"/CN=myna test {name}", "-keyout", f"{name}-key.pem", "-out", f"{name}.pem")
    (folder / "names").write_text("subjectAltName=DNS:localhost,DNS:db.example,IP:127.0.0.1\n")
    (folder / "wrong-names").write_text("subjectAltName=DNS:elsewhere.example\n")
    for name, names in (("server", "names"), ("elsewhere", "wrong-names"), ("client", "names")):
        openssl(folder, "req", "-newkey", "rsa:2048", "-nodes", "-subj", f"/CN={name}",
                "-keyout", f"{name}-key.pem", "-out", f"{name}.csr")
        openssl(folder, "x509", "-req", "-in", f"{name}.csr", "-CA", "ca.pem", "-CAkey", "ca-key.pem",
                "-CAcreateserial", "-days", "2", "-extfile", names, "-out", f"{name}.pem")
    return folder


def tls_options(folder, name):
    return [f"--ssl-ca={folder}/ca.pem", f"--ssl-cert={folder}/{name}.pem", f"--ssl-key={folder}/{name}-key.pem"]


@pytest.mark.parametrize("certificate,query,expected", [
    ("server", "ssl-mode=DISABLED", "plain"),
    ("server", "", "tls"),
    ("server", "ssl-mode=REQUIRED", "tls"),
    ("server", "ssl-mode=VERIFY_CA&ssl-ca={}/ca.pem", "tls"),
    ("server", "ssl-mode=VERIFY_CA&ssl-ca={}/other.pem", "certificate is not accepted"),
    ("server", "ssl-mode=VERIFY_CA", "certificate is not accepted"),
    ("server", "ssl-ca={}/other.pem", "certificate is not accepted"),
    ("server", "ssl-mode=VERIFY_CA&ssl-ca={}/none.pem", "none.pem"),
    ("server", "ssl-mode=VERIFY_IDENTITY&ssl-ca={}/ca.pem", "tls"),
    ("elsewhere", "ssl-mode=VERIFY_CA&ssl-ca={}/ca.pem", "tls"),
    ("elsewhere", "ssl-mode=VERIFY_IDENTITY&ssl-ca={}/ca.pem", "certificate is not accepted"),
    ("server", "ssl-mode=REQUIRED&ssl-cert={0}/client.pem&ssl-key={0}/client-key.pem", "tls"),
])
def test_certificates(pool, probe, authority, certificate, query, expected):
    server = pool.get("mariadb", f"tls-{certificate}", tls_options(authority, certificate))
    for host in ("127.0.0.1", "localhost"):
        url = f"mysql://root@{host}:{server.port}/?{query.format(authority)}"
        lines = probe("-t", url, "SHOW STATUS LIKE 'Ssl_version'")
        if expected in ("tls", "plain"):
            assert lines[0].split()[2] == expected
            assert ("544c5376" in lines[2]) == (expected == "tls")  # "TLSv"
        else:
            assert len(lines) == 1 and lines[0].startswith("failed") and expected in lines[0]


def test_client_certificate_is_shown(pool, probe, authority):
    server = pool.get("mariadb", "tls-server", tls_options(authority, "server"))
    server.execute("CREATE OR REPLACE USER sure@'%' REQUIRE X509")
    url = server.url("sure", query="ssl-mode=REQUIRED")
    assert "\t1045\t" in probe("-t", url, "DO 1")[0]
    assert probe("-t", url, f"--ssl-cert={authority}/client.pem", f"--ssl-key={authority}/client-key.pem",
                 "DO 1")[1:] == ["ok"]


# What is not a server, or not for long.

@contextlib.contextmanager
def listener(say=b"", then=None, close=False):
    """A port where SAY is said to whoever comes; THEN is said after the first answer."""
    with socket.create_server(("127.0.0.1", 0)) as s:
        held = []

        def serve():
            with contextlib.suppress(OSError):
                while True:
                    peer, _ = s.accept()
                    held.append(peer)
                    peer.sendall(say)
                    if then is not None:
                        peer.recv(4096)
                        peer.sendall(then)
                    if close:
                        peer.shutdown(socket.SHUT_RDWR)
                        peer.close()

        threading.Thread(target=serve, daemon=True).start()
        yield f"mysql://app@127.0.0.1:{s.getsockname()[1]}/"
        s.shutdown(socket.SHUT_RDWR)
        for peer in held:
            peer.close()


GREETING = (b"\x0a8.0.38\0\x08\0\0\0ABCDEFGH\0\xff\xf7\xff\x02\0\xff\xdf\x15" + b"\0" * 10 +
            b"IJKLMNOPQRST\0caching_sha2_password\0")


def packet(payload, sequence):
    return len(payload).to_bytes(3, "little") + bytes([sequence]) + payload


def test_nobody_there(probe):
    [line] = probe("-t", f"mysql://app@127.0.0.1:{servers.free_port()}/")
    assert "Connection refused" in line and "app@127.0.0.1" in line
    [line] = probe("-S", "/no/such/socket")
    assert "No such file" in line and "/no/such/socket" in line


def test_a_name_that_is_none(probe):
    [line] = probe("-t", "mysql://app@no.such.name.invalid/")
    assert "look up no.such.name.invalid" in line


def test_all_addresses_of_a_name_are_tried(mariadb, probe):
    """Where localhost is ::1 first, where nobody listens."""
    assert probe("-t", f"mysql://root@localhost:{mariadb.port}/", "DO 1")[1:] == ["ok"]


def test_silence_ends(probe):
    began = time.monotonic()
    with listener() as url:
        [line] = probe("-t", url, "--connect-timeout=0.5")
    assert "does not answer within the connect timeout" in line
    assert 0.4 < time.monotonic() - began < 5


@pytest.mark.parametrize("cut", [0, 1, 4, 5, 40, 80])
def test_closed_within_the_greeting(probe, cut):
    with listener(packet(GREETING, 0)[:cut], close=True) as url:
        [line] = probe("-t", url)
    assert "closed the connection before the login was over" in line or "reset" in line


def test_closed_after_the_login(probe):
    with listener(packet(GREETING, 0), then=b"", close=True) as url:
        [line] = probe("-t", url, password="secret word")
    assert "closed the connection before the login was over" in line


@pytest.mark.parametrize("words", [b"HTTP/1.1 400 Bad Request\r\n\r\n", b"SSH-2.0-OpenSSH_9.2\r\n",
                                   packet(b"220 smtp", 0), packet(b"", 0)])
def test_not_a_server(probe, words):
    with listener(words) as url:
        [line] = probe("-t", url)
    assert "not a MySQL or MariaDB server" in line


@pytest.fixture
def pam_server(pool, certificate):
    """A MariaDB that asks for the password in clear, and hands it to a program that knows it."""
    service = pathlib.Path(f"/etc/pam.d/myna-test-{os.getpid()}")
    server = pool.get("mariadb", "pam", [f"--plugin-dir={servers.mariadb_plugins()}", "--plugin-load-add=auth_pam_v1",
                                         "--pam-use-cleartext-plugin=ON", *certificate])
    try:
        service.write_text("auth required pam_exec.so expose_authtok quiet /bin/sh -c "
                           f"[read -r given; test \"$given\" = {shlex.quote(PASSWORD)}]\naccount required pam_permit.so\n")
        server.execute(f"CREATE USER app@'%' IDENTIFIED VIA pam USING '{service.name}'")
        yield server
        server.execute("DROP USER app@'%'")
    finally:
        service.unlink(missing_ok=True)


def test_a_password_in_clear_is_sent_over_tls(pam_server, probe):
    sends = ("DISABLED", PASSWORD), ("REQUIRED", PASSWORD), ("REQUIRED", "wrong")
    lines = [probe("-t", pam_server.url("app", query=f"ssl-mode={mode}"), "SELECT 'in'", password=password)
             for mode, password in sends]
    assert len(lines[0]) == 1 and "TLS or a local socket only" in lines[0][0]
    assert lines[1][0].startswith("ready") and lines[1][-1].endswith(b"\x02in".hex())
    assert len(lines[2]) == 1 and "1045" in lines[2][0]


def test_a_password_is_not_sent_in_clear(probe):
    switch = packet(b"\xfemysql_clear_password\0", 2)
    with listener(packet(GREETING, 0), then=switch) as url:
        [line] = probe("-t", url, password="secret word")
    assert "TLS or a local socket only" in line


def test_words_before_tls_are_refused(probe):
    with_tls = GREETING.replace(b"\xff\xf7\xff", b"\xff\xff\xff")
    with listener(packet(with_tls, 0) + packet(b"\0\0\0\2\0\0\0", 2)) as url:
        [line] = probe("-t", url)
    assert "in clear before TLS" in line


def test_too_many_connections(probe):
    with listener(packet(b"\xff\x10\x04#08004Too many connections", 0)) as url:
        [line] = probe("-t", url)
    assert "\t1040\t" in line and "Too many connections" in line


def test_killed_while_idle(mariadb, probe):
    lines = probe("-t", mariadb.url(), "KILL CONNECTION_ID()", "DO 1")
    assert lines[1].startswith("error 1927") or "killed" in lines[1]
    assert lines[2].startswith("failed") and ("closed the connection" in lines[2] or "reset by peer" in lines[2])
