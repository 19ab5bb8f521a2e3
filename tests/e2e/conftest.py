import os
import pathlib
import shutil
import subprocess

import pytest

import harness  # first: it makes tools/ known
import servers

KINDS = ["mariadb", "mariadb118", "mysql97", "mysql56"]

# What a user of each authentication plugin is made with.
USERS = {
    ("mariadb", "mysql_native_password"):
        "CREATE USER app@'%' IDENTIFIED VIA mysql_native_password USING PASSWORD('it''s')",
    ("mariadb", "client_ed25519"): "CREATE USER app@'%' IDENTIFIED VIA ed25519 USING PASSWORD('it''s')",
    ("mysql56", "mysql_native_password"): "CREATE USER app@'%' IDENTIFIED BY 'it''s'",
    ("mysql97", "caching_sha2_password"):
        "CREATE USER app@'%' IDENTIFIED WITH caching_sha2_password BY 'it''s'",
    ("mysql97", "sha256_password"): "CREATE USER app@'%' IDENTIFIED WITH sha256_password BY 'it''s'",
}
PASSWORD = "it's"


def pytest_configure(config):
    config.addinivalue_line("markers", "server: needs a real server; left out of `make check`")
    config.addinivalue_line("markers", "once: about servers, clients and brokers more than about our memory; not run "
                                       "again under the sanitizers")


def pytest_collection_modifyitems(items):
    """What uses a server is marked so, by the fixtures it asks for."""
    for item in items:
        if {"broker", "pool", "server", "target", "account", *KINDS} & set(item.fixturenames):
            item.add_marker(pytest.mark.server)


@pytest.fixture(scope="session")
def myna():
    path = pathlib.Path(os.environ.get("MYNA", harness.TOP / "build" / "myna")).resolve()
    if not path.exists():
        pytest.fail(f"{path} is not built")
    return harness.Myna(path)


class Pool:
    """Servers of the whole run, started at their first use."""

    def __init__(self, folder):
        self.folder = folder
        self.running = {}
        self.missing = {}

    def get(self, kind, name="source", options=()):
        key = f"{kind}-{name}"
        if kind in self.missing:
            pytest.skip(self.missing[kind])
        if key not in self.running:
            try:
                server = getattr(servers, kind)(self.folder / key, options)
            except servers.Unavailable as e:
                self.missing[kind] = str(e)
                pytest.skip(str(e))
            self.running[key] = server.start()
        server = self.running[key]
        server.log_clear()
        return server

    def stop(self):
        for server in self.running.values():
            server.remove()


@pytest.fixture(scope="session")
def pool(tmp_path_factory):
    pool = Pool(tmp_path_factory.mktemp("servers"))
    yield pool
    pool.stop()
    shutil.rmtree(pool.folder, ignore_errors=True)


@pytest.fixture
def mariadb(pool):
    return pool.get("mariadb")


@pytest.fixture
def mariadb118(pool):
    return pool.get("mariadb118")


@pytest.fixture
def mysql97(pool):
    return pool.get("mysql97")


@pytest.fixture
def mysql56(pool):
    return pool.get("mysql56")


@pytest.fixture(params=KINDS)
def server(request, pool):
    """Each kind of server in turn."""
    return pool.get(request.param)


@pytest.fixture(params=USERS, ids="-".join)
def account(request, pool):
    """(server, plugin) with a user `app` of that plugin, whose password is PASSWORD."""
    kind, plugin = request.param
    options = []
    if plugin == "client_ed25519":
        try:
            options = [f"--plugin-dir={servers.mariadb_plugins()}", "--plugin-load-add=auth_ed25519"]
        except servers.Unavailable as e:
            pytest.skip(str(e))
    server = pool.get(kind, "plugins" if options else "source", options)
    server.execute("FLUSH PRIVILEGES;" + USERS[kind, plugin] + "; GRANT ALL ON *.* TO app@'%'")
    yield server, plugin
    server.execute("DROP USER app@'%'")


@pytest.fixture
def target(pool):
    """A second MariaDB, to replay against."""
    return pool.get("mariadb", "target")


@pytest.fixture
def record(myna, tmp_path):
    """record(server, workload, ...): (recording of the workload, the server's log of it). LISTENED: exit statuses
    of myna record that are expected."""
    def record(server, workload, *arguments, listened=(0,), **options):
        server.log_clear()
        capture = harness.myna_record(myna, tmp_path / "source.myna", server.port)
        with capture:
            workload(server, *arguments, **options)
        assert capture.status in listened, capture.said
        count = harness.coverage(myna.export(capture.path, status=(0, 3)))
        assert (count["kernel_drops"], count["gaps"]) == (0, 0), f"not all was heard: {count}"
        return capture.path, harness.sessions_over_tcp(server.general_log())
    return record


@pytest.fixture
def hear(myna, tmp_path):
    """hear(server, workload, *arguments): (events of the workload, parsed general log). BUSY: it is a flood.
    STATUS: what `myna export` may end with."""
    def hear(server, workload, *arguments, busy=False, status=(0,), **options):
        for _ in range(3):  # a capture in which tcpdump lost something judges nobody
            server.log_clear()
            capture = harness.tcpdump(tmp_path / "heard.pcap", server.port, busy)
            with capture:
                workload(server, *arguments, **options)
            if harness.dropped(capture) == 0:
                break
        return myna.export(capture.path, server.port, status=status), server.general_log()
    return hear


@pytest.fixture
def shop(request):
    """Puts the same small database `shop` on every server the test uses."""
    names = {"server", "target", *KINDS} & set(request.fixturenames)
    for name in names:
        request.getfixturevalue(name).execute(SHOP)
        request.getfixturevalue(name).log_clear()


SHOP = """
DROP DATABASE IF EXISTS shop;
CREATE DATABASE shop CHARACTER SET utf8mb4;
USE shop;
CREATE TABLE item (id INT PRIMARY KEY AUTO_INCREMENT, name VARCHAR(100), price DECIMAL(8,2),
    weight DOUBLE, made DATETIME(3), note MEDIUMBLOB);
INSERT INTO item (name, price, weight, made, note) VALUES
    ('anvil', 99.90, 50.5, '2024-02-29 12:30:00.125', 'heavy'),
    ('feather', 0.10, 0.001, '2023-01-01 00:00:00', NULL),
    ('rope', 12.00, 2, NULL, '');
"""


@pytest.fixture(scope="session")
def certificate(tmp_path_factory):
    """The options that give a MariaDB of Debian 12 a certificate: one for all, since servers are shared."""
    folder = tmp_path_factory.mktemp("tls")
    subprocess.run(["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2",
                    "-subj", "/CN=localhost", "-keyout", folder / "key.pem", "-out", folder / "cert.pem"],
                   check=True, capture_output=True)
    return [f"--ssl-cert={folder}/cert.pem", f"--ssl-key={folder}/key.pem"]


@pytest.fixture(scope="session")
def bulk_client(tmp_path_factory):
    """The program of bulk_client.c, which uses MariaDB's client library."""
    program = tmp_path_factory.mktemp("bulk") / "bulk_client"
    flags = subprocess.run(["pkg-config", "--cflags", "--libs", "libmariadb"], capture_output=True, text=True,
                           check=True).stdout.split()
    subprocess.run(["cc", "-o", program, harness.TOP / "tests" / "e2e" / "bulk_client.c", *flags], check=True)
    return program
