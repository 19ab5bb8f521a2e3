"""Checksums of rows: a SELECT gives the same ones by text and as a prepared statement, on every server."""
import struct

import binary
import pymysql
import pytest
import tools
import workload
from pymysql.constants import COMMAND

# (name, type, values as SQL, one for each of three rows).
NUMBERS = [
    ("tiny", "TINYINT", "-128 | 127 | 0"),
    ("tiny_unsigned", "TINYINT UNSIGNED", "0 | 255 | 7"),
    ("tiny_zerofill", "TINYINT(3) ZEROFILL", "0 | 255 | 7"),
    ("boolean", "BOOL", "TRUE | FALSE | NULL"),
    ("small", "SMALLINT", "-32768 | 32767 | 0"),
    ("medium", "MEDIUMINT", "-8388608 | 8388607 | 5"),
    ("integer", "INT", "-2147483648 | 2147483647 | 0"),
    ("integer_zerofill", "INT(9) ZEROFILL", "0 | 4294967295 | 42"),
    ("big", "BIGINT", "-9223372036854775808 | 9223372036854775807 | 0"),
    ("big_unsigned", "BIGINT UNSIGNED", "0 | 18446744073709551615 | 10000000000000000000"),
    ("big_zerofill", "BIGINT(20) ZEROFILL", "0 | 18446744073709551615 | 12"),
    ("year", "YEAR", "0 | 1901 | 2155"),
    ("numeric", "DECIMAL(20,5)", "-12345.67890 | 0 | 0.00001"),
    ("numeric_zerofill", "DECIMAL(20,5) ZEROFILL", "12345.67890 | 0 | 0.5"),
    ("numeric_whole", "DECIMAL(65,0)", "-99999999999999999999999999999999999999999999999999999999999999999 | 0 | 1"),
    ("real", "DOUBLE", "-0.1 | 1e20 | 1.7976931348623157e308"),
    ("real_small", "DOUBLE", "1e-15 | 1.5e-16 | 2.2250738585072014e-308"),
    ("real_edges", "DOUBLE", "1e14 | 1e15 | 123456789012345678"),
    ("real_third", "DOUBLE", "0.3333333333333333 | -0e0 | 5e-324"),
    ("real_fixed", "DOUBLE(20,4)", "-1234.5678 | 0 | 9999999999.9999"),
    ("real_zerofill", "DOUBLE ZEROFILL", "1.5 | 1e20 | 0"),
    ("single", "FLOAT", "0.1 | -16777217 | 3.4028234e38"),
    ("single_many", "FLOAT", "1234567.875 | 123456.505 | 0.123456785"),
    ("single_small", "FLOAT", "1e-45 | 1.17549435e-38 | 9.9999995e-8"),
    ("single_fixed", "FLOAT(10,2)", "1234567.88 | 123456.5 | 0.005"),
    ("single_zerofill", "FLOAT ZEROFILL", "1.5 | 1e20 | 0"),
    ("bits", "BIT(12)", "b'0' | b'111111111111' | b'101'"),
]
OTHERS = [
    ("date", "DATE", "'0000-00-00' | '2026-11-20' | '2000-00-15'"),
    ("datetime0", "DATETIME", "'0000-00-00' | '2026-11-20' | '9999-12-31 23:59:59'"),
    ("datetime3", "DATETIME(3)", "'2026-11-20 10:15:00.5' | '2026-11-20 10:15:00' | '2026-11-20 00:00:00.001'"),
    ("datetime6", "DATETIME(6)", "'2026-11-20 10:15:00.000001' | '2026-11-20 10:15:00.100000' | '0000-00-00'"),
    ("stamp6", "TIMESTAMP(6)", "'2026-11-20 10:15:00.12' | '1970-01-02 00:00:00' | 0"),
    ("time0", "TIME", "'-838:59:59' | '838:59:59' | '00:00:00'"),
    ("time1", "TIME(1)", "'-00:00:00.1' | '24:00:00.9' | '00:00:00'"),
    ("time6", "TIME(6)", "'-100:00:00.000001' | '01:02:03' | '-00:00:00.500000'"),
    ("fixed", "CHAR(10)", "'' | '007' | '  x'"),
    ("varying", "VARCHAR(300)", "'' | '\u00c3\u00c6\u20ac\U0001f426' | REPEAT('long,',60)"),
    ("words", "TEXT", "'it''s' | NULL | REPEAT('0',5000)"),
    ("bytes", "VARBINARY(20)", "'' | x'00ff' | x'fb'"),
    ("blob", "MEDIUMBLOB", "x'' | x'fbfcfdfeff' | REPEAT('y',70000)"),
    ("choice", "ENUM('one','two','')", "'one' | 'two' | NULL"),
    ("several", "SET('one','two','three')", "'' | 'one,three' | 'two'"),
    ("shape", "GEOMETRY", "NULL | ST_GeomFromText('POINT(1.5 -2)') | ST_GeomFromText('LINESTRING(0 0,1 1)')"),
    ("document", "JSON", """'{"a":[1,2.5,null]}' | '"text"' | NULL"""),
    ("vector", "VECTOR(2)", "x'000000000000803f' | x'0000803f0000803f' | x'0000004000000040'"),
]
COLUMNS = NUMBERS + OTHERS
YOUNG = {"document", "vector"}  # types that some of the servers do not have

