"""A series of recordings: every file stands alone, and together they hold every exchange once."""
import contextlib
import json
import os
import re
import signal
import subprocess
import threading
import time

import pytest

import harness
import servers
from replaying import outcome_of
from test_command import frame, packet, pcap
from workload import sysbench

NAME = re.compile(r"prod-\d{8}T\d{6}Z(_\d\d)?\.myna")


def members(folder):
    found = sorted(path for path in folder.iterdir() if NAME.fullmatch(path.name))
    assert found, list(folder.iterdir())
    return found


def exchanges(events):
    return [e for e in events if e["type"] == "exchange"]


def together(myna, paths, status=(0,)):
    """The events of all, in which a session begins once."""
    seen, events = set(), []
    for path in paths:
        for event in myna.export(path, status=status):
            if event["type"] == "session" and event["session"] in seen:
                assert event["joined"]
                continue
            if event["type"] == "session":
                seen.add(event["session"])
            events.append(event)
    return events


def assert_once(events):
    keys = [(e["session"], e["n"]) for e in exchanges(events)]
    assert len(keys) == len(set(keys)), "an exchange is in two files"
    for session in {key[0] for key in keys}:
        numbers = sorted(n for s, n in keys if s == session)
        assert numbers == list(range(numbers[0], numbers[0] + len(numbers))), f"session {session} has holes"


@pytest.fixture
def slow_capture(tmp_path):
    """A capture of 20 seconds: ten queries, each answered a second later; two of them under way at once."""
    frames, place = [], {}
    for number in range(20):
        port = 40000 + number % 2
        to_server, to_client = place.get(port, (1000, 5000))
        question, answer = packet(0, b"\x03" + f"DO {number}".encode()), packet(1, b"\0\0\0\2\0\0\0")
        frames.append((number, frame(port, 3306, to_server, to_client, 0x18, question)))
        frames.append((number + 1.5, frame(3306, port, to_client, to_server + len(question), 0x18, answer)))
        place[port] = to_server + len(question), to_client + len(answer)
    path = tmp_path / "slow.pcap"
    whole = bytearray(pcap([f for _, f in sorted(frames, key=lambda f: f[0])]))
    at = 24
    for second, _ in sorted(frames, key=lambda f: f[0]):
        whole[at:at + 8] = (1700000000 + int(second)).to_bytes(4, "little") + int(second % 1 * 1e6).to_bytes(4, "little")
        at += 16 + int.from_bytes(whole[at + 8:at + 12], "little")
    path.write_bytes(whole)
    return path


def test_an_exchange_is_whole_in_one_file(myna, slow_capture, tmp_path):
    folder = tmp_path / "series"
    folder.mkdir()
    said = myna.run("record", slow_capture, "-o", folder / "prod.myna", "--rotate", "3s").stderr
    files = members(folder)
    assert len(files) == 7, said
    assert files[0].name == "prod-20231114T221320Z.myna"
    events = together(myna, files)
    assert_once(events)
    assert sorted(e["sql"] for e in exchanges(events)) == sorted(f"DO {n}" for n in range(20))
    assert {e["response"] for e in exchanges(events)} == {"ok"}
    for path in files:
        mine = myna.export(path)
        count = harness.coverage(mine)
        assert count["commands"] == len(exchanges(mine)) and count["unanswered"] == 0
        assert count["sessions"] == count["joined"] == sum(e["type"] == "session" for e in mine)
        assert all(e["joined"] for e in mine if e["type"] == "session")


def test_keep_removes_the_oldest_of_the_series_and_nothing_else(myna, slow_capture, tmp_path):
    folder = tmp_path / "series"
    folder.mkdir()
    myna.run("record", slow_capture, "-o", folder / "prod.myna", "--rotate", "3s")
    all_files = members(folder)
    others = ["prod.myna", "prod-20231114T221320Z.myna.gz", "prod-x.myna", "prod-20200101T000000Z.myna"]
    for name in others:
        (folder / name).write_text("somebody's letter")
    all_files[-1].unlink()  # made again, by a later run
    early = folder / "prod-20210101T000000Z.myna"
    early.write_bytes(all_files[0].read_bytes())
    for path in all_files[:-1]:
        path.unlink()
    said = myna.run("record", slow_capture, "-o", folder / "prod.myna", "--rotate", "3s", "--keep", "2").stderr
    assert [p for p in members(folder) if p.name not in others] == all_files[-2:]
    assert f"removed {early}" in said
    assert all((folder / name).read_text() == "somebody's letter" for name in others)


@pytest.mark.parametrize("arguments", [
    ["--rotate", "1"], ["--rotate", "soon"], ["--rotate", "1k"], ["--rotate", "10ms"], ["--keep", "2"],
    ["--min-free", "100k"],
], ids=" ".join)
def test_wrong_usage(myna, slow_capture, tmp_path, arguments):
    assert myna.run("record", slow_capture, "-o", tmp_path / "prod.myna", *arguments, status=(2,)).stderr
    assert not list(tmp_path.glob("prod*"))


