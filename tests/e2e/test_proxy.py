"""A PROXY header in front of the login: the true client. MariaDB believes it, and logs what it believes."""
import socket
import struct

import harness
import pymysql
import pytest

SIGNATURE = b"\r\n\r\n\0\r\nQUIT\n"


def v1(client):
    return f"PROXY TCP{6 if ':' in client else 4} {client} {'::1' if ':' in client else '127.0.0.1'} 12345 3306\r\n".encode()


def v2(client):
    v6 = ":" in client
    packed = socket.inet_pton(socket.AF_INET6 if v6 else socket.AF_INET, client)
    addresses = packed + packed + struct.pack(">HH", 12345, 3306) + b"\3\0\4\1\2\3\4"
    return SIGNATURE + struct.pack(">BBH", 0x21, 0x21 if v6 else 0x11, len(addresses)) + addresses


@pytest.fixture
def proxied(pool):
    return pool.get("mariadb", "proxied", ["--proxy-protocol-networks=*"])


def talk(server, header):
    """A client behind a proxy; the proxy's own port."""
    with socket.create_connection(("127.0.0.1", server.port)) as s:
        s.sendall(header)
        port = s.getsockname()[1]
        c = pymysql.connect(host="127.0.0.1", user="app", defer_connect=True)
        c.connect(s)
        with c.cursor() as cursor:
            cursor.execute("SELECT USER()")
            host = cursor.fetchone()[0].split("@")[1]
        c.close()
    return f"127.0.0.1:{port}", host


@pytest.mark.parametrize("header", [v1, v2], ids=["version 1", "version 2"])
@pytest.mark.parametrize("client", ["203.0.113.7", "2001:db8::7"], ids=["IPv4", "IPv6"])
def test_true_client(myna, proxied, tmp_path, header, client):
    proxied.execute("CREATE OR REPLACE USER app@'%'")
    proxied.log_clear()
    with harness.tcpdump(tmp_path / "lo.pcap", proxied.port) as capture:
        proxy, host = talk(proxied, header(client))
    assert host == client, "the server did not take the header"
    events = myna.export(capture.path, proxied.port)
    session = next(e for e in events if e["type"] == "session")
    assert session["client"] == (f"[{client}]:12345" if ":" in client else f"{client}:12345")
    assert (session["proxy"], session["login"], session["user"]) == (proxy, "ok", "app")
    harness.assert_heard_all(events, harness.sessions_over_tcp(proxied.general_log()))
    myna.run("record", capture.path, "--port", proxied.port, "-o", tmp_path / "kept.myna")
    kept = next(e for e in myna.export(tmp_path / "kept.myna") if e["type"] == "session")
    assert kept == session
