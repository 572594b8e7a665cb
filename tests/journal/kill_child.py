"""The program that the kill tests kill: a durable engine that says what it has acknowledged.

``python kill_child.py KIND JOURNAL LAST`` goes on with the stream of KIND (fake, real) where the journal ends, with
unacknowledged batches in flight, and prints ``open SEQ``, ``ack SEQ DIGEST`` for each batch whose events were released,
``snapshot SEQ``, and ``done``.
"""

import hashlib
import os
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))

SNAPSHOT_EVERY = 7


def stream_of(kind):
    """(source, function from batch number to batch)."""
    if kind == "real":
        from real_world import real_batch, real_source

        return real_source(), real_batch
    from fake_engine import fake_batch, fake_source

    return fake_source(), lambda number: fake_batch(number, 20)


def digest(events):
    return hashlib.blake2b(events.tobytes(), digest_size=8).hexdigest()


def say(*words):
    os.write(1, (" ".join(map(str, words)) + "\n").encode())  # whole lines, whichever thread speaks


def main(kind, path, last):
    from solvent.journal import fold
    from solvent.journal.durable import DurableEngine

    fold.PAGES_BETWEEN = 12  # so that some kill hits it

    source, batch_of = stream_of(kind)
    durable = (DurableEngine.open if Path(path).exists() else DurableEngine.create)(path, source)
    say("open", durable.seq)
    for number in range(durable.seq + 1, last + 1):
        future = durable.pipeline(batch_of(number), time_ns=number)
        future.add_done_callback(lambda done, number=number: say("ack", number, digest(done.result())))
        if number % SNAPSHOT_EVERY == 0:
            say("snapshot", durable.snapshot().seq)
    durable.drain()
    durable.close()
    say("done")


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2], int(sys.argv[3]))
