"""The command line: help, and one clear line for what is wrong. No server needed."""
import contextlib
import json
import os
import pathlib
import pty
import shutil
import signal
import socket
import struct
import subprocess
import tempfile
import threading
import time

import pytest

COMMANDS = ("record", "report", "export", "trace", "replay", "info", "cut", "merge", "doctor")


def frame(source, destination, sequence, acknowledged, flags, payload=b""):
    """An Ethernet frame of 127.0.0.1 with one TCP segment."""
    tcp = struct.pack(">HHIIBBHHH", source, destination, sequence, acknowledged, 5 << 4, flags, 65535, 0, 0)
    size = 20 + len(tcp) + len(payload)
    ip = struct.pack(">BBHHHBBH4s4s", 0x45, 0, size, 0, 0, 64, 6, 0, b"\x7f\0\0\1", b"\x7f\0\0\1")
    return bytes(12) + b"\x08\x00" + ip + tcp + payload


def pcap(frames):
    head = struct.pack("<IHHiIII", 0xA1B2C3D4, 2, 4, 0, 0, 65535, 1)
    return head + b"".join(struct.pack("<IIII", 1700000000 + i, 0, len(f), len(f)) + f
                           for i, f in enumerate(frames))


def packet(number, payload):
    return struct.pack("<I", len(payload))[:3] + bytes([number]) + payload


@pytest.fixture
def conversation(tmp_path):
    """A capture of a joined session: ten times COM_QUERY and OK."""
    frames, to_server, to_client = [], 1000, 5000
    for number in range(10):
        query = packet(0, b"\x03" + f"DO {number}".encode())
        answer = packet(1, b"\0\0\0\2\0\0\0")
        frames.append(frame(40000, 3306, to_server, to_client, 0x18, query))
        to_server += len(query)
        frames.append(frame(3306, 40000, to_client, to_server, 0x18, answer))
        to_client += len(answer)
    path = tmp_path / "conversation.pcap"
    path.write_bytes(pcap(frames))
    return path


def assert_one_line(done, *words):
    lines = done.stderr.strip().splitlines()
    assert len(lines) == 1, f"not one line: {done.stderr!r}"
    for word in words:
        assert str(word) in lines[0], f"{word} is not in {lines[0]!r}"


def test_conversation_is_heard(myna, conversation):
    events = myna.export(conversation)
    heard = [e for e in events if e["type"] == "exchange"]
    assert [e["sql"] for e in heard] == [f"DO {n}" for n in range(10)]
    assert {e["response"] for e in heard} == {"ok"}
    assert events[-1]["joined"] == 1


def test_help_and_version(myna):
    said = myna.run("--help").stdout
    for command in COMMANDS:
        assert command in said
        assert f"myna {command}" in myna.run(command, "--help").stdout
    assert myna.run("--version").stdout.startswith("myna ")


@pytest.mark.parametrize("arguments", [
    ["nonsense"], ["export", "--nonsense"], ["record"], ["replay", "x.myna"],
    ["export", "x", "--format", "nonsense"], ["report", "x", "--limit", "many"],
], ids=" ".join)
def test_wrong_usage(myna, arguments):
    assert myna.run(*arguments, status=(2,)).stderr.strip()


@pytest.mark.parametrize("command", ["export", "report", "trace"])
def test_file_that_is_missing_or_no_capture(myna, tmp_path, command):
    missing = tmp_path / "missing.pcap"
    assert_one_line(myna.run(command, missing, status=(1, 2)), missing)
    text = tmp_path / "text.pcap"
    text.write_text("This is no capture at all, but a letter.\n" * 10)
    assert_one_line(myna.run(command, text, status=(1, 2)), text)
    empty = tmp_path / "empty.pcap"
    empty.touch()
    assert_one_line(myna.run(command, empty, status=(1, 2)), empty)


def test_a_wrong_port_is_not_taken_for_silence(myna, conversation):
    assert_one_line(myna.run("report", conversation, "--port", "3307"), "20 TCP segments on others", "--port any")
    assert not myna.run("report", conversation).stderr


