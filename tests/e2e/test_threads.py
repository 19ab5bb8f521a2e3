"""Several threads end well: at Ctrl-C, without memory, where nothing can be written. No server is needed."""
import gzip
import pathlib
import resource
import signal
import subprocess
import time

import pytest

CAPTURES = pathlib.Path(__file__).resolve().parent.parent / "golden" / "captures"
CHATTER = CAPTURES / "chatter.pcap.gz"
MIB = 1 << 20


@pytest.fixture
def command(myna):
    def words(*arguments, threads=2):
        return [str(myna.path), "report", *map(str, arguments), "--threads", str(threads)]
    return words


@pytest.mark.parametrize("threads", [1, 2, 4])
def test_interrupted(command, threads):
    data = gzip.decompress(CHATTER.read_bytes())
    process = subprocess.Popen(command("-", threads=threads), stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                               stderr=subprocess.PIPE)
    process.stdin.write(data[:len(data) // 2])
    process.stdin.flush()
    time.sleep(0.5)
    process.send_signal(signal.SIGINT)
    out, said = process.communicate(timeout=30)
    assert process.returncode in (0, 3), said
    assert b" exchanges of 4 sessions" in out and b"SELECT" in out


def test_nothing_can_be_written(command):
    with open("/dev/full", "wb") as full:
        done = subprocess.run(command(CHATTER), stdout=full, stderr=subprocess.PIPE, timeout=30, check=False)
    assert done.returncode == 1
    assert b"writing to standard output" in done.stderr


def test_without_memory(myna, command):
    """However much there is: all is told, or that memory is out."""
    if b"__asan_init" in pathlib.Path(myna.path).read_bytes():
        pytest.skip("the sanitizers take memory of their own")
    want = subprocess.run(command(CHATTER), stdout=subprocess.PIPE, stderr=subprocess.PIPE, timeout=30, check=False)
    ended = set()
    for limit in range(12, 400, 12):
        done = subprocess.run(command(CHATTER, threads=4), stdout=subprocess.PIPE, stderr=subprocess.PIPE, timeout=30,
                              check=False, preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_AS, (limit * MIB,) * 2))
        if done.returncode == 127:  # the loader's own: no room for the libraries
            continue
        assert done.returncode in (1, want.returncode), (limit, done.stderr)
        if done.returncode == 1:
            assert b"memory" in done.stderr or b"start a thread" in done.stderr, (limit, done.stderr)
        else:
            assert done.stdout == want.stdout
        ended.add(done.returncode)
    assert ended == {1, want.returncode}
