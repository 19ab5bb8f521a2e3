"""A client of MariaDB's bulk execution with all that the protocol allows: indicators, results by row, errors in the middle.

By hand, since no client library of Python's sends it; logs in as root without a password.
"""
import socket
import struct

import binary

CAPABILITIES = 0x00AA_A208  # CONNECT_WITH_DB, PROTOCOL_41, TRANSACTIONS, SECURE_CONNECTION, PLUGIN_AUTH, SESSION_TRACK
BULK, UNIT_RESULTS = 1 << 2, 1 << 5  # of MariaDB's own capabilities
COM_QUERY, COM_STMT_PREPARE, COM_QUIT, COM_STMT_BULK_EXECUTE = 0x03, 0x16, 0x01, 0xFA
FLAG_UNIT_RESULTS, FLAG_TYPES = 64, 128
MORE_RESULTS = 8


class Indicator:
    def __init__(self, number):
        self.number = number


NULL, DEFAULT, IGNORE = Indicator(1), Indicator(2), Indicator(3)


class Failed(Exception):
    def __init__(self, code, text):
        super().__init__(code, text)
        self.code = code


def number_of(data, at):
    """(number, where it ends) of a number with its length in front."""
    if data[at] < 0xFB:
        return data[at], at + 1
    size = {0xFC: 2, 0xFD: 3, 0xFE: 8}[data[at]]
    return int.from_bytes(data[at + 1:at + 1 + size], "little"), at + 1 + size


class Connection:
    def __init__(self, server, database, extended=BULK | UNIT_RESULTS):
        self.socket = socket.create_connection(("127.0.0.1", server.port))
        self.file = self.socket.makefile("rb")
        self.read()
        self.write(1, struct.pack("<IIB19xI", CAPABILITIES & ~1, 1 << 30, 45, extended) + b"root\0\0" +
                   database.encode() + b"\0mysql_native_password\0")
        answer = self.read()
        if answer[:1] == b"\xfe":
            self.write(3, b"")
            answer = self.read()
        assert answer[:1] == b"\0", answer

    def read(self):
        head = self.file.read(4)
        return self.file.read(int.from_bytes(head[:3], "little"))

    def write(self, sequence, payload):
        self.socket.sendall(len(payload).to_bytes(3, "little") + bytes([sequence]) + payload)

    def ask(self, code, payload):
        self.write(0, bytes([code]) + payload)
        return self.read()

    def answer(self, first):
        """(affected rows, insert id, warnings) of an OK; rows, as packets."""
        if first[:1] == b"\xff":
            raise Failed(struct.unpack_from("<H", first, 1)[0], first[9:])
        if first[:1] == b"\0":
            affected, at = number_of(first, 1)
            insert_id, at = number_of(first, at)
            return affected, insert_id, struct.unpack_from("<H", first, at + 2)[0]
        self.rows()
        return self.rows()

    def rows(self):
        rows = []
        while not binary.is_end(packet := self.read()):
            if packet[:1] == b"\xff":
                raise Failed(struct.unpack_from("<H", packet, 1)[0], packet[9:])
            rows.append(packet)
        return rows

    def query(self, sql):
        return self.answer(self.ask(COM_QUERY, sql.encode()))

    def prepare(self, sql):
        first = self.ask(COM_STMT_PREPARE, sql.encode())
        if first[:1] == b"\xff":
            raise Failed(struct.unpack_from("<H", first, 1)[0], first[9:])
        statement, columns, parameters = struct.unpack_from("<IHH", first, 1)
        for count in (parameters, columns):
            if count:
                self.rows()
        return statement

    def bulk(self, statement, rows, unit_results=False, types=True):
        """The answer, as answer() gives it. TYPES: they are sent."""
        flags = (FLAG_UNIT_RESULTS if unit_results else 0) | (FLAG_TYPES if types else 0)
        payload = struct.pack("<IH", statement, flags)
        columns = [next((v for v in column if v is not None and not isinstance(v, Indicator)), 0)
                   for column in zip(*rows)]
        if types:
            payload += b"".join(struct.pack("<H", binary.encode(value)[0]) for value in columns)
        for row in rows:
            for value in row:
                value = NULL if value is None else value
                payload += bytes([value.number]) if isinstance(value, Indicator) else b"\0" + binary.encode(value)[1]
        return self.answer(self.ask(COM_STMT_BULK_EXECUTE, payload))

    def close(self):
        self.write(0, bytes([COM_QUIT]))
        self.file.close()
        self.socket.close()
