"""Literals: what a prepared statement stores of a value, its literal in a plain statement stores, too."""
import struct

import binary
import pytest
import tools
import workload
from pymysql.constants import COMMAND

UNSIGNED = 0x8000
TINY, SHORT, LONG, FLOAT, DOUBLE, TIMESTAMP, LONGLONG, DATE, TIME, DATETIME = 1, 2, 3, 4, 5, 7, 8, 10, 11, 12
NEWDECIMAL, BLOB, VAR_STRING, STRING = 246, 252, 253, 254
NO_BACKSLASH, MULTIBYTE = 1, 2


def date(year=0, month=0, day=0, *clock):
    parts = struct.pack("<HBB", year, month, day) + bytes(clock[:3])
    if len(clock) > 3:
        parts += struct.pack("<I", clock[3])
    return bytes([len(parts)]) + parts


def time(negative, days, hour, minute, second, micro=None):
    parts = struct.pack("<BIBBB", negative, days, hour, minute, second)
    if micro is not None:
        parts += struct.pack("<I", micro)
    return bytes([len(parts)]) + parts


# (type, bytes on the wire, column that keeps all of it)
NUMBERS = [
    (TINY, b"\x80", "BIGINT"), (TINY | UNSIGNED, b"\xff", "BIGINT"), (SHORT, b"\0\x80", "BIGINT"),
    (LONG, b"\xff\xff\xff\x7f", "BIGINT"), (LONGLONG, b"\0" * 7 + b"\x80", "BIGINT"),
    (LONGLONG | UNSIGNED, b"\xff" * 8, "BIGINT UNSIGNED"),
    *((NEWDECIMAL, binary.lenenc(text), "DECIMAL(65,30)")
      for text in (b"0", b"-0.5", b"12345678901234567890.123456789012345678901234567890", b"1e3", b" 7")),
    *((FLOAT, struct.pack("<f", v), "DOUBLE") for v in (0.1, -1.5, 3.4028234e38, 1e-45, 0)),
    *((DOUBLE, struct.pack("<d", v), "DOUBLE")
      for v in (0.1, -0.0, 1e20, 1e15, 123456789012345.6, 1e-15, 5e-324, 1.7976931348623157e308,
                2.2250738585072014e-308, 1 / 3)),
]
TIMES = [
    (DATE, date(2026, 11, 20), "DATE"), (DATE, date(2026, 11, 20), "DATETIME(6)"), (DATE, b"\0", "DATE"),
    (DATETIME, date(2026, 11, 20, 10, 15, 0), "DATETIME(6)"), (DATETIME, b"\0", "DATETIME(6)"),
    (DATETIME, date(2026, 11, 20, 10, 15, 59, 1), "DATETIME(6)"),
    (TIMESTAMP, date(2026, 11, 20, 10, 15, 59, 500000), "TIMESTAMP(6)"),
    (DATETIME, date(2026, 11, 20), "DATETIME(6)"), (TIME, b"\0", "TIME(6)"),
    (TIME, time(0, 0, 1, 2, 3), "TIME(6)"), (TIME, time(1, 34, 22, 59, 59), "TIME(6)"),
    (TIME, time(1, 0, 0, 0, 0, 1), "TIME(6)"), (TIME, time(0, 2, 3, 4, 5, 100000), "TIME(6)"),
]
POINT = struct.pack("<IBIdd", 0, 1, 1, 1.5, -2)
KINDS = [
    (SHORT, b"\xe8\x07", "YEAR"), (LONGLONG | UNSIGNED, b"\xff" * 8, "BIT(64)"), (TINY, b"\x05", "BIT(3)"),
    (VAR_STRING, binary.lenenc(b"b'c"), "ENUM('a', 'b\'\'c')"), (TINY, b"\2", "ENUM('a', 'b')"),
    (VAR_STRING, binary.lenenc(b"a,c"), "SET('a', 'b', 'c')"), (LONG, b"\5\0\0\0", "SET('a', 'b', 'c')"),
    (BLOB, binary.lenenc(POINT), "GEOMETRY"),
    (BLOB, binary.lenenc(b"\0\xff"), "BINARY(4)"), (VAR_STRING, binary.lenenc(b"-1.25"), "FLOAT"),
    (FLOAT, struct.pack("<f", 0.1), "FLOAT"), (NEWDECIMAL, binary.lenenc(b"-99999.995"), "DECIMAL(8,3)"),
    (DATE, date(2024, 0, 0), "DATE"), (DATETIME, date(2024, 2, 0, 1, 2, 3), "DATETIME"),
    (TIME, time(1, 0, 0, 0, 0, 500000), "TIME(1)"), (TIME, time(1, 3, 22, 59, 58, 999999), "TIME(6)"),
]
DOCUMENTS = [(VAR_STRING, binary.lenenc(text), "JSON") for text in (
    b'{"a": [1, 2.5, null], "b": "it\'s \\u20ac \\\\ \\"x\\""}', b"[]", b'"\xe2\x82\xac"')]
STRINGS = [b"", b"plain", b"it's", b"\\", b"\\'", b"a\0b", b"\n\r\t\x1a\x08", b'"', b"%_\\%\\_", b"'" * 9,
           "\u00c3\u00e9\u20ac\U0001f426".encode(), bytes(range(1, 128)), b"-- x", b"*/", b"?"]
