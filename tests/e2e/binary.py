"""Commands that PyMySQL does not send by itself: the binary protocol and the rarer COM_*.

Works on a connection of PyMySQL, packet by packet, so that a test decides what is said.
"""
import struct

from pymysql.constants import COMMAND

TYPE_TINY, TYPE_LONG, TYPE_DOUBLE, TYPE_NULL = 1, 3, 5, 6
TYPE_LONGLONG, TYPE_DATETIME, TYPE_BLOB, TYPE_VAR_STRING = 8, 12, 252, 253
CURSOR_READ_ONLY = 1
COM_RESET_CONNECTION = 0x1F
STATUS_LAST_ROW = 0x80


def lenenc(data):
    if len(data) < 251:
        return bytes([len(data)]) + data
    if len(data) < 1 << 16:
        return b"\xfc" + struct.pack("<H", len(data)) + data
    return b"\xfd" + struct.pack("<I", len(data))[:3] + data


def encode(value):
    """(type, bytes) of a parameter."""
    if value is None:
        return TYPE_NULL, b""
    if isinstance(value, int):
        return TYPE_LONGLONG, struct.pack("<q", value)
    if isinstance(value, float):
        return TYPE_DOUBLE, struct.pack("<d", value)
    if isinstance(value, bytes):
        return TYPE_BLOB, lenenc(value)
    if hasattr(value, "year"):
        parts = struct.pack("<HBBBBBI", value.year, value.month, value.day, value.hour, value.minute,
                            value.second, value.microsecond)
        return TYPE_DATETIME, bytes([len(parts)]) + parts
    return TYPE_VAR_STRING, lenenc(value.encode())


def send(connection, command, payload=b""):
    connection._execute_command(command, payload)


def is_end(packet):
    return packet[:1] == b"\xfe" and len(packet) < 9


def read_packet(connection):
    return connection._read_packet().get_all_data()


def read_until_end(connection):
    """Packets up to the EOF that ends them; (packets, status of the EOF)."""
    packets = []
    while True:
        packet = read_packet(connection)
        if is_end(packet):
            return packets, struct.unpack("<H", packet[3:5])[0]
        packets.append(packet)


def simple(connection, command, payload=b""):
    """A command that is answered by one packet."""
    send(connection, command, payload)
    return read_packet(connection)


def field_list(connection, table):
    send(connection, COMMAND.COM_FIELD_LIST, table.encode() + b"\0")
    return read_until_end(connection)[0]


class Statement:
    """A prepared statement of the binary protocol."""

    def __init__(self, connection, sql):
        self.connection = connection
        self.types_sent = None
        first = simple(connection, COMMAND.COM_STMT_PREPARE, sql.encode())
        self.id, self.columns, self.parameters = struct.unpack("<IHH", first[1:9])
        for count in (self.parameters, self.columns):
            if count:
                read_until_end(connection)

    def execute(self, *values, cursor=0, send_types=None, long_data=()):
        """Rows as raw packets. SEND_TYPES: None sends them when they differ from the last time.
        LONG_DATA: indexes of parameters whose value went ahead by long_data()."""
        encoded = [encode(value) for value in values]
        types = b"".join(struct.pack("<H", kind) for kind, _ in encoded)
        bits = sum(1 << i for i, value in enumerate(values) if value is None)
        payload = struct.pack("<IBI", self.id, cursor, 1)
        if values:
            fresh = types != self.types_sent if send_types is None else send_types
            payload += bits.to_bytes((len(values) + 7) // 8, "little") + (b"\1" + types if fresh else b"\0")
            payload += b"".join(data for i, (_, data) in enumerate(encoded) if i not in long_data)
            self.types_sent = types if fresh else self.types_sent
        send(self.connection, COMMAND.COM_STMT_EXECUTE, payload)
        first = read_packet(self.connection)
        if first[:1] == b"\0":
            return []
        read_until_end(self.connection)
        return [] if cursor else read_until_end(self.connection)[0]

    def fetch(self, count):
        """(rows, whether there are more) of an open cursor."""
        send(self.connection, COMMAND.COM_STMT_FETCH, struct.pack("<II", self.id, count))
        rows, status = read_until_end(self.connection)
        return rows, not status & STATUS_LAST_ROW

    def long_data(self, index, data):
        send(self.connection, COMMAND.COM_STMT_SEND_LONG_DATA, struct.pack("<IH", self.id, index) + data)

    def reset(self):
        return simple(self.connection, COMMAND.COM_STMT_RESET, struct.pack("<I", self.id))

    def close(self):
        send(self.connection, COMMAND.COM_STMT_CLOSE, struct.pack("<I", self.id))