# What servers calculate, where decimals and types are not those of a column.
EXPRESSIONS = """
    1, -1, 18446744073709551615, 1.50, 1e0, 1e20, 1e-20, 1/3, 2/3e0, PI(), SQRT(2), 100000*1e10, -0e0,
    CAST(1 AS DECIMAL(30,10)), CAST('12.5' AS SIGNED), 5 DIV 2, 7 % 4, TRUE, NULL, ROUND(2.345e0, 2), ROUND(1e15/3, 1),
    TRUNCATE(1e0/3, 5), TIMEDIFF('10:00:00', '12:30:00.25'), MAKETIME(-10, 5, 6.5), SEC_TO_TIME(-3661.000001),
    TIMESTAMP('2026-11-20 10:15:00.5'), DATE('2026-11-20'), CAST('2026-11-20 01:02:03' AS DATETIME(4)),
    CAST('-00:00:00' AS TIME), CAST('-00:00:00.4' AS TIME(6)),
    CONCAT('a', 1), x'00ff', _latin1 x'e9', b'101', UNHEX('FB'), CAST('x' AS BINARY), 0x41, CHAR(0), ''
"""
AGGREGATES = """
    COUNT(*), SUM(tiny), AVG(`integer`), SUM(big), AVG(`numeric`), SUM(real_fixed), AVG(real_fixed), AVG(real_fixed)/3,
    SUM(single), AVG(single), AVG(single_fixed), SUM(single_fixed), STDDEV(`integer`), VARIANCE(single), MAX(datetime6),
    MIN(time6), MAX(`date`), GROUP_CONCAT(`varying`), BIT_AND(big_unsigned), MAX(single), MIN(single_fixed), MAX(`year`)
"""


@pytest.fixture
def table(server):
    connection = workload.connect(server, autocommit=True)
    cursor = connection.cursor()
    cursor.execute("SET sql_mode = 'NO_ENGINE_SUBSTITUTION', time_zone = '+00:00'")
    cursor.execute("DROP DATABASE IF EXISTS sums")
    cursor.execute("CREATE DATABASE sums CHARACTER SET utf8mb4")
    cursor.execute("USE sums")
    cursor.execute("CREATE TABLE t (row_number_ INT) ENGINE=InnoDB ROW_FORMAT=DYNAMIC")
    cursor.execute("INSERT INTO t VALUES (0), (1), (2), (3)")  # the last one is NULL but for this
    for name, kind, values in COLUMNS:
        try:
            cursor.execute(f"ALTER TABLE t ADD COLUMN `{name}` {kind} NULL DEFAULT NULL")
        except pymysql.err.MySQLError:
            assert name in YOUNG
            continue
        for row, value in enumerate(values.split(" | ")):
            cursor.execute(f"UPDATE t SET `{name}` = {value} WHERE row_number_ = {row}")
    yield connection
    connection.close()


