"""How a journal file is opened, made durable and searched; SQLite's errors become the journal's here."""

from __future__ import annotations

import mmap
import os
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from urllib.parse import quote

from solvent.journal.port import JournalDamaged, JournalError
from solvent.journal.wal import PAGE_BYTES

BUSY_SECONDS = 5.0
NOT_DAMAGE = ("SQLITE_BUSY", "SQLITE_LOCKED", "SQLITE_CANTOPEN", "SQLITE_READONLY", "SQLITE_FULL", "SQLITE_PERM")


def log_of(path: Path) -> Path:
    """The write-ahead log of a journal file."""
    return path.with_name(path.name + "-wal")


def connect(path: Path, mode: str, page_bytes: int = PAGE_BYTES) -> sqlite3.Connection:
    """A connection in ``mode`` (ro, rw, rwc) that syncs each commit; usable from any one thread at a time."""
    address = f"file:{quote(str(path.absolute()))}?mode={mode}"
    database = sqlite3.connect(address, BUSY_SECONDS, isolation_level=None, check_same_thread=False, uri=True)
    try:
        if mode == "rwc":
            database.execute(f"pragma page_size={page_bytes}")
            database.execute("pragma journal_mode=wal")
        database.execute("pragma synchronous=full")  # a commit returns after the sync
        database.execute("pragma fullfsync=on")  # where the system knows a stronger sync
        database.execute("pragma wal_autocheckpoint=0")  # solvent.journal.fold does it
        database.execute("pragma cell_size_check=on")
    except BaseException:
        database.close()
        raise
    return database


@contextmanager
def as_journal_error(path: Path, damaged: Callable[[str], JournalDamaged] | None = None) -> Iterator[None]:
    """Turn SQLite's errors into JournalError, and those that speak of the contents into JournalDamaged."""
    try:
        yield
    except (sqlite3.Error, UnicodeDecodeError) as error:  # the latter: an altered name in SQLite's own message
        name = getattr(error, "sqlite_errorname", "")
        if name.startswith(NOT_DAMAGE):
            raise JournalError(f"journal {path} cannot be used now: {error} ({name})") from error
        what = f"SQLite says: {error}"
        size = path.stat().st_size if path.exists() else -1
        raise (damaged(what) if damaged else JournalDamaged(what, seq=1, file=path, offset=size)) from error


def find_last(file: Path, wanted: bytes) -> int:
    """Byte of the last place where ``wanted`` stands in ``file``; −1 where it does not."""
    if not file.exists() or file.stat().st_size == 0:
        return -1
    with file.open("rb") as handle, mmap.mmap(handle.fileno(), 0, access=mmap.ACCESS_READ) as contents:
        return contents.rfind(wanted)


def sync_file(file: Path) -> None:
    """Make the contents of ``file`` durable."""
    with file.open("rb+") as handle:
        os.fsync(handle.fileno())


def sync_folder(folder: Path) -> None:
    """Make the names in ``folder`` durable (POSIX; elsewhere a folder cannot be opened and nothing is done)."""
    with suppress(PermissionError):
        handle = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)
