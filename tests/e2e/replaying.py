"""What the tests of the replay share."""
import json
import time

import harness


def replay(myna, recording, target, *options, status=(0, 3)):
    """(what myna said, the target's log of it, seconds)."""
    target.log_clear()
    begin = time.monotonic()
    done = myna.run("replay", recording, "--target", target.url(), *options, status=status)
    return done, harness.sessions_over_tcp(target.general_log()), time.monotonic() - begin


def outcome_of(myna, recording, target, *options, status=(0, 3)):
    """(the outcome as a dictionary, the target's log)."""
    done, log, _ = replay(myna, recording, target, "--format", "json", *options, status=status)
    return json.loads(done.stdout), log


def counted(counts):
    """The counts that are not zero."""
    return {name: count for name, count in counts.items() if count}
