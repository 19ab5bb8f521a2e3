#!/usr/bin/python3
"""inject.py CAPTURE INTERFACE - sends the frames of a pcap file out of an interface, a little apart."""
import pathlib
import socket
import sys
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent / "golden"))

import pcap  # noqa: E402


def main():
    out = socket.socket(socket.AF_PACKET, socket.SOCK_RAW)
    out.bind((sys.argv[2], 0))
    for number, f in enumerate(pcap.read(sys.argv[1])[1]):
        out.send(f.data)
        if number % 50 == 0:
            time.sleep(0.001)


if __name__ == "__main__":
    main()