@contextlib.contextmanager
def recorder(myna, folder, server, *options):
    """myna record of a series, live; ends it by SIGINT unless it has ended."""
    folder.mkdir(exist_ok=True)
    said = folder / "said"
    command = [myna.path, "record", "-i", "lo", "--port", str(server.port), "-o", str(folder / "prod.myna"), *options]
    with said.open("w") as out:
        process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=out, stderr=out)
    try:
        servers.wait_until_listening(process, said)
        yield process
        time.sleep(1)
    finally:
        if process.poll() is None:
            process.send_signal(signal.SIGINT)
        process.wait(timeout=20)


def test_series_under_sysbench(mariadb, target, shop, myna, tmp_path):
    sysbench(mariadb, "prepare", tables=1)
    servers.copy_tables(mariadb, target, "shop")
    mariadb.log_clear()
    folder = tmp_path / "series"
    with recorder(myna, folder, mariadb, "--rotate", "1s") as process:
        sysbench(mariadb, "run", script="oltp_read_only", tables=1, seconds=4, threads=3)
    assert process.returncode == 0, (folder / "said").read_text()
    files = members(folder)
    assert len(files) >= 4
    events = together(myna, files)
    assert_once(events)
    harness.assert_heard_all([*events], harness.sessions_over_tcp(mariadb.general_log()), at_least=3)
    replayed = 0
    for path in files:
        outcome, log = outcome_of(myna, path, target, "--speed", "max", status=(0,))
        not_sent = {why: count for why, count in outcome["not_sent"].items() if count and why != "nothing_to_close"}
        assert not outcome["differences"] and not not_sent, not_sent
        replayed += sum(len(entries) for entries in log.values())
    assert replayed > 0


def test_kill_loses_at_most_the_block_being_filled(mariadb, shop, myna, tmp_path):
    sysbench(mariadb, "prepare", tables=1)
    folder = tmp_path / "series"
    with recorder(myna, folder, mariadb, "--rotate", "1M") as process:
        sysbench(mariadb, "run", "--events=3000", script="oltp_read_only", tables=1, seconds=60, threads=2)
        time.sleep(2.5)
        process.kill()
    files = members(folder)
    assert len(files) >= 2
    for path in files[:-1]:
        assert harness.coverage(myna.export(path))["cut_off"] == 0
    events = together(myna, files, status=(0, 3))
    assert_once(events)
    # The workload ended two seconds before: by then all of it was on the disk.
    assert [e["command"] for e in exchanges(events)].count("QUIT") == 2


@pytest.mark.once  # a sanitized recorder does not keep up with what fills a disk
@pytest.mark.skipif(os.geteuid() != 0, reason="mounts a small file system")
@pytest.mark.parametrize("keep", [(), ("--keep", "100")], ids=["ends", "removes"])
def test_disk_is_never_fuller_than_told(mariadb, shop, myna, tmp_path, keep):
    sysbench(mariadb, "prepare", tables=1)
    disk = tmp_path / "disk"
    disk.mkdir()
    servers.run(["mount", "-t", "tmpfs", "-o", "size=8m", "none", str(disk)])
    least, over = [1 << 40], threading.Event()

    def watch():
        while not over.wait(0.01):
            at = os.statvfs(disk)
            least[0] = min(least[0], at.f_bavail * at.f_frsize)

    watcher = threading.Thread(target=watch)
    watcher.start()
    try:
        with recorder(myna, disk, mariadb, "--rotate", "1M", "--min-free", "4M", *keep) as process:
            sysbench(mariadb, "run", "--events=6000", script="oltp_read_only", tables=1, seconds=60, threads=3)
        said = (disk / "said").read_text()
        assert least[0] >= 4 << 20, said
        if keep:
            assert process.returncode == 0, said
            assert "removed" in said
        else:
            assert process.returncode == 1, said
            assert "--min-free" in said
        for path in members(disk)[:-1]:  # the last one may have just begun
            assert exchanges(myna.export(path, status=(0, 3)))
    finally:
        over.set()
        watcher.join()
        servers.run(["umount", str(disk)])


@pytest.mark.once  # a sanitized recorder does not keep up with what fills a disk
@pytest.mark.skipif(os.geteuid() != 0, reason="mounts a small file system")
def test_full_disk_keeps_what_was_written(mariadb, shop, myna, tmp_path):
    sysbench(mariadb, "prepare", tables=1)
    disk = tmp_path / "disk"
    disk.mkdir()
    servers.run(["mount", "-t", "tmpfs", "-o", "size=1500k", "none", str(disk)])
    try:
        with recorder(myna, disk, mariadb, "--rotate", "1M") as process:
            sysbench(mariadb, "run", "--events=6000", script="oltp_read_only", tables=1, seconds=60, threads=3)
        said = (disk / "said").read_text()
        assert process.returncode == 1 and "space" in said, said
        told = [json.loads(myna.run("info", path, "--format", "json", status=(0, 3)).stdout)
                for path in members(disk) if path.stat().st_size > 100]
        assert sum(t["exchanges"] for t in told) > 0 and not any(t["damaged_blocks"] for t in told)
    finally:
        servers.run(["umount", str(disk)])
