"""Writes one page a venue under docs/venues/: its rule sets, formulas, parameters with dates, vectors passed, gaps.

Run it as ``python tools/venue_pages.py`` (``make docs`` does). Everything on a page comes from the venue's own
folder and from running its vectors; with ``--check`` nothing is written, and the exit code is 1 where a page is out of
date.
"""

from __future__ import annotations

import re
import sys
import tomllib
from collections.abc import Iterator, Mapping
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any

from solvent import venues
from solvent.book import Purpose
from solvent.conformance import Outcome, Report, conform

ROOT = Path(__file__).resolve().parent.parent
FOLDERS = ROOT / "src" / "solvent" / "venues"
VECTORS = ROOT / "tests" / "vectors"
PAGES = ROOT / "docs" / "venues"
WIDEST_VALUE = 110
WRITTEN = "This page is written by `make docs` from"


def page_names() -> list[str]:
    """The folders that have a page, in order of name."""
    return sorted(
        {venues.folder(name) for name in venues.names()} | {p.parent.name for p in FOLDERS.glob("*/rules.toml")}
    )


def page(folder: str, report: Report) -> str:
    """The page of one folder, given the report of all vectors."""
    readme = (FOLDERS / folder / "README.md").read_text(encoding="utf-8")
    title, _, rest = readme.partition("\n")
    parts = [
        f"{title}\n\n{WRITTEN} [the venue's folder](../../src/solvent/venues/{folder}/).\n",
        "\n".join(_rule_sets(folder)),
        _deeper_links(rest.strip()),
        "## Vectors\n\n" + "\n".join(_vectors(folder, report)),
        "## Parameters\n\n" + "\n".join(_parameters(folder)),
    ]
    return "\n\n".join(part.strip() for part in parts) + "\n"


def _deeper_links(text: str) -> str:
    """The README's text with its links as they lead from docs/venues: to pages, not to folders."""
    return re.sub(r"\]\(\.\./(\w+)/README\.md", r"](\1.md", text.replace("](../../../../docs/", "](../"))


def _rule_sets(folder: str) -> Iterator[str]:
    own = [name for name in venues.names() if venues.folder(name) == folder]
    if not own:
        yield "No rule set: formulas only."
        return
    yield "| rule set | rules of | judged in | modes | declared form |\n|---|---|---|---|---|"
    for name in own:
        rules = venues.venue(name)
        modes = ", ".join(sorted(mode.value for mode in rules.capabilities.modes))
        forms = {purpose.name: rules.forms[purpose].value for purpose in Purpose if purpose in rules.forms}
        words = (
            next(iter(forms.values()))
            if len(set(forms.values())) == 1
            else ", ".join(f"{form} at {purpose}" for purpose, form in forms.items())
        )
        yield f"| `{name}` | {rules.effective_from} | {venues.numeraire(name)} | {modes} | {words} |"


def _vectors(folder: str, report: Report) -> Iterator[str]:
    """Passed, failed and unsupported by file and evidence class, of the vectors this folder's rules answer."""
    counts: dict[tuple[str, str], list[int]] = {}
    for one in report.results:
        if one.vector.file == folder or (folder, one.vector.file) in OTHER_FILES:
            counts.setdefault((one.vector.file, one.vector.evidence), [0, 0, 0])[one.outcome.value] += 1
    if not counts:
        yield "None of its own."
        return
    yield "| file | evidence | passed | failed | unsupported |\n|---|---|---|---|---|"
    for (file, evidence), (passed, failed, unsupported) in sorted(counts.items()):
        yield f"| [{file}.json](../../tests/vectors/{file}.json) | {evidence} | {passed} | {failed} | {unsupported} |"
    reasons = [one for one in report.of(Outcome.UNSUPPORTED) if one.vector.file == folder]
    for one in reasons:
        yield f"\n`{one.vector.id}` is unsupported: {one.reason}."


OTHER_FILES = frozenset(
    {
        ("binance_pm", "binance_usdm"),
        ("smaller", "other_cex"),
        ("derive_srm", "derive_auction"),
        ("reg_t", "reg_t_account"),
        ("reg_t", "cboe_strategy"),
        ("span", "futures_options"),
    }
)


def _parameters(folder: str) -> Iterator[str]:
    for file in sorted((FOLDERS / folder).glob("*.toml"), key=lambda path: (path.stem != "rules", path.stem)):
        data = tomllib.loads(file.read_text(encoding="utf-8"), parse_float=Decimal)
        sources = data.get("sources", {})
        yield f"### {file.name}\n\n| parameter | value | source |\n|---|---|---|"
        for place, value, source in _flat(data, (), None):
            yield f"| `{place}` | {_shown(value)} | {source or ''} |"
        yield "\n| source | holds from | where |\n|---|---|---|"
        for key, one in sources.items():
            since, where = one.get("effective_from") or "undated", f"{one['address']} {one.get('note', '')}"
            yield f"| {key} | {since} | {_cell(where)} |"
        yield ""


def _flat(data: Mapping[str, Any], place: tuple[str, ...], source: str | None) -> Iterator[tuple[str, Any, str | None]]:
    """Every number of a file with its place and the key of its source, which holds for the tables inside too."""
    source = data.get("source", source)
    for key, value in data.items():
        if key in ("sources", "source"):
            continue
        if isinstance(value, Mapping):
            yield from _flat(value, (*place, key), source)
        else:
            yield ".".join((*place, key)), value, source


def _shown(value: Any) -> str:
    text = _text(value)
    return _cell(text if len(text) <= WIDEST_VALUE else "<br>".join(_wrapped(value)))


def _wrapped(value: Any) -> Iterator[str]:
    """A long list, some items a line."""
    line = ""
    for item in value if isinstance(value, list) else [value]:
        word = _text(item)
        if line and len(line) + len(word) > WIDEST_VALUE:
            yield line
            line = ""
        line = f"{line}, {word}" if line else word
    yield line


def _text(value: Any) -> str:
    if isinstance(value, list):
        return "[" + ", ".join(_text(one) for one in value) + "]"
    if isinstance(value, date):
        return value.isoformat()
    return f"{value:f}" if isinstance(value, Decimal) else str(value)


def _cell(text: str) -> str:
    return " ".join(text.replace("|", "\\|").split())


def main(arguments: list[str]) -> int:
    """Write the pages, or with ``--check`` say which are out of date."""
    report = conform([VECTORS])
    PAGES.mkdir(exist_ok=True)
    wrong = 0
    for folder in page_names():
        file, text = PAGES / f"{folder}.md", page(folder, report)
        if file.exists() and file.read_text(encoding="utf-8") == text:
            continue
        if "--check" in arguments:
            print(f"{file.relative_to(ROOT)} is out of date: run make docs")
            wrong += 1
        else:
            file.write_text(text, encoding="utf-8")
            print(f"wrote {file.relative_to(ROOT)}")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