def test_truncated_capture_is_read_as_far_as_it_goes(myna, conversation, tmp_path):
    data = conversation.read_bytes()
    for size in range(25, len(data), 37):
        cut = tmp_path / "cut.pcap"
        cut.write_bytes(data[:size])
        events = myna.export(cut, status=(0, 1, 3))
        assert events[-1]["type"] == "coverage"


def test_a_capture_made_shorter_while_it_is_read_is_cut_off(myna, tmp_path):
    """As by a tcpdump -W that comes round again. Large files are looked at where the kernel has them."""
    path = tmp_path / "large.pcap"
    queries = [frame(40000, 3306, 1000 + i * 1005, 5000, 0x18, packet(0, b"\x03" + b"%01000d" % i)) for i in range(12000)]
    path.write_bytes(pcap(queries))
    with subprocess.Popen([myna.path, "trace", str(path)], stdout=subprocess.PIPE, stderr=subprocess.PIPE) as trace:
        first = trace.stdout.readline()  # it waits now, since nobody reads on
        os.truncate(path, 400000)
        rest, said = trace.communicate(timeout=60)
    assert first and trace.returncode in (0, 3), (trace.returncode, said)
    assert b"ends in the middle of a record" in said, said


def test_garbage_inside_a_capture_is_survived(myna, conversation, tmp_path):
    data = bytearray(conversation.read_bytes())
    for position in range(60, len(data), 101):
        data[position] ^= 0xA5
        bad = tmp_path / "bad.pcap"
        bad.write_bytes(data)
        done = myna.run("export", bad, "--format", "jsonl", status=(0, 1, 3))
        assert '"coverage"' in done.stdout


def test_recording_is_never_overwritten(myna, conversation, tmp_path):
    recording = tmp_path / "a.myna"
    myna.run("record", conversation, "-o", recording)
    before = recording.read_bytes()
    assert_one_line(myna.run("record", conversation, "-o", recording, status=(1, 2)), recording)
    assert recording.read_bytes() == before


