"""Option portfolios of one underlying, judged on the scenario matrix of each price epoch.

A component of the engine that is driven by the same epochs, not yet a kind of pool inside it: it holds portfolios in
columns of its own, answers for all of them at each market it is given, and writes no events. What it answers is the
readable :func:`~solvent.margin.scenario.quantised_account.standing` of each portfolio, to the last grain.
"""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import numpy as np

from solvent.book import Book, Holding, Market, Purpose
from solvent.engine.scenario_books import LARGEST_FIXED, books_of_held, changed, largest_size
from solvent.engine.scenario_judge import Answers, Books, Grid, answers, judge_all, judge_some, laid_out, scratch
from solvent.engine.scenario_lanes import EXACT_IN_FLOATS
from solvent.engine.tables import I32
from solvent.margin.scenario.listing import Held, Listing, Quotes, held, quotes
from solvent.margin.scenario.quantised import Quantised, quantise
from solvent.margin.scenario.quantised_form import quantised_form
from solvent.rules import RulesError, VenueRules

MOST = 1 << 62
PIECES = 4  # of a pass on two threads


class ScenarioTable:
    """Portfolios under one rule set, and how they stood when last judged.

    Parameters
    ----------
    venue
        A rule set margined by the scenario engine.
    listing
        What can be held.
    books
        The portfolios (:mod:`solvent.engine.scenario_books`).
    purpose
        MAINTAIN or RECOVER.
    threads
        How many threads judge: 1 or 2. The answers are the same.

    Raises
    ------
    RulesError
        The rule set, or the purpose, cannot be said in rows; the message names the reason.

    """

    def __init__(
        self,
        venue: VenueRules,
        listing: Listing,
        books: Books,
        *,
        purpose: Purpose = Purpose.MAINTAIN,
        threads: int = 1,
    ) -> None:
        if threads not in (1, 2):
            raise ValueError(f"threads must be 1 or 2, not {threads}")
        self.form = quantised_form(venue, purpose)
        self.listing, self.books, self.threads = listing, books, threads
        self.standing: Answers = answers(books.first.size)
        self.largest = largest_size(books)
        self._crew = ThreadPoolExecutor(threads - 1, "scan") if threads > 1 else None

    @property
    def count(self) -> int:
        """How many portfolios there are."""
        return self.books.first.size

    def step(self, market: Market) -> Answers:
        """Judge everybody at a market; the answers are columns that the next step overwrites.

        Raises
        ------
        BookError
            A price is missing; nothing is judged.
        RulesError
            As :func:`~solvent.margin.scenario.quantised.quantise`, or a sum could leave 64 bits; nothing is judged.

        """
        return self.judge(quotes(self.listing, market))

    def judge(self, now: Quotes) -> Answers:
        """As :meth:`step`, at prices in columns."""
        grid = self.grid(quantise(self.form, self.listing, now))
        self.run(lambda low, high: judge_all(self.books, grid, self.standing, low, high, scratch(grid)), self.count)
        return self.standing

    def judge_these(self, grid: Grid, pools: I32) -> None:
        """Judge chosen portfolios on rows laid out."""
        self.run(
            lambda low, high: judge_some(self.books, grid, self.standing, pools, low, high, scratch(grid)), pools.size
        )

    def run(self, work: Callable[[int, int], int], count: int) -> int:
        """Do work on ranges of so many things; the sum of its answers.

        Threads take pieces until none is left, so that one that wakes late holds up nobody; this thread is one of them.
        """
        number = min(PIECES, count) if self._crew else 1
        pieces = iter([(count * k // number, count * (k + 1) // number) for k in range(number)])

        def share() -> int:
            return sum(int(work(low, high)) for low, high in pieces)

        later = [self._crew.submit(share) for _ in range(self.threads - 1)] if self._crew else []
        return share() + sum(one.result() for one in later)

    def grid(self, rows: Quantised) -> Grid:
        """Rows laid out; :class:`RulesError` where a sum could leave 64 bits."""
        size = max((int(np.abs(one).max(initial=0)) for one in (rows.branches, rows.value, rows.charge)), default=0)
        size = max(size, rows.naked, rows.perp, int(rows.width.max(initial=0)))
        if 4 * self.largest * size + LARGEST_FIXED >= MOST:
            raise RulesError(f"a portfolio of {self.largest} lots at {size} grains each leaves 62 bits: fewer places")
        return laid_out(rows, self.form.inclusive, self.largest * size < EXACT_IN_FLOATS)

    def held(self, pool: int) -> Held:
        """What a portfolio holds, in rows."""
        first = int(self.books.first[pool])
        places = slice(first, first + int(self.books.used[pool]))
        pairs = zip(self.books.row[places].tolist(), self.books.size[places].tolist(), strict=True)
        lots = {row >> 1: -size if row & 1 else size for row, size in pairs}
        fixed, naked, perp = (int(one[pool]) for one in (self.books.fixed, self.books.naked, self.books.perp))
        return Held(dict(sorted(lots.items())), fixed, naked, perp)

    def change(self, pool: int, book: Book, holding: Holding) -> None:
        """Replace a portfolio; errors as :func:`~solvent.margin.scenario.listing.held`, and then nothing changes."""
        if not 0 <= pool < self.count:
            raise ValueError(f"pool must be 0 to {self.count - 1}, not {pool}")
        new = held(self.listing, book, holding)
        one = books_of_held(self.listing, [new])
        self.books = changed(self.listing, self.books, pool, new)
        self.largest = max(self.largest, largest_size(one))