def columns_of(packets):
    """TYPE:FLAGS:DECIMALS and the name of each column definition."""
    columns = []
    for packet in packets:
        at, names = 0, []
        for _ in range(6):
            length = packet[at] if packet[at] < 251 else struct.unpack("<H", packet[at + 1:at + 3])[0]
            at += 1 if packet[at] < 251 else 3
            names.append(packet[at:at + length])
            at += length
        kind, flags, decimals = struct.unpack("<BHB", packet[at + 7:at + 11])
        columns.append((f"{kind}:{flags}:{decimals}", names[4].decode()))
    return columns


def result(connection):
    """(columns, rows) of an answer, as raw packets."""
    binary.read_packet(connection)
    definitions, _ = binary.read_until_end(connection)
    rows, _ = binary.read_until_end(connection)
    return columns_of(definitions), rows


def sums(protocol, answer):
    columns, rows = answer
    lines = tools.ask("rowsum_tool", protocol, *(c for c, _ in columns), lines=[r.hex() for r in rows])
    return dict(zip(["(all)", *(f"{i} {name}" for i, (_, name) in enumerate(columns))], lines))


def both(connection, sql):
    binary.send(connection, COMMAND.COM_QUERY, sql.encode())
    text = result(connection)
    statement = binary.Statement(connection, sql)
    binary.send(connection, COMMAND.COM_STMT_EXECUTE, struct.pack("<IBI", statement.id, 0, 1))
    prepared = result(connection)
    statement.close()
    assert len(text[1]) == len(prepared[1]) > 0
    return text, prepared


def assert_same_sums(connection, sql):
    text, prepared = both(connection, sql)
    first, second = sums("text", text), sums("binary", prepared)
    different = [f"{name} {text[0][i - 1][0]} {prepared[0][i - 1][0]}"
                 for i, name in enumerate(first) if i > 0 and first[name] != second.get(name)]
    assert not different, f"{different}\n{[r.hex() for r in text[1]]}\n{[r.hex() for r in prepared[1]]}"
    assert first == second


def test_a_table_of_every_type(table):
    assert_same_sums(table, "SELECT * FROM t ORDER BY row_number_")


def test_expressions(table):
    assert_same_sums(table, f"SELECT {EXPRESSIONS}")


def test_aggregates(table):
    assert_same_sums(table, f"SELECT {AGGREGATES} FROM t")


def test_floats_of_all_magnitudes(table):
    cursor = table.cursor()
    cursor.execute("CREATE TABLE f (i INT, d DOUBLE, s FLOAT, d3 DOUBLE(30,3), s3 FLOAT(15,3))")
    rows = ", ".join(f"({i}, {sign}{i * 7919 % 1000003}.{i * 104729 % 1000}e{i % 50 - 25}, "
                     f"{sign}{i * 7919 % 1000003}.{i * 104729 % 1000}e{i % 50 - 25}, {i * 7919 % 1000003}.{i}, "
                     f"{i * 7919 % 100003}.{i})" for i in range(2000) for sign in ("", "-"))
    cursor.execute(f"INSERT INTO f VALUES {rows}")
    assert_same_sums(table, "SELECT * FROM f")
    assert_same_sums(table, "SELECT i, AVG(d), AVG(s), AVG(d3), AVG(s3), SUM(d3) / 7 FROM f GROUP BY i % 97, i")


def test_the_order_of_rows_has_a_sum_of_its_own(table):
    text, _ = both(table, "SELECT row_number_, tiny, words, datetime6 FROM t ORDER BY row_number_")
    turned, _ = both(table, "SELECT row_number_, tiny, words, datetime6 FROM t ORDER BY row_number_ DESC")
    first, second = sums("text", text), sums("text", turned)
    for name, line in first.items():
        assert line.split()[0] != second[name].split()[0]
        assert line.split()[1] == second[name].split()[1]
