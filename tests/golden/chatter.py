"""What several clients say at once, such that each statement and each answer can be told from all others.

The numbers in the statements never come twice, and results differ in columns, rows and sizes, so that an
answer given to the wrong question is seen. Commands are sent as clients of all kinds do: alone, several in one
segment, several before the first answer, over many segments.
"""
import itertools
import random
import struct
import threading

import binary
import pymysql
import workload
from pymysql.constants import CLIENT, COMMAND

SETUP = """
CREATE DATABASE IF NOT EXISTS chatter; USE chatter;
CREATE TABLE number (n INT PRIMARY KEY, filler VARCHAR(200));
CREATE TABLE made (id INT PRIMARY KEY AUTO_INCREMENT, session INT, n INT, body LONGBLOB);
CREATE TABLE spare (n INT PRIMARY KEY);
INSERT INTO number VALUES (0, ''), (1, REPEAT('b', 31)), (2, REPEAT('c', 62)), (3, REPEAT('d', 93)),
    (4, REPEAT('e', 124)), (5, REPEAT('f', 155)), (6, REPEAT('g', 186)), (7, 'h');
INSERT INTO number SELECT n + 8, REVERSE(filler) FROM number;
INSERT INTO number SELECT n + 16, CONCAT(filler, n) FROM number;
INSERT INTO number SELECT n + 32, filler FROM number;
DELIMITER //
CREATE PROCEDURE two(a INT) BEGIN SELECT a, n FROM number WHERE n < a % 7; SELECT a, a + 1, a + 2; END//
DELIMITER ;
"""


def pack(payload, sequence=0):
    return struct.pack("<I", len(payload) | sequence << 24) + payload


