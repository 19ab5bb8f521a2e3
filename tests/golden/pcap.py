"""Captures as lists of frames: to read, change and write them. Standard library only.

Frames that carry TCP over IPv4 in Ethernet, as tcpdump hears them on the loopback interface, can be
taken apart and put together again: cut to the size of real segments, or moved into another link layer.
"""
import dataclasses
import gzip
import ipaddress
import struct

ETHERNET, RAW, LOOP, SLL, SLL2 = 1, 101, 108, 113, 276
NANOSECONDS, MICROSECONDS = 0xA1B23C4D, 0xA1B2C3D4
ETHER_IP, ETHER_IP6, ETHER_VLAN, ETHER_QINQ = 0x0800, 0x86DD, 0x8100, 0x88A8
TCP = 6
FIN, SYN, RST, PSH, ACK = 1, 2, 4, 8, 16


@dataclasses.dataclass
class Frame:
    time_ns: int
    data: bytes
    wire_len: int


def read(path):
    """(link type, frames) of a pcap file, also a compressed one."""
    with (gzip.open if str(path).endswith(".gz") else open)(path, "rb") as f:
        data = f.read()
    order = "<" if struct.unpack_from("<I", data)[0] in (NANOSECONDS, MICROSECONDS) else ">"
    magic, link = struct.unpack_from(order + "I16xI", data)
    assert magic in (NANOSECONDS, MICROSECONDS), f"{path} is not a pcap file"
    unit = 1 if magic == NANOSECONDS else 1000
    frames, at = [], 24
    while at + 16 <= len(data):
        seconds, fraction, kept, wire = struct.unpack_from(order + "IIII", data, at)
        frames.append(Frame(seconds * 10**9 + fraction * unit, data[at + 16:at + 16 + kept], wire))
        at += 16 + kept
    return link, frames


