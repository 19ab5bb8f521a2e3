"""What is said on connections that are not MySQL's: (side, bytes) in turn, as real programs send them."""

TLS_HELLO = bytes.fromhex(
    "1603010200010001fc0303d1f4bb2ed1ad6f6e6d0f6ac9a6b3b5d2c8e0b6b3c1f7a0f1d5a7a4b1c6e2d3f420a1b2c3d4e5f60718"
    "293a4b5c6d7e8f90a1b2c3d4e5f60718293a4b5c6d7e8f90003e130213031301c02cc030009fcca9cca8ccaac02bc02f009e") + bytes(420)
TLS_SERVER = bytes.fromhex("160303007a020000760303cf21ad74e59a6111be1d8c021e65b891c2a211167abb8c5e079e09e2c8a8339c20"
                           "a1b2c3d4e5f60718293a4b5c6d7e8f90a1b2c3d4e5f60718293a4b5c6d7e8f90130200002e002b0002030400330024"
                           "001d0020") + bytes(range(32)) + bytes.fromhex("140303000101")


def record(length):
    """A TLS record of application data."""
    return b"\x17\x03\x03" + length.to_bytes(2, "big") + bytes((7 * i + length) % 256 for i in range(length))


def pg(kind, body):
    """A PostgreSQL message."""
    return kind + (4 + len(body)).to_bytes(4, "big") + body


def mongo(number, reply, body):
    return (16 + len(body)).to_bytes(4, "little") + number.to_bytes(4, "little") + reply.to_bytes(4, "little") \
        + (2013).to_bytes(4, "little") + body


CONVERSATIONS = {
    "http": [("c", b"GET / HTTP/1.1\r\nHost: example.org\r\nUser-Agent: curl/7.88.1\r\nAccept: */*\r\n\r\n"),
             ("s", b"HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nContent-Length: 600\r\n\r\n" + b"<p>select 1</p>" * 40),
             ("c", b"POST /sql HTTP/1.1\r\nHost: example.org\r\nContent-Length: 8\r\n\r\nSELECT 1"),
             ("s", b"HTTP/1.1 204 No Content\r\n\r\n")] * 6,
    "http behind a proxy": [("c", b"PROXY TCP4 10.0.0.1 10.0.0.2 4711 80\r\nGET / HTTP/1.1\r\n\r\n"),
                            ("s", b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")],
    "tls": [("c", TLS_HELLO), ("s", TLS_SERVER)] + [(side, record(n)) for n in range(20, 60) for side in "cs"]
           + [(side, record(n)) for n in (256, 300, 515, 1024, 3000) for side in "cs"] * 4,
    "ssh": [("s", b"SSH-2.0-OpenSSH_9.2p1 Debian-2+deb12u3\r\n"), ("c", b"SSH-2.0-OpenSSH_9.2p1 Debian-2+deb12u3\r\n"),
            ("c", b"\0\0\x05\xdc\x07\x14" + bytes(range(256)) * 5), ("s", b"\0\0\x04\x3c\x0b\x14" + bytes(range(256)) * 4)]
           + [(side, bytes((13 * i + n) % 256 for i in range(36 + n))) for n in range(30) for side in "cs"],
    "postgresql": [("c", b"\0\0\0\x29\0\3\0\0user\0app\0database\0shop\0\0"), ("s", pg(b"R", bytes(4)) + pg(b"Z", b"I"))]
                  + [("c", pg(b"Q", b"select " + b"x" * n + b"\0")) if side == "c" else
                     ("s", pg(b"T", b"\0\1x\0" + bytes(18)) + pg(b"D", b"\0\1\0\0\0\1x") + pg(b"C", b"SELECT 1\0") + pg(b"Z", b"I"))
                     for n in (1, 10, 11, 14, 15, 249, 250, 600, 2000) for side in "cs"],
    "postgresql prepared": [("c", pg(b"P", b"\0select $1\0\0\0") + pg(b"B", bytes(8)) + pg(b"E", bytes(5)) + pg(b"S", b"")),
                            ("s", pg(b"1", b"") + pg(b"2", b"") + pg(b"C", b"SELECT 0\0") + pg(b"Z", b"I"))] * 10,
    "redis": [("c", b"*2\r\n$3\r\nGET\r\n$3\r\nkey\r\n"), ("s", b"$5\r\nvalue\r\n"), ("c", b"*1\r\n$4\r\nPING\r\n"),
              ("s", b"+PONG\r\n"), ("c", b"*3\r\n$3\r\nSET\r\n$1\r\na\r\n$1\r\n\x03\r\n"), ("s", b"+OK\r\n"), ("c", b"PING\r\n"),
              ("s", b"+PONG\r\n")] * 5,
    "memcached": [("c", b"get a b c\r\n"), ("s", b"VALUE a 0 1\r\n1\r\nEND\r\n"),
                  ("c", b"\x80\0\0\3\0\0\0\0\0\0\0\3\0\0\0\0" + bytes(8) + b"key"), ("s", b"\x81" + bytes(23))] * 6,
    "smtp": [("s", b"220 mail.example.org ESMTP Postfix\r\n"), ("c", b"EHLO example.org\r\n"), ("s", b"250 OK\r\n"),
             ("c", b"QUIT\r\n"), ("s", b"221 Bye\r\n")] * 4,
    "mongodb": [("c" if n % 2 else "s", mongo(n, n - 1 if n % 2 == 0 else 0, bytes(4) + b"\0" + b"\x1b\0\0\0\x01ok\0" + bytes(n)))
                for n in range(1, 60)],
    "zeros": [("c", bytes(100)), ("s", bytes(100))] * 12,
}
