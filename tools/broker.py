"""A private RabbitMQ, for the tests: Debian's own, in a folder and on ports of its own.

It dies with the program that started it; nothing of the system's own broker is touched. Standard
library only.
"""
import os
import pathlib
import shutil
import signal
import subprocess
import time

import servers

PROGRAMS = pathlib.Path("/usr/lib/rabbitmq/bin")
START_SECONDS = 90
STOP_SECONDS = 30


class Broker:
    """A broker in FOLDER; a context. TLS: a folder with ca.pem, cert.pem and key.pem, for a second port."""

    def __init__(self, folder, tls=None, settings=()):
        if not (PROGRAMS / "rabbitmq-server").exists():
            raise servers.Unavailable("rabbitmq-server is not installed")
        self.folder = pathlib.Path(folder)
        self.folder.mkdir(parents=True, exist_ok=True)
        self.port = servers.free_port()
        self.tls_port = servers.free_port() if tls else None
        self.process = None
        self.mapper = None
        config = [f"listeners.tcp.1 = 127.0.0.1:{self.port}", "loopback_users = none",
                  "disk_free_limit.absolute = 50MB", *settings]
        if tls:
            config += [f"listeners.ssl.1 = 127.0.0.1:{self.tls_port}",
                       f"ssl_options.cacertfile = {tls}/ca.pem",
                       f"ssl_options.certfile = {tls}/cert.pem",
                       f"ssl_options.keyfile = {tls}/key.pem"]
        (self.folder / "rabbitmq.conf").write_text("\n".join(config) + "\n")
        (self.folder / "plugins").write_text("[].\n")
        self.environment = {
            **os.environ,
            "HOME": str(self.folder),
            "RABBITMQ_NODENAME": f"myna{self.port}@localhost",
            "RABBITMQ_DIST_PORT": str(servers.free_port()),
            "ERL_EPMD_PORT": str(servers.free_port()),
            "ERL_EPMD_ADDRESS": "127.0.0.1",
            "RABBITMQ_CONFIG_FILE": str(self.folder / "rabbitmq"),
            "RABBITMQ_CONF_ENV_FILE": str(self.folder / "none"),
            "RABBITMQ_MNESIA_BASE": str(self.folder / "mnesia"),
            "RABBITMQ_LOG_BASE": str(self.folder / "log"),
            "RABBITMQ_PID_FILE": str(self.folder / "pid"),
            "RABBITMQ_ENABLED_PLUGINS_FILE": str(self.folder / "plugins"),
            "RABBITMQ_SERVER_ADDITIONAL_ERL_ARGS": "+S 1:1 +sbwt none -kernel inet_dist_use_interface "
                                                   "{127,0,0,1}",
        }

    def __enter__(self):
        # Its own, so that it can be ended with the rest.
        self.mapper = subprocess.Popen(["epmd"], env=self.environment, stdout=subprocess.DEVNULL,
                                       stderr=subprocess.DEVNULL)
        try:
            self.start()
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_):
        self.kill()
        self.mapper.kill()
        self.mapper.wait()
        shutil.rmtree(self.folder, ignore_errors=True)

    def start(self):
        with (self.folder / "out").open("ab") as out:
            self.process = subprocess.Popen([PROGRAMS / "rabbitmq-server"], env=self.environment,
                                            stdin=subprocess.DEVNULL, stdout=out, stderr=out,
                                            cwd=self.folder, start_new_session=True)
        until = time.monotonic() + START_SECONDS
        while b"Starting broker... completed" not in (self.folder / "out").read_bytes():
            if self.process.poll() is not None or time.monotonic() > until:
                said = (self.folder / "out").read_text(errors="replace")[-2000:]
                raise RuntimeError(f"rabbitmq-server does not start: {said}")
            time.sleep(0.1)

    def _ended(self):
        self.process.wait(STOP_SECONDS)
        (self.folder / "out").write_bytes(b"")

    def stop(self):
        """As an operator stops it."""
        if self.process and self.process.poll() is None:
            os.killpg(self.process.pid, signal.SIGTERM)
            self._ended()

    def kill(self):
        if self.process and self.process.poll() is None:
            os.killpg(self.process.pid, signal.SIGKILL)
            self._ended()

    def ctl(self, *arguments):
        return servers.run([str(PROGRAMS / "rabbitmqctl"), "--quiet", *arguments],
                           env=self.environment, timeout=60, cwd=self.folder)

    def url(self, vhost="", user="guest:guest"):
        return f"amqp://{user}@127.0.0.1:{self.port}/{vhost}"

    def waiting(self):
        """Messages in each queue, acknowledged or not."""
        lines = self.ctl("list_queues", "name", "messages", "--no-table-headers").splitlines()
        return {name: int(count) for name, count in (line.split("\t") for line in lines if line)}