RAW = [b"\xff\xfe", b"\xc3", b"ok\xed\xa0\x80", bytes(range(256))]
TEXTS = [
    *((kind, binary.lenenc(s), "LONGBLOB") for s in STRINGS + RAW for kind in (VAR_STRING, STRING, BLOB)),
    *((VAR_STRING, binary.lenenc(s), "VARCHAR(300) CHARACTER SET utf8mb4") for s in STRINGS),
]


def literals(values, flags=0, charset="utf8mb4"):
    lines = [f"{kind & 0xff} {int(bool(kind & UNSIGNED))} {flags} {charset} {wire.hex()}"
             for kind, wire, _ in values]
    return [bytes.fromhex(line.split(" ")[0]) for line in tools.ask("literal_tool", lines=lines)]


@pytest.fixture
def connection(server):
    connection = workload.connect(server, autocommit=True)
    cursor = connection.cursor()
    cursor.execute("SET sql_mode = '', time_zone = '+00:00'")
    cursor.execute("DROP DATABASE IF EXISTS literals")
    cursor.execute("CREATE DATABASE literals CHARACTER SET utf8mb4")
    cursor.execute("USE literals")
    yield connection
    connection.close()


def execute(connection, statement, kind, wire):
    payload = struct.pack("<IBIBBH", statement.id, 0, 1, 0, 1, kind) + wire
    binary.simple(connection, COMMAND.COM_STMT_EXECUTE, payload)


def assert_same_values(connection, values, **how):
    """Both ways of storing each value leave the same: as bytes, and as the server shows it."""
    cursor = connection.cursor()
    for (kind, wire, column), literal in zip(values, literals(values, **how)):
        cursor.execute("DROP TABLE IF EXISTS v")
        cursor.execute(f"CREATE TABLE v (way INT, v {column} NULL)")
        statement = binary.Statement(connection, "INSERT INTO v VALUES (1, ?)")
        execute(connection, statement, kind, wire)
        statement.close()
        assert binary.simple(connection, COMMAND.COM_QUERY,
                             b"INSERT INTO v VALUES (2, " + literal + b")")[:1] == b"\0", literal
        cursor.execute("SELECT HEX(CAST(v AS BINARY)), HEX(v) FROM v ORDER BY way")
        rows = cursor.fetchall()
        assert len(rows) == 2 and rows[0] == rows[1], (kind, wire, literal, rows)


def test_numbers(connection):
    assert_same_values(connection, NUMBERS)


def test_times(connection):
    assert_same_values(connection, TIMES)


def test_other_kinds_of_columns(connection, server):
    assert_same_values(connection, KINDS)
    if not server.version.startswith("5.6"):
        assert_same_values(connection, DOCUMENTS)


def test_texts_under_ansi_quotes(connection):
    connection.cursor().execute("SET sql_mode = 'ANSI_QUOTES'")
    assert_same_values(connection, TEXTS[:30] + KINDS)


def test_utf8mb3(connection):
    connection.cursor().execute("SET NAMES utf8")
    assert_same_values(connection, [(VAR_STRING, binary.lenenc("\u00e9\u20ac'\\".encode()),
                                     "VARCHAR(30) CHARACTER SET utf8")], charset="utf8mb3")


def test_texts(connection):
    assert_same_values(connection, TEXTS)


def test_texts_without_backslash_escapes(connection):
    connection.cursor().execute("SET sql_mode = 'NO_BACKSLASH_ESCAPES'")
    assert_same_values(connection, TEXTS, flags=NO_BACKSLASH)


@pytest.mark.parametrize("charset, python", [("gbk", "gbk"), ("sjis", "shift_jis"), ("big5", "big5")])
def test_texts_whose_second_bytes_look_like_ascii(connection, charset, python):
    texts = {"gbk": "\u8aa0\u7e17", "sjis": "\u30bd\u8868\u80fd", "big5": "\u529f\u8a31\u84cb"}[charset]
    data = texts.encode(python)
    assert b"\\" in data
    connection.cursor().execute(f"SET NAMES {charset}")
    values = [(VAR_STRING, binary.lenenc(s), f"VARCHAR(300) CHARACTER SET {target}")
              for s in (data, b"it's", data + b"'") for target in ("utf8mb4", charset)]
    assert_same_values(connection, values, flags=MULTIBYTE, charset=charset)


def test_latin1(connection):
    connection.cursor().execute("SET NAMES latin1")
    values = [(VAR_STRING, binary.lenenc(b"caf\xe9 \\ '\xff"), f"VARCHAR(300) CHARACTER SET {target}")
              for target in ("utf8mb4", "latin1")]
    assert_same_values(connection, values, charset="latin1")


def test_doubles_are_shown_as_the_server_shows_them(connection):
    numbers = [sign * m * 10.0 ** e for e in range(-30, 31) for m in (1, 1.5, 3.0000000000001, 123456789)
               for sign in (1, -1)]
    lines = [f"{DOUBLE} 0 0 utf8mb4 {struct.pack('<d', v).hex()}" for v in numbers]
    texts = [bytes.fromhex(line.split(" ")[1]).decode() for line in tools.ask("literal_tool", lines=lines)]
    for number, text in zip(numbers, texts):
        binary.send(connection, COMMAND.COM_QUERY, f"SELECT {number!r} + 0e0".encode())
        binary.read_packet(connection)
        binary.read_until_end(connection)
        rows, _ = binary.read_until_end(connection)
        assert rows == [binary.lenenc(text.encode())]
