"""Named places where a test may kill the program, as a power button would. Without the variable nothing happens.

``SOLVENT_FAULT=after-commit:3`` ends the program with SIGKILL at the third arrival at ``after-commit``.
"""

from __future__ import annotations

import os
import signal

VARIABLE = "SOLVENT_FAULT"
BEFORE_COMMIT = "before-commit"  # the row is written, the transaction is open
AFTER_COMMIT = "after-commit"  # committed, not yet published
IN_SNAPSHOT = "in-snapshot"  # the temporary file is written, not yet synced
BEFORE_RENAME = "before-rename"  # synced, not yet renamed
AFTER_RENAME = "after-rename"  # renamed, its row not yet there
IN_FOLD = "in-fold"  # the log is copied into the file, the file not yet closed
POINTS = (BEFORE_COMMIT, AFTER_COMMIT, IN_FOLD, IN_SNAPSHOT, BEFORE_RENAME, AFTER_RENAME)

_name, _, _number = os.environ.get(VARIABLE, "").partition(":")
_left = {_name: int(_number or "1")} if _name else {}


def reach(point: str) -> None:
    """Note that the program has come to ``point``; returns at once unless a test asked to die here.

    >>> reach(AFTER_COMMIT)
    """
    if not _left or point not in _left:
        return
    _left[point] -= 1
    if _left[point] == 0:
        os.kill(os.getpid(), signal.SIGKILL)