class Talker:
    """One session."""

    def __init__(self, server, session, compression):
        self.session = session
        self.random = random.Random(session)
        self.numbers = itertools.count(session * 10_000_000 + 1)
        self.mariadb = server.program != "mysqld"
        self.connection = workload.connect(
            server, compression, database="chatter", autocommit=True,
            client_flag=CLIENT.MULTI_STATEMENTS | CLIENT.MULTI_RESULTS)
        self.add = binary.Statement(self.connection, "SELECT ? + 0, ?, 'add'")
        self.store = binary.Statement(self.connection, "INSERT INTO made (session, n, body) VALUES (?, ?, ?)")
        self.list = binary.Statement(self.connection, "SELECT n, filler, ? FROM number WHERE n < ?")
        # MySQL 9.7 was seen not to send the rows of a statement that it opened a cursor for before.
        self.scroll = self.list if self.mariadb else binary.Statement(
            self.connection, "SELECT n, filler, ? FROM number WHERE n < ?")

    def next(self):
        return next(self.numbers)

    def size(self):
        return self.random.randrange(60)

    def drain(self, sql):
        with self.connection.cursor() as cursor:
            try:
                cursor.execute(sql)
                while cursor.nextset():
                    pass
            except pymysql.MySQLError:
                pass

    def send_raw(self, data):
        self.connection._write_bytes(data)

    def read_first(self):
        """The first packet of an answer to what was sent by send_raw()."""
        self.connection._next_seq_id = 1
        return binary.read_packet(self.connection)

    def read_result(self):
        """Of a text or binary result that ends with EOFs."""
        first = self.read_first()
        if first[:1] != b"\0":
            binary.read_until_end(self.connection)
            binary.read_until_end(self.connection)

    # What may be said; each takes the next number.

    def point(self):
        self.drain(f"SELECT {self.next()}")

    def rows(self):
        self.drain(f"SELECT n, {self.next()}, filler FROM number WHERE n < {self.size()}")

    def update(self):
        self.drain(f"UPDATE number SET filler = CONCAT('{self.next()}', n) WHERE n BETWEEN 40 AND "
                   f"{40 + self.size() % 20}")

    def wrong(self):
        self.drain(f"SELECT * FROM nowhere_{self.next()}")

    def several(self):
        self.drain(f"SELECT {self.next()}; UPDATE spare SET n = n; SELECT n FROM number WHERE n < {self.size()}")

    def procedure(self):
        self.drain(f"CALL two({self.next()})")

    def long_text(self):
        self.drain(f"SELECT {self.next()}, LENGTH('{'x' * self.random.randrange(1000, 9000)}')")

    def packets_in_text(self):
        """A statement in whose middle a segment may look like a command."""
        bait = pack(b"\3SELECT 'never said on its own'")
        self.store.execute(self.session, self.next(), bait * 150)

    def execute(self):
        number = self.next()
        self.add.execute(number, self.random.choice([1.5, "text", None, number]))

    def execute_list(self):
        self.list.execute(self.next(), self.size())

    def long_data(self):
        for _ in range(2):
            self.store.long_data(2, b"%d" % self.next() * 20)
        self.store.execute(self.session, self.next(), b"", long_data=(2,))

    def cursor(self):
        self.scroll.execute(self.next(), self.size(), cursor=binary.CURSOR_READ_ONLY)
        more = True
        while more:
            _, more = self.scroll.fetch(20)
        self.scroll.reset()

    def fresh(self):
        """Prepared, executed and closed, as many libraries do it."""
        s = binary.Statement(self.connection, f"SELECT ?, {self.next()}")
        s.execute(self.next())
        s.close()

    def close_and_execute(self):
        """In one segment."""
        s = binary.Statement(self.connection, f"SELECT ?, {self.next()}")
        close = pack(bytes([COMMAND.COM_STMT_CLOSE]) + struct.pack("<I", s.id))
        self.send_raw(close + pack(b"\3SELECT %d" % self.next()))
        self.read_result()

    def ahead(self):
        """Several statements before the first answer."""
        count = self.random.randrange(2, 5)
        for _ in range(count):
            self.send_raw(pack(b"\3SELECT n, %d FROM number WHERE n < %d" % (self.next(), self.size())))
        for _ in range(count):
            self.read_result()

    def direct(self):
        """Prepared and executed at once, as MariaDB's connectors do it."""
        if not self.mariadb:
            return
        prepare = pack(bytes([COMMAND.COM_STMT_PREPARE]) + b"SELECT %d, ?" % self.next())
        value = binary.lenenc(b"%d" % self.next())
        execute = pack(struct.pack("<BIBIBBH", COMMAND.COM_STMT_EXECUTE, 0xFFFFFFFF, 0, 1, 0, 1,
                                   binary.TYPE_VAR_STRING) + value)
        self.send_raw(prepare + execute)
        first = self.read_first()
        binary.read_until_end(self.connection)
        binary.read_until_end(self.connection)
        self.read_result()
        self.send_raw(pack(bytes([COMMAND.COM_STMT_CLOSE]) + first[1:5]))

    def keep_window(self, window, count):
        """The next statement is sent when one more answer is there, while others wait."""
        for sent in range(count + window - 1):
            if sent < count:
                self.send_raw(pack(b"\3SELECT n, %d FROM number WHERE n < %d" % (self.next(), self.size())))
            if sent >= window - 1:
                self.read_result()

    def run_windows(self, rounds):
        for i in range(rounds):
            self.keep_window(1 + (self.session + i) % 4, 40)
        self.connection.close()

    def run(self, rounds):
        often = [self.point] * 6 + [self.execute] * 4
        seldom = [self.rows, self.update, self.wrong, self.several, self.procedure, self.long_text,
                  self.packets_in_text, self.execute_list, self.long_data, self.cursor, self.fresh,
                  self.close_and_execute, self.ahead, self.direct]
        for _ in range(rounds):
            self.random.choice(often + seldom)()
        self.connection.close()


def run(server, sessions, rounds, compression=None, how=Talker.run):
    talkers = [Talker(server, i, compression) for i in range(1, sessions + 1)]
    threads = [threading.Thread(target=how, args=(t, rounds)) for t in talkers]
    for t in threads:
        t.start()
    for t in threads:
        t.join()
