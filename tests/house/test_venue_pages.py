"""The pages of venues are what their folders and vectors say now."""

from pathlib import Path

import pytest

from solvent.conformance import conform
from tools import venue_pages

REPORT = conform([venue_pages.VECTORS])


def test_no_page_is_out_of_date(capsys: pytest.CaptureFixture[str]) -> None:
    assert venue_pages.main(["--check"]) == 0, capsys.readouterr().out


@pytest.mark.parametrize("folder", venue_pages.page_names())
def test_every_venue_says_its_formulas_laws_and_gaps(folder: str) -> None:
    text = venue_pages.page(folder, REPORT)
    for heading in ("## Formulas", "## Laws", "## Gaps", "## Vectors", "## Parameters"):
        assert text.count(f"{heading}\n") == 1, heading


def test_a_changed_number_makes_the_page_out_of_date(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(venue_pages, "PAGES", tmp_path / "pages")
    monkeypatch.setattr(venue_pages, "ROOT", tmp_path)
    assert venue_pages.main([]) == 0
    one = tmp_path / "pages" / "hyperliquid.md"
    one.write_text(one.read_text(encoding="utf-8").replace("0", "1", 1), encoding="utf-8")
    assert venue_pages.main(["--check"]) == 1


def test_every_page_is_listed() -> None:
    index = (venue_pages.ROOT / "docs" / "venues.md").read_text(encoding="utf-8")
    assert [f"(venues/{folder}.md)" in index for folder in venue_pages.page_names()].count(False) == 0