def write(path, frames, link=ETHERNET):
    parts = [struct.pack("<IHHiIII", NANOSECONDS, 2, 4, 0, 0, 1 << 18, link)]
    for f in frames:
        parts.append(struct.pack("<IIII", f.time_ns // 10**9, f.time_ns % 10**9, len(f.data), f.wire_len))
        parts.append(f.data)
    data = b"".join(parts)
    if str(path).endswith(".gz"):
        data = gzip.compress(data, 9, mtime=0)
    with open(path, "wb") as f:
        f.write(data)


@dataclasses.dataclass
class Segment:
    """TCP over IPv4 in an Ethernet frame."""
    time_ns: int
    source: tuple  # (address, port)
    target: tuple
    sequence: int
    ack: int
    flags: int
    options: bytes
    payload: bytes       # what was kept of it
    payload_len: int     # what there was

    @property
    def end(self):
        return self.sequence + self.payload_len + bool(self.flags & SYN) + bool(self.flags & FIN)


def segment(frame):
    """The frame as a Segment; None if it is none, or its headers are cut."""
    data = frame.data
    if len(data) < 54 or data[12:14] != b"\x08\0" or data[23] != TCP:
        return None
    ip_len = (data[14] & 15) * 4
    total = struct.unpack_from(">H", data, 16)[0] or frame.wire_len - 14  # 0: cut by the card, later
    tcp = 14 + ip_len
    source, target, sequence, ack, offset, flags = struct.unpack_from(">HHIIBB", data, tcp)
    head = (offset >> 4) * 4
    if len(data) < tcp + head:
        return None
    addresses = [str(ipaddress.IPv4Address(data[at:at + 4])) for at in (26, 30)]
    return Segment(frame.time_ns, (addresses[0], source), (addresses[1], target), sequence, ack, flags,
                   data[tcp + 20:tcp + head], data[tcp + head:14 + total], total - ip_len - head)


def checksum(data):
    if len(data) % 2:
        data += b"\0"
    total = sum(struct.unpack(f">{len(data) // 2}H", data))
    while total >> 16:
        total = (total & 0xFFFF) + (total >> 16)
    return ~total & 0xFFFF


def tcp_bytes(s, source, target):
    """The TCP part, with its checksum over the packed addresses SOURCE and TARGET."""
    head = struct.pack(">HHIIBBHHH", s.source[1], s.target[1], s.sequence & 0xFFFFFFFF, s.ack,
                       (20 + len(s.options)) // 4 << 4, s.flags, 65535, 0, 0) + s.options
    length = len(head) + len(s.payload)
    pseudo = source + target + (struct.pack(">BBH", 0, TCP, length) if len(source) == 4
                                else struct.pack(">I3xB", length, TCP))
    total = checksum(pseudo + head + s.payload)
    return head[:16] + struct.pack(">H", total) + head[18:] + s.payload


def ip4_bytes(s):
    source, target = (ipaddress.IPv4Address(end[0]).packed for end in (s.source, s.target))
    tcp = tcp_bytes(s, source, target)
    head = struct.pack(">BBHHHBBH", 0x45, 0, 20 + len(tcp), 0, 0x4000, 64, TCP, 0) + source + target
    return head[:10] + struct.pack(">H", checksum(head)) + head[12:] + tcp


def ip6_bytes(s):
    """The same over IPv6, between addresses made from the IPv4 ones."""
    source, target = (ipaddress.IPv6Address("fd00::" + end[0]).packed for end in (s.source, s.target))
    tcp = tcp_bytes(s, source, target)
    return struct.pack(">IHBB", 6 << 28, len(tcp), TCP, 64) + source + target + tcp


MACS = b"\2\0\0\0\0\2" + b"\2\0\0\0\0\1"

# name -> (link type, what stands before the IP header, IPv6)
LINKS = {
    "ethernet": (ETHERNET, MACS + struct.pack(">H", ETHER_IP), False),
    "ipv6": (ETHERNET, MACS + struct.pack(">H", ETHER_IP6), True),
    "vlan": (ETHERNET, MACS + struct.pack(">HHH", ETHER_VLAN, 7, ETHER_IP), False),
    "qinq": (ETHERNET, MACS + struct.pack(">HHHHH", ETHER_QINQ, 7, ETHER_VLAN, 8, ETHER_IP), False),
    "sll": (SLL, struct.pack(">HHH8sH", 0, 1, 6, MACS[:8], ETHER_IP), False),
    "sll2": (SLL2, struct.pack(">HHIHBB8s", ETHER_IP, 0, 1, 1, 0, 6, MACS[:8]), False),
    "raw": (RAW, b"", False),
    "loop": (LOOP, struct.pack(">I", 2), False),
}


def frame(s, link="ethernet"):
    _, head, ip6 = LINKS[link]
    data = head + (ip6_bytes(s) if ip6 else ip4_bytes(s))
    return Frame(s.time_ns, data, len(data))


def resegment(frames, mss, port=None):
    """FRAMES as a network would carry them: no payload longer than MSS. The pieces of one are a microsecond
    apart where there is time for it. PORT becomes 3306."""
    def place(end):
        return (end[0], 3306) if end[1] == port else end
    out = []
    for i, f in enumerate(frames):
        s = segment(f)
        if not s:
            continue
        count = max(1, -(-len(s.payload) // mss))
        later = frames[i + 1].time_ns if i + 1 < len(frames) else f.time_ns + 1000 * count
        step = min(1000, max(0, later - f.time_ns) // count)
        for k in range(count):
            piece = s.payload[k * mss:(k + 1) * mss]
            flags = s.flags if k == count - 1 else s.flags & ~(FIN | PSH)
            out.append(frame(dataclasses.replace(
                s, time_ns=s.time_ns + k * step, sequence=s.sequence + k * mss, flags=flags,
                payload=piece, payload_len=len(piece), source=place(s.source), target=place(s.target))))
    return out
