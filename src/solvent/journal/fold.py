"""Folds the write-ahead log into the file beside the writer, so that no batch waits for it.

SQLite would do it inside whichever commit comes last, and that batch would wait fifty milliseconds and more. Here a
thread with a connection of its own copies the bulk; the writer then copies the few pages written meanwhile, after which
SQLite begins the log anew. Nothing here decides what is durable: a batch is safe once its commit is in the log.
"""

from __future__ import annotations

import sqlite3
import threading
from pathlib import Path

from solvent.journal import fault
from solvent.journal.sqlite_file import connect

FOLD = "pragma wal_checkpoint(passive)"  # copies what it can, never waits for a reader
PAGES_BETWEEN = 200  # of the log, 3 MB: more at a time makes the commits beside it wait longer


class Folder:
    """Decides after each commit whether to fold; ``complaint`` is SQLite's last, "" where there was none."""

    def __init__(self, path: Path) -> None:
        self.complaint = ""
        self._path = path
        self._pages = 0
        self._bulk: threading.Thread | None = None

    def after_commit(self, writer: sqlite3.Connection, pages: int) -> None:
        """Take note of ``pages`` more pages in the log; called by the writer between two transactions."""
        self._pages += pages
        if self._pages < PAGES_BETWEEN:
            return
        if self._bulk is None:
            self._bulk = threading.Thread(target=self._copy_bulk, name="journal-fold", daemon=True)
            self._bulk.start()
        elif not self._bulk.is_alive():
            self._bulk = None
            self._pages = 0
            self._fold(writer)

    def close(self) -> None:
        """Wait for the thread."""
        if self._bulk is not None:
            self._bulk.join()
            self._bulk = None

    def _copy_bulk(self) -> None:
        try:
            database = connect(self._path, "rw")
        except sqlite3.Error as error:
            self.complaint = str(error)
            return
        self._fold(database)
        fault.reach(fault.IN_FOLD)
        database.close()

    def _fold(self, database: sqlite3.Connection) -> None:
        """A fold that fails loses nothing: the log keeps its pages, and a commit that finds no room fails by itself."""
        try:
            database.execute(FOLD).fetchone()
        except sqlite3.Error as error:
            self.complaint = str(error)
