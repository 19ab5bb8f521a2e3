"""What listening needs to begin, it gives up before it looks at the first byte; and can go on without."""
import contextlib
import os
import pathlib
import pwd
import shutil
import signal
import subprocess
import tempfile
import time

import pytest

import servers
from test_rotate import members
from workload import connect

pytestmark = pytest.mark.skipif(os.geteuid() != 0, reason="listens")
NOBODY = "nobody"


def status_of(pid):
    return dict(line.split(":\t", 1) for line in pathlib.Path(f"/proc/{pid}/status").read_text().splitlines())


def talk(server, seconds):
    with connect(server) as connection:
        until = time.monotonic() + seconds
        while time.monotonic() < until:
            connection.query("DO 1")
            time.sleep(0.2)


@contextlib.contextmanager
def listening(myna, tmp_path, *arguments):
    said = tmp_path / "said"
    with said.open("w") as out:
        process = subprocess.Popen([myna.path, *map(str, arguments)], stdin=subprocess.DEVNULL, stdout=out, stderr=out)
    try:
        servers.wait_until_listening(process, said)
        time.sleep(0.3)
        yield process
    finally:
        process.send_signal(signal.SIGINT)
        process.wait(timeout=20)


@pytest.mark.parametrize("where", [["-i", "lo"], ["-i", "lo,any"], ["-i", "any", "--pid", os.getpid()]],
                         ids=["one", "several", "namespace"])
@pytest.mark.parametrize("command", [["record", "-o", "x.myna"], ["report"], ["trace"], ["export"]],
                         ids=lambda command: command[0])
def test_nothing_is_left(myna, tmp_path, where, command):
    command = [tmp_path / word if word == "x.myna" else word for word in command]
    with listening(myna, tmp_path, *command, *where, "--port", "1") as process:
        status = status_of(process.pid)
        assert {int(status[name], 16) for name in ("CapEff", "CapPrm", "CapInh")} == {0}
        assert int(status["NoNewPrivs"]) == 1
        for task in pathlib.Path(f"/proc/{process.pid}/task").iterdir():
            assert int(status_of(f"{process.pid}/task/{task.name}")["CapEff"], 16) == 0
    assert process.returncode == 0


def test_root_rotates_in_its_own_folder(myna, mariadb, tmp_path):
    folder = tmp_path / "own"
    folder.mkdir(mode=0o700)
    with listening(myna, tmp_path, "record", "-i", "lo", "--port", mariadb.port, "-o", folder / "prod.myna",
                   "--rotate", "1s", "--keep", "2") as process:
        talk(mariadb, 4.5)
    assert process.returncode in (0, 3)
    assert "removed" in (tmp_path / "said").read_text(), "old files go without privileges, too"
    assert len(members(folder)) == 2


def test_a_folder_that_root_may_not_write_is_told_at_once(myna, tmp_path):
    folder = tmp_path / "other"
    folder.mkdir(mode=0o755)
    os.chown(folder, pwd.getpwnam(NOBODY).pw_uid, -1)
    done = myna.run("record", "-i", "lo", "--port", "1", "-o", folder / "prod.myna", "--rotate", "1h", status=(1,),
                    timeout=10)
    assert "Permission denied" in done.stderr and "given up root's privileges" in done.stderr


def test_a_user_with_the_right_to_listen(myna, mariadb):
    """setcap on the program, as the messages advise; files are the user's."""
    if not shutil.which("setcap") or not shutil.which("setpriv"):
        pytest.skip("no setcap")
    with tempfile.TemporaryDirectory() as folder:
        folder = pathlib.Path(folder)
        program = folder / "myna"
        shutil.copy(myna.path, program)
        subprocess.run(["setcap", "cap_net_raw+ep", program], check=True)
        os.chown(folder, pwd.getpwnam(NOBODY).pw_uid, -1)
        command = ["setpriv", f"--reuid={NOBODY}", "--clear-groups", program, "record", "-i", "lo", "--port",
                   str(mariadb.port), "-o", folder / "prod.myna", "--rotate", "1s", "--duration", "4s"]
        process = subprocess.Popen(command, stderr=subprocess.PIPE, text=True)
        talk(mariadb, 3.5)
        said = process.communicate(timeout=20)[1]
        assert process.returncode in (0, 3), said
        assert len(members(folder)) > 2
        assert {path.owner() for path in members(folder)} == {NOBODY}
