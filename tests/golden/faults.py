#!/usr/bin/python3
"""What commands do when the world fails: full disks, files that may not grow, no memory, inputs that cannot be read.

    faults.py MYNA

Each must end with status 1 and say why, or have done all it was asked for: never by a crash, a hang or in silence. Prints
TAP. Memory is not limited where a sanitizer needs much of it.
"""
import gzip
import os
import pathlib
import resource
import signal
import subprocess
import sys
import tempfile

HERE = pathlib.Path(__file__).resolve().parent
DONE, FAILED, USAGE, LOSSES = 0, 1, 2, 3
MEMORY = [*range(4 << 20, 40 << 20, 1 << 20), *range(40 << 20, 120 << 20, 8 << 20)]


def run(arguments, limit=None, **options):
    """(status, standard error); LIMIT is (resource, value)."""
    def prepare():
        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
        signal.signal(signal.SIGXFSZ, signal.SIG_DFL)
        if limit:
            resource.setrlimit(limit[0], (limit[1], limit[1]))
    done = subprocess.run([str(a) for a in arguments], stderr=subprocess.PIPE, timeout=60, check=False,
                          preexec_fn=prepare, **{"stdout": subprocess.DEVNULL, **options})
    return done.returncode, done.stderr.decode(errors="replace")


def complaint(what, result, allowed=(FAILED,)):
    status, told = result
    if status not in allowed:
        return [f"{what}: status {status}: {told[-500:]}"]
    if status == FAILED and not told.startswith("myna"):
        return [f"{what}: failed without a word: {told[-500:]}"]
    return []


def commands(capture, recording):
    for path in (capture, recording):
        for command in (["report"], ["report", "--format", "json"], ["export"], ["trace"]):
            yield [*command, path]
    yield ["info", recording]


def full_disk(myna, capture, recording, _):
    for command in commands(capture, recording):
        with open("/dev/full", "wb") as full:
            yield from complaint(f"{command} to a full disk", run([myna, *command], stdout=full))


def files_that_may_not_grow(myna, capture, recording, folder):
    for command, source in (("record", capture), ("cut", recording), ("merge", recording)):
        for size in (0, 1, 100, 1000):
            target = folder / "small.myna"
            target.unlink(missing_ok=True)
            yield from complaint(f"{command} to {size} bytes",
                                 run([myna, command, "-o", target, source], (resource.RLIMIT_FSIZE, size)))


def closed_pipe(myna, capture, recording, _):
    for command in commands(capture, recording):
        source, target = os.pipe()
        os.close(source)
        yield from complaint(f"{command} to nobody", run([myna, *command], stdout=target),
                             (DONE, FAILED, 128 + signal.SIGPIPE))
        os.close(target)


def inputs_that_cannot_be_read(myna, capture, recording, folder):
    empty = folder / "empty"
    empty.touch()
    for command in ("report", "export", "trace", "info"):
        for path in (folder, folder / "none", empty, "/proc/self/mem"):
            yield from complaint(f"{command} {path}", run([myna, command, path]))


def no_memory(myna, capture, recording, folder):
    if b"__asan_init" in pathlib.Path(myna).read_bytes():
        return
    target = folder / "memory.myna"
    for size in MEMORY:
        for command in [*commands(capture, recording), ["record", "-o", target, capture]]:
            target.unlink(missing_ok=True)
            status, told = run([myna, *command], (resource.RLIMIT_AS, size))
            if "error while loading shared libraries" in told or "cannot allocate memory in static TLS" in told:
                continue
            yield from complaint(f"{command} in {size} bytes", (status, told), (DONE, FAILED))


CASES = (full_disk, files_that_may_not_grow, closed_pipe, inputs_that_cannot_be_read, no_memory)


def main():
    myna, failed = pathlib.Path(sys.argv[1]).resolve(), 0
    print(f"1..{len(CASES)}")
    with tempfile.TemporaryDirectory() as temporary:
        folder = pathlib.Path(temporary)
        capture, recording = folder / "a.pcap", folder / "a.myna"
        capture.write_bytes(gzip.decompress((HERE / "captures" / "prepared-zlib-mariadb.pcap.gz").read_bytes()))
        assert run([myna, "record", "-o", recording, capture])[0] == DONE
        for number, case in enumerate(CASES, 1):
            wrong = list(case(myna, capture, recording, folder))
            failed += bool(wrong)
            print(f"{'not ok' if wrong else 'ok'} {number} {case.__name__.replace('_', ' ')}")
            for w in wrong[:8]:
                print("# " + w.replace("\n", "\n# "))
            sys.stdout.flush()
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
