#!/usr/bin/python3
"""Kills publishers and replayers at random moments while sessions speak, and counts what was executed.

    tests/e2e/kill_carriers.py [ROUNDS]      fifty rounds unless told otherwise; MYNA=PATH is the program

Not part of the tests, which do it once each (test_publish.py).
"""
import os
import pathlib
import random
import re
import sys
import tempfile
import time

import harness
import servers
import test_publish as t
import broker as rabbitmq


def one_round(number, myna, folder, source, target, broker):
    """One of the two sides is killed, and started again."""
    name = f"round-{number}"
    side = random.choice(["publisher", "replayer"])
    for server in (source, target):
        server.execute("DROP DATABASE IF EXISTS carried; CREATE DATABASE carried; USE carried; "
                       "CREATE TABLE said (id INT PRIMARY KEY, who TEXT)")
        server.log_clear()
    publisher = t.Publisher(myna, folder, source, broker, name).start()
    time.sleep(0.3)
    replayer = t.Replayer(myna, folder / "first", target, broker, name, idle="0").start()
    reserve = t.Replayer(myna, folder / "second", target, broker, name, idle="0").start()
    with t.Talk(source):
        time.sleep(random.uniform(0.2, 2))
        killed = publisher if side == "publisher" else replayer
        killed.kill()
        at = time.monotonic()
        if side == "publisher":
            publisher.start()
        gap = time.monotonic() - at
        time.sleep(1.5)
    publisher.__exit__()
    until = time.monotonic() + 15
    said = t.inserts(source)
    while len(t.rows(target)) < len(said) and time.monotonic() < until:
        time.sleep(0.3)
        if side == "publisher" and time.monotonic() > until - 11:
            break  # what was not heard while there was no publisher will not come
    for p in (replayer, reserve):
        p.ends = False
        if p is not killed:
            p.__exit__()
    done = t.inserts(target)
    missing = len(said.keys() - done.keys())
    twice = sum(count - 1 for count in done.values())
    wrong = [row for row in t.rows(target) if re.search(r"NULL$", row)]
    # What is heard at the most while it was not there and in the block before: of each session one per t.EVERY.
    allowed = t.SESSIONS * (gap + 0.8) / t.EVERY if side == "publisher" else 0
    told = any("executed twice" in p.said for p in (replayer, reserve))
    good = missing <= allowed and (side == "replayer" or twice == 0 or told) and (side == "publisher" or not wrong)
    print(f"{number}: {side} killed: {len(said)} said, {missing} missing (at most {allowed:.0f}), {twice} twice"
          f"{'' if good else ' -- WRONG'}", flush=True)
    return good


def main():
    rounds = int(sys.argv[1]) if len(sys.argv) > 1 else 50
    myna = harness.Myna(pathlib.Path(os.environ.get("MYNA", harness.TOP / "build" / "myna")).resolve())
    with tempfile.TemporaryDirectory(dir="/var/tmp") as place:
        folder = pathlib.Path(place)
        with rabbitmq.Broker(folder / "broker") as broker, servers.mariadb(folder / "source") as source, \
                servers.mariadb(folder / "target") as target:
            source.start()
            target.start()
            bad = [i for i in range(rounds) if not one_round(i, myna, folder, source, target, broker)]
    print(f"{rounds - len(bad)} of {rounds} as they should be")
    return 1 if bad else 0


if __name__ == "__main__":
    sys.exit(main())
