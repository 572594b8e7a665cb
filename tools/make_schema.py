"""Writes docs/book.schema.json from the structs that read book files: ``python tools/make_schema.py``.

A test compares the file with what this writes, so a changed struct and an old schema cannot both be committed.
"""

from __future__ import annotations

import json
from pathlib import Path

from solvent.book_json import schema

TARGET = Path(__file__).resolve().parent.parent / "docs" / "book.schema.json"


def text() -> str:
    """The schema as the file holds it."""
    return json.dumps(schema(), indent=2, ensure_ascii=False) + "\n"


def main() -> None:
    """Write the file."""
    TARGET.write_text(text(), encoding="utf-8")
    print(f"wrote {TARGET.name}")


if __name__ == "__main__":
    main()