def test_damaged_recording_loses_only_its_end(myna, conversation, tmp_path):
    recording = tmp_path / "a.myna"
    myna.run("record", conversation, "-o", recording)
    data = recording.read_bytes()
    for size in (len(data) - 1, len(data) // 2, 1):
        cut = tmp_path / "cut.myna"
        cut.write_bytes(data[:size])
        done = myna.run("export", cut, "--format", "jsonl", status=(0, 1, 3))
        assert done.stderr.strip()
        told = [json.loads(line) for line in done.stdout.splitlines()]
        if told:
            assert told[-1]["commands"] == sum(e["type"] == "exchange" for e in told)
            assert told[-1]["sessions"] == sum(e["type"] == "session" for e in told)


def test_full_disk(myna, conversation):
    with open("/dev/full", "w", encoding="ascii") as full:
        done = subprocess.run([myna.path, "export", str(conversation), "--format", "jsonl"], stdout=full,
                              stderr=subprocess.PIPE, text=True, check=False)
    assert done.returncode == 1
    assert_one_line(done, "space")


@pytest.mark.parametrize("arguments", [["--help"], ["report", "--help"], ["--version"]], ids=" ".join)
def test_help_to_a_full_disk(myna, arguments):
    with open("/dev/full", "w", encoding="ascii") as full:
        done = subprocess.run([myna.path, *arguments], stdout=full, stderr=subprocess.PIPE, text=True, check=False)
    assert done.returncode == 1
    assert_one_line(done, "space")


def test_closed_pipe_is_no_trouble(myna, conversation):
    done = subprocess.run(["sh", "-c", f"'{myna.path}' export '{conversation}' --format jsonl | head -n 1"],
                          capture_output=True, text=True, check=False)
    assert done.stdout.count("\n") == 1 and not done.stderr


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can try to be nobody")
def test_interface_without_permission_or_existence(myna, tmp_path):
    missing = myna.run("record", "-i", "nosuch0", "-o", tmp_path / "a.myna", status=(1, 2))
    assert_one_line(missing, "nosuch0")
    with tempfile.TemporaryDirectory() as folder:
        pathlib.Path(folder).chmod(0o777)
        program = shutil.copy(myna.path, folder)
        done = subprocess.run(["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups", program, "record",
                               "-i", "lo", "-o", f"{folder}/a.myna"], capture_output=True, text=True, check=False)
    assert done.returncode in (1, 2)
    assert_one_line(done, "lo")


def test_report_of_a_capture(myna, conversation):
    text = myna.run("report", conversation).stdout
    assert "DO ?" in text
    assert "10" in text


def feed(path, data):
    """Writes DATA to the named pipe PATH, its first bytes one by one."""
    with open(path, "wb", buffering=0) as pipe:
        for at in range(12):
            pipe.write(data[at:at + 1])
            time.sleep(0.02)
        pipe.write(data[12:])


@pytest.mark.parametrize("kind", ["capture", "recording"])
def test_a_named_pipe_is_read_whole(myna, conversation, tmp_path, kind):
    source = conversation
    if kind == "recording":
        source = tmp_path / "conversation.myna"
        myna.run("record", conversation, "-o", source)
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    writer = threading.Thread(target=feed, args=(pipe, source.read_bytes()))
    writer.start()
    heard = [e for e in myna.export(pipe) if e["type"] == "exchange"]
    writer.join()
    assert [e["sql"] for e in heard] == [f"DO {n}" for n in range(10)]


@pytest.mark.parametrize("kind", ["capture", "recording"])
def test_standard_input_may_be_a_socket(myna, conversation, tmp_path, kind):
    source = conversation
    if kind == "recording":
        source = tmp_path / "conversation.myna"
        myna.run("record", conversation, "-o", source)
    ours, its = socket.socketpair()
    with ours, its:
        ours.sendall(source.read_bytes())
        ours.shutdown(socket.SHUT_WR)
        done = myna.run("export", "-", stdin=its)
    assert done.stdout.count('"sql":"DO ') == 10


def test_ctrl_c_ends_the_question_for_the_password(myna, conversation):
    pid, terminal = pty.fork()
    if pid == 0:
        os.execv(myna.path, [str(myna.path), "replay", str(conversation), "-h", "127.0.0.1", "-P", "1", "-p"])
    said = b""
    while b"Enter password: " not in said:
        said += os.read(terminal, 1000)
    os.write(terminal, b"\x03")
    deadline = time.monotonic() + 5
    ended = 0
    while not ended and time.monotonic() < deadline:
        ended, status = os.waitpid(pid, os.WNOHANG)
        time.sleep(0.01)
    if not ended:
        os.kill(pid, signal.SIGKILL)
        os.waitpid(pid, 0)
    os.close(terminal)
    assert ended and os.waitstatus_to_exitcode(status) == 2


def test_ctrl_c_is_heard_while_frames_come_one_by_one(myna):
    """A frame now and then, but never none for long: whoever waits for them looks up all the same."""
    head = pcap([])
    with subprocess.Popen([myna.path, "report", "-"], stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as heard:
        stopped = None
        heard.stdin.write(head)
        for i in range(400):
            with contextlib.suppress(BrokenPipeError):
                heard.stdin.write(pcap([frame(40000, 3306, 1 + 8 * i, 1, 0x18, b"\x04\0\0\0\x03DO ")])[len(head):])
                heard.stdin.flush()
            if i == 20:
                heard.send_signal(signal.SIGINT)
                stopped = time.monotonic()
            if heard.poll() is not None:
                break
            time.sleep(0.02)
        assert stopped and time.monotonic() - stopped < 2
        with contextlib.suppress(BrokenPipeError):
            heard.stdin.close()
        assert b"frames" in heard.stdout.read()
