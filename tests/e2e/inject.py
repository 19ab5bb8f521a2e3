#!/usr/bin/python3
"""inject.py CAPTURE INTERFACE [PORT INTERFACE] - sends the frames of a pcap file out of an interface, a little apart;
those from PORT out of another one."""
import pathlib
import socket
import sys
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent / "golden"))

import pcap  # noqa: E402


def main():
    out = [socket.socket(socket.AF_PACKET, socket.SOCK_RAW) for _ in range(2)]
    out[0].bind((sys.argv[2], 0))
    port = int(sys.argv[3]) if len(sys.argv) > 3 else None
    out[1].bind((sys.argv[-1], 0))
    for number, f in enumerate(pcap.read(sys.argv[1])[1]):
        s = pcap.segment(f) if port else None
        out[bool(s and s.source[1] == port)].send(f.data)
        if number % 50 == 0:
            time.sleep(0.001)


if __name__ == "__main__":
    main()
