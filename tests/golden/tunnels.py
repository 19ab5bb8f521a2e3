"""IP datagrams inside of tunnels, and in fragments. Standard library only.

Built from the documents of each protocol, and not from what myna's decoder thinks of them.
"""
import dataclasses
import ipaddress
import struct

import pcap

ICMP, IPIP, UDP, IP6, GRE, FRAGMENT, MPLS_IN_IP = 1, 4, 17, 41, 47, 44, 137
MACS = pcap.MACS


def is_ip6(datagram):
    return datagram[0] >> 4 == 6


def ethertype(datagram):
    return pcap.ETHER_IP6 if is_ip6(datagram) else pcap.ETHER_IP


def frame(datagram):
    return MACS + struct.pack(">H", ethertype(datagram)) + datagram


def ip(payload, protocol, rng, v6=False):
    """A datagram between two machines of the network below."""
    if v6:
        ends = ipaddress.IPv6Address("fd01::1").packed + ipaddress.IPv6Address("fd01::2").packed
        return struct.pack(">IHBB", 6 << 28, len(payload), protocol, 64) + ends + payload
    ends = bytes([192, 168, 0, 1, 192, 168, 0, 2])
    head = struct.pack(">BBHHHBBH", 0x45, 0, 20 + len(payload), rng.randrange(65536), 0, 64, protocol, 0) + ends
    return head[:10] + struct.pack(">H", pcap.checksum(head)) + head[12:] + payload


def udp(payload, port, rng):
    return struct.pack(">HHHH", rng.randrange(49152, 65536), port, 8 + len(payload), 0) + payload


def ip_in_ip(datagram, rng, v6):
    return ip(datagram, IP6 if is_ip6(datagram) else IPIP, rng, v6)


def gre(datagram, rng, v6):
    return ip(struct.pack(">HH", 0, ethertype(datagram)) + datagram, GRE, rng, v6)


def gre_full(datagram, rng, v6):
    """With checksum, key and sequence number, and a frame inside."""
    return ip(struct.pack(">HHHHII", 0xB000, 0x6558, 0, 0, 7, rng.randrange(1 << 32)) + frame(datagram), GRE, rng, v6)


def erspan_2(datagram, rng, v6):
    return ip(struct.pack(">HHIHHI", 0x1000, 0x88BE, 1, 0x1000 | 100, 5, 0) + frame(datagram), GRE, rng, v6)


def erspan_3(datagram, rng, v6):
    platform = rng.randrange(2)
    head = struct.pack(">HHIHHIHH", 0x1000, 0x22EB, 1, 0x2000 | 100, 5, 12345, 0, platform)
    return ip(head + bytes(8 * platform) + frame(datagram), GRE, rng, v6)


def vxlan(datagram, rng, v6):
    return ip(udp(struct.pack(">II", 0x08000000, 42 << 8) + frame(datagram), rng.choice([4789, 8472]), rng), UDP, rng, v6)


def geneve(datagram, rng, v6):
    options = rng.randrange(4)
    return ip(udp(struct.pack(">BBHI", options, 0, 0x6558, 42 << 8) + bytes(4 * options) + frame(datagram), 6081, rng),
              UDP, rng, v6)


def mpls_in_ip(datagram, rng, v6):
    return ip(struct.pack(">II", 16 << 12 | 64, 17 << 12 | 0x100 | 64) + datagram, MPLS_IN_IP, rng, v6)


# Datagram to datagram.
TUNNELS = [ip_in_ip, gre, gre_full, erspan_2, erspan_3, vxlan, geneve, mpls_in_ip]


def vlan(datagram, _):
    return MACS + struct.pack(">HHH", 0x8100, 10, ethertype(datagram)) + datagram


def qinq(datagram, _):
    return MACS + struct.pack(">HHHHH", 0x88A8, 5, 0x8100, 10, ethertype(datagram)) + datagram


def mpls(datagram, rng):
    labels = [16 + rng.randrange(1000) << 12 | 64 for _ in range(1 + rng.randrange(4))]
    return MACS + struct.pack(f">H{len(labels)}I", 0x8847, *labels[:-1], labels[-1] | 0x100) + datagram


def pseudowire(datagram, _):
    return MACS + struct.pack(">HII", 0x8847, 16 << 12 | 0x100 | 64, 0) + frame(datagram)


def bare_pseudowire(datagram, _):
    """Without a control word."""
    return MACS + struct.pack(">HI", 0x8847, 16 << 12 | 0x100 | 64) + frame(datagram)


def pppoe(datagram, _):
    protocol = 0x57 if is_ip6(datagram) else 0x21
    return MACS + struct.pack(">HBBHHH", 0x8864, 0x11, 0, 9, 2 + len(datagram), protocol) + datagram


def plain(datagram, _):
    return frame(datagram)


# Datagram to Ethernet frame.
LINKS = [plain, vlan, qinq, mpls, pseudowire, bare_pseudowire, pppoe]


def fragments(datagram, size, rng):
    """DATAGRAM in fragments whose payload is at most SIZE bytes, a multiple of 8."""
    v6 = is_ip6(datagram)
    head, payload = datagram[:40 if v6 else 20], datagram[40 if v6 else 20:]
    if len(payload) <= size:
        return [datagram]
    out, number = [], rng.randrange(1 << 32)
    for at in range(0, len(payload), size):
        part, more = payload[at:at + size], at + size < len(payload)
        if v6:
            extension = struct.pack(">BBHI", head[6], 0, at | more, number)
            out.append(head[:4] + struct.pack(">HB", 8 + len(part), FRAGMENT) + head[7:] + extension + part)
        else:
            fresh = head[:2] + struct.pack(">HHH", 20 + len(part), number & 0xFFFF, more << 13 | at // 8) + head[8:10]
            fresh += b"\0\0" + head[12:]
            out.append(fresh[:10] + struct.pack(">H", pcap.checksum(fresh)) + fresh[12:] + part)
    return out


def wrap(datagrams, rng, tunnels=None, depth=3, cuts=True):
    """Datagrams in any nesting of tunnels, each level in fragments or not, in any order, some of them twice."""
    for _ in range(rng.randrange(depth + 1)):
        tunnel, v6 = rng.choice(tunnels or TUNNELS), rng.random() < 0.5
        datagrams = [tunnel(d, rng, v6) for d in datagrams]
        if cuts and rng.random() < 0.5:
            size = 8 * rng.randrange(20, 160)
            datagrams = [f for d in datagrams for f in fragments(d, size, rng)]
    if cuts:
        rng.shuffle(datagrams)
        datagrams += [d for d in datagrams if rng.random() < 0.05]
    return datagrams


def wrap_capture(frames, rng, links=None, **options):
    """FRAMES (TCP over IPv4 in Ethernet), each of them somewhere else."""
    out = []
    for f in frames:
        s = pcap.segment(f)
        if not s:
            continue
        datagram = pcap.ip6_bytes(s) if options.get("v6") else pcap.ip4_bytes(s)
        more = {k: v for k, v in options.items() if k != "v6"}
        start = [datagram]
        if more.get("cuts", True) and rng.random() < 0.3:
            start = fragments(datagram, 8 * rng.randrange(4, 100), rng)
        for d in wrap(start, rng, **more):
            data = rng.choice(links or LINKS)(d, rng)
            out.append(dataclasses.replace(f, data=data, wire_len=len(data)))
    return out
