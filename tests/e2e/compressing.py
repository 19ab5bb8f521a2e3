"""A PyMySQL that speaks the compressed protocol, which it does not by itself."""
import random

import pymysql.connections

import frames

LONG = 200  # bytes of a command that may be cut into several frames


def packets(data):
    """The packets that DATA consists of, with their headers."""
    while data:
        end = 4 + int.from_bytes(data[:3], "little")
        yield data[:end]
        data = data[end:]


class Connection(pymysql.connections.Connection):
    """HOW: zlib or zstd. Long commands are now and then cut into several frames, as some clients do it."""

    def __init__(self, *arguments, how, client_flag=0, **options):
        self._how = how
        self._packed = False
        self._sequence = 0   # of the next frame
        self._contents = b""
        self._in_body = False
        self._random = random.Random(how)
        super().__init__(*arguments, client_flag=client_flag | (frames.COMPRESS if how == "zlib" else frames.ZSTD), **options)

    def write_packet(self, payload):
        level = b"\3" if self._how == "zstd" and not self._packed and self._next_seq_id == 1 else b""
        super().write_packet(payload + level)

    def _request_authentication(self):
        super()._request_authentication()
        self._packed = True

    def _pieces(self, packet):
        # Of a file each packet is a frame: so both numbers wrap around at once.
        if packet[3] == 0 and self._sequence == 0 and len(packet) > LONG and self._random.random() < 0.5:
            at = self._random.randrange(1, len(packet))
            return [packet[:at], packet[at:]]
        return [packet]

    def _write_bytes(self, data):
        if self._packed:
            out = b""
            for packet in packets(data):
                if packet[3] == 0:
                    self._sequence = 0
                for piece in self._pieces(packet):
                    out += frames.frame(self._how, self._sequence, piece)
                    self._sequence = (self._sequence + 1) % 256
            data = out
        super()._write_bytes(data)

    def _read_frame(self):
        header = super()._read_bytes(7)
        payload = super()._read_bytes(int.from_bytes(header[:3], "little"))
        self._sequence = (header[3] + 1) % 256
        self._contents += frames.unpack(payload, int.from_bytes(header[4:], "little"))

    def _read_bytes(self, num_bytes):
        if not self._packed:
            return super()._read_bytes(num_bytes)
        while len(self._contents) < num_bytes:
            self._read_frame()
        data, self._contents = self._contents[:num_bytes], self._contents[num_bytes:]
        # A server goes on counting behind the frames of the command, where PyMySQL looks at its packet.
        if not self._in_body:
            data = data[:3] + bytes([self._next_seq_id])
        self._in_body = not self._in_body
        return data
