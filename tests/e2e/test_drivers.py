"""What other people's drivers say is heard: as the server logged it, and with the counts that the driver was given."""

import pytest

import drivers
import harness
import servers

pytestmark = pytest.mark.once

LONG = 17 << 20  # bytes: more than one packet holds
SHORT = 70000

# (name, how its command is made, the option, longest value, server)
WAYS = [
    ("library-mysql", drivers.c_library, "mysql-uncompressed", LONG, "mysql97"),
    ("library-mysql-zlib", drivers.c_library, "mysql-zlib", SHORT, "mysql97"),
    ("library-mysql-zstd", drivers.c_library, "mysql-zstd", LONG, "mysql97"),
    ("library-mariadb", drivers.c_library, "mariadb-uncompressed", SHORT, "mariadb"),
    ("library-mariadb", drivers.c_library, "mariadb-uncompressed", SHORT, "mariadb118"),
    ("library-mariadb", drivers.c_library, "mariadb-uncompressed", SHORT, "mysql56"),
    ("library-mariadb-zlib", drivers.c_library, "mariadb-zlib", LONG, "mariadb"),
    ("connector-j", drivers.connector, "", SHORT, "mariadb"),
    ("connector-j-prepared", drivers.connector, "useServerPrepStmts=true&useBulkStmts=false", LONG, "mariadb"),
    ("connector-j-compressed", drivers.connector, "useCompression=true&useServerPrepStmts=true", SHORT, "mariadb118"),
    ("connector-j", drivers.connector, "useServerPrepStmts=true", SHORT, "mysql97"),
    ("go", drivers.go, "maxAllowedPacket=0", SHORT, "mariadb"),
    ("go", drivers.go, "maxAllowedPacket=0", LONG, "mysql97"),
    ("go-interpolating", drivers.go, "maxAllowedPacket=0&interpolateParams=true", SHORT, "mysql56"),
    ("mysql", drivers.node, "mysql", SHORT, "mariadb"),
    ("mysql2", drivers.node, "mysql2", SHORT, "mysql97"),
    ("mysql2", drivers.node, "mysql2", LONG, "mariadb"),
    ("mariadb-js", drivers.node, "mariadb/callback", SHORT, "mariadb118"),
    ("php", drivers.php, "", SHORT, "mariadb"),
    ("php", drivers.php, "", SHORT, "mysql97"),
    ("perl-mysql", drivers.perl, "mysql", SHORT, "mariadb"),
    ("perl-mariadb", drivers.perl, "MariaDB", SHORT, "mariadb"),
    ("python-mysqlclient", drivers.python, "", SHORT, "mariadb"),
]


@pytest.fixture(scope="session")
def programs(tmp_path_factory):
    return tmp_path_factory.mktemp("programs")


@pytest.fixture(params=WAYS, ids=lambda way: f"{way[0]}-{way[4]}")
def way(request, pool, programs):
    """(server, command of the client)"""
    _, client, option, size, kind = request.param
    server = pool.get(kind)
    try:
        command = client(server, programs, option, size)
    except servers.Unavailable as e:
        pytest.skip(str(e))
    server.execute(drivers.SHOP)
    return server, command


def assert_nothing_missed(events):
    count = harness.coverage(events)
    missed = {name: count[name] for name in (
        "kernel_drops", "encrypted", "gaps", "undecoded_bytes", "lost_responses", "unanswered", "orphan_responses",
        "passed_bytes", "undecodable", "unknown_commands", "limits", "joined") if count[name]}
    assert not missed


def test_driver_is_heard(way, hear):
    server, command = way
    told = {}
    events, log = hear(server, lambda _: told.update(drivers.say(command)), busy=True)
    assert_nothing_missed(events)
    harness.assert_heard_all(events, log, seen=harness.as_logged_by(server))
    heard = drivers.heard(events)
    assert {name: heard.get(name) for name in told} == told
