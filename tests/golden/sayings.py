"""What clients say for the golden captures: one function for each trouble."""
import os
import pathlib
import struct
import tempfile

import binary
import pymysql
import workload
from pymysql.constants import CLIENT, COMMAND

SETUP = """
DROP DATABASE IF EXISTS shop; CREATE DATABASE shop CHARACTER SET utf8mb4; USE shop;
CREATE TABLE item (id INT PRIMARY KEY AUTO_INCREMENT, name VARCHAR(100), price DECIMAL(8,2), note MEDIUMBLOB);
INSERT INTO item (name, price, note) VALUES ('anvil', 99.90, 'heavy'), ('feather', 0.10, NULL), ('rope', 12.00, '');
CREATE TABLE number (n INT PRIMARY KEY);
INSERT INTO number VALUES (0), (1), (2), (3), (4), (5), (6), (7), (8), (9);
INSERT INTO number SELECT a.n * 100 + b.n * 10 + c.n + 10 FROM number a, number b, number c;
DELIMITER //
CREATE PROCEDURE two() BEGIN SELECT id FROM item; SELECT 1, 2; END//
CREATE PROCEDURE twice(IN a INT, OUT b INT) BEGIN SET b = 2 * a; END//
DELIMITER ;
"""


def connect(server, **options):
    return workload.connect(server, read_timeout=20, **options)


def fails(call, *arguments):
    try:
        call(*arguments)
    except pymysql.MySQLError:
        return
    raise AssertionError(f"{arguments} did not fail")


def text(server):
    with connect(server, database="shop") as c:
        for sql in ("SELECT id, name FROM item ORDER BY id", "UPDATE item SET price = price + 1 WHERE id < 3",
                    "INSERT INTO item (name, note) VALUES ('g\u00fcrtel \u2603', NULL)", "SELECT * FROM item WHERE 0"):
            c.query(sql)
        for sql in ("SELECT * FROM nowhere", "SELEC", "INSERT INTO item (id) VALUES (1)"):
            fails(c.query, sql)
        c.select_db("mysql")
        c.ping(reconnect=False)


def prepared(server, **options):
    with connect(server, database="shop", **options) as c:
        insert = binary.Statement(c, "INSERT INTO item (name, price, note) VALUES (?, ?, ?)")
        insert.execute("saw", 1.5, b"sharp")
        insert.execute("file", 0.25, b"rough")
        insert.execute("nail", None, None)
        insert.long_data(2, b"a piece, ")
        insert.long_data(2, b"another")
        insert.execute("rope", 2.0, b"", long_data=(2,))
        insert.reset()
        select = binary.Statement(c, "SELECT id, name FROM item WHERE id > ?")
        select.execute(2)
        select.close()
        fails(binary.Statement, c, "SELEC ?")


def cursor(server):
    with connect(server, database="shop") as c:
        select = binary.Statement(c, "SELECT n FROM number WHERE n < ?")
        select.execute(50, cursor=binary.CURSOR_READ_ONLY)
        while select.fetch(20)[1]:
            pass
        select.close()


def several_results(server):
    with connect(server, database="shop", client_flag=CLIENT.MULTI_STATEMENTS) as c:
        with c.cursor() as cursor_:
            for sql in ("SELECT 1 AS one; DO 0; SELECT 2, 3", "CALL two()", "SELECT 1; SELEC; SELECT 2"):
                try:
                    cursor_.execute(sql)
                    while cursor_.nextset():
                        pass
                except pymysql.MySQLError:
                    pass


def out_parameters(server):
    with connect(server, database="shop", client_flag=CLIENT.MULTI_RESULTS | CLIENT.PS_MULTI_RESULTS) as c:
        call = binary.Statement(c, "CALL twice(?, ?)")
        binary.send(c, COMMAND.COM_STMT_EXECUTE, struct.pack("<IBI", call.id, 0, 1) + b"\0\1\x08\0\x08\0" +
                    struct.pack("<qq", 21, 0))
        binary.read_packet(c)  # the result set that holds the parameter
        binary.read_until_end(c)
        binary.read_until_end(c)
        binary.read_packet(c)
        c.query("DO 1")


def infile(server, **options):
    with tempfile.TemporaryDirectory() as folder:
        os.chdir(folder)
        pathlib.Path("rows.txt").write_text("".join(f"{i}\tline {i}\n" for i in range(10, 20)))
        with connect(server, database="shop", local_infile=True, **options) as c:
            c.query("LOAD DATA LOCAL INFILE 'rows.txt' INTO TABLE item (id, name)")
            fails(c.query, "LOAD DATA LOCAL INFILE 'rows.txt' INTO TABLE item (id, name, nothing)")
            c.query("DO 1")
        os.chdir("/")


def error_in_rows(server):
    with connect(server, database="shop") as c:
        fails(c.query, "SELECT n, IF(n < 900, 1, (SELECT 1 UNION SELECT n)) FROM number ORDER BY n")
        c.query("DO 1")


def change_user(server):
    with connect(server, database="shop") as c:
        c.query("SET sql_mode = 'ANSI_QUOTES'")
        binary.send(c, COMMAND.COM_CHANGE_USER, b"root\0\0mysql\0\x2d\0mysql_native_password\0\0")
        first = binary.read_packet(c)
        if first[:1] == b"\xfe":
            c.write_packet(b"")
            binary.read_packet(c)
        c.query("SELECT 'it''s'")
        if not server.version.startswith("5.6"):
            binary.simple(c, binary.COM_RESET_CONNECTION)
        c.query("SELECT 1")


def rarer(server):
    with connect(server, database="shop") as c:
        binary.simple(c, COMMAND.COM_STATISTICS)
        binary.field_list(c, "item")
        binary.simple(c, COMMAND.COM_SET_OPTION, struct.pack("<H", 0))
        binary.simple(c, COMMAND.COM_DEBUG)


def wrong_user(server):
    try:
        connect(server, user="nobody", password="wrong")
    except pymysql.MySQLError:
        return
    raise AssertionError("nobody may come in")


def secrets(server):
    """Passwords that answers repeat, and names that a terminal would obey."""
    try:
        connect(server, user="n\x1b[31m\nobody", password="wrong")
    except pymysql.MySQLError:
        pass
    with connect(server) as c:
        for sql in ("ALTER USER root IDENTIFIED BY 'hush' NONSENSE", "SET PASSWORD = 'hush'"):
            fails(c.query, sql)
        c.query("SELECT PASSWORD('hush'), '\x1b[2J \x9b31m'")
        fails(binary.Statement, c, "CREATE USER a IDENTIFIED BY 'hush' NONSENSE")
        binary.Statement(c, "SELECT LENGTH(PASSWORD(?))").execute("hush")


def own_client(server, *arguments):
    """The server's own command line client, without TLS."""
    workload.command_line(server, *arguments, "shop", sql="SELECT * FROM item;\nSELECT 'a;b';\nUSE mysql\nSELECT 1;\n")


def query_attributes(server):
    workload.command_line(server, "shop", sql="query_attributes n1 v1 n2 v2\nSELECT name FROM item;\nSELECT 2;\n")


def tls(server):
    workload.command_line(server, "shop", sql="SELECT 'secret';\n", plain=False)


def compressed(server):
    workload.command_line(server, "--compress", "shop", sql="SELECT REPEAT('x', 10000);\n")
