"""Work shared by the assessments of one question: it changes cost, never an answer, and outlives no question."""

from __future__ import annotations

import random
import threading
from decimal import Decimal

import pytest

from solvent.book import Order, PriceKey, PriceKind, Purpose
from solvent.margin import assess_pool
from solvent.margin.changes import Deposit, Place, Reprice
from solvent.margin.scenario import account
from solvent.margin.sharing import once, one_question
from solvent.margin.what_if import what_if
from solvent.venues import venue
from tests.engine.option_world import listing, market, random_book

LISTED = listing()
PURPOSES = (Purpose.WITHDRAW, Purpose.ADMIT, Purpose.MAINTAIN)


@pytest.mark.parametrize("rules", ["derive_pmrm1", "derive_pmrm2"])
@pytest.mark.parametrize("seed", range(4))
def test_a_what_if_says_what_each_assessment_says_alone(rules, seed):
    rng = random.Random(seed)
    book, _ = random_book(LISTED, rng, junk=False)
    now, name = market(LISTED), rng.choice(LISTED.options).symbol
    changes = [
        Place("p", Order("a", name, rng.choice((-50, 70)), 9000)),
        Reprice({PriceKey(PriceKind.INDEX, "ETH", "USDC"): Decimal(1400)}),
        Place("p", Order("b", "ETH-PERP", -30, 150_000)),
        Deposit("p", "USDC", 10**6),
    ]
    found = what_if(book, now, venue(rules), changes)
    for purpose in PURPOSES:
        assert found.before["p", purpose] == assess_pool(book, now, venue(rules), purpose, "p")
        assert found.after["p", purpose] == assess_pool(found.book, found.market, venue(rules), purpose, "p")
    assert found.before["p", Purpose.ADMIT].surplus != found.after["p", Purpose.ADMIT].surplus


def test_a_what_if_scans_each_holding_once(monkeypatch):
    book, _ = random_book(LISTED, random.Random(1), junk=False)
    scans = []
    plain = account.figures

    def counted(*given):
        scans.append(given)
        return plain(*given)

    monkeypatch.setattr(account, "figures", counted)
    what_if(book, market(LISTED), venue("derive_pmrm2"), [Place("p", Order("a", "call-7-1500", 5, 9000))])
    assert len(scans) == 2  # as it is, whatever orders rest, and with the order filled
    assess_pool(book, market(LISTED), venue("derive_pmrm2"), Purpose.MAINTAIN, "p")
    assess_pool(book, market(LISTED), venue("derive_pmrm2"), Purpose.MAINTAIN, "p")
    assert len(scans) == 4  # nothing is kept outside of a question


def test_nothing_outlives_a_question_and_threads_do_not_share():
    made = []

    def note(part):
        made.append(part)
        return len(made)

    part = object()

    @one_question
    def inner():
        return once(note, part)

    @one_question
    def outer(fail):
        found = [once(note, part), inner()]
        thread = threading.Thread(target=lambda: found.append(once(note, part)))
        thread.start()
        thread.join()
        if fail:
            raise ValueError("after all")
        return found

    assert outer(fail=False) == [1, 1, 2]
    with pytest.raises(ValueError, match="after all"):
        outer(fail=True)
    assert (inner(), once(note, part), once(note, part)) == (5, 6, 7)


def test_arguments_that_are_equal_but_not_the_same_are_told_apart():
    @one_question
    def asked():
        return [once(tuple, [1]), once(tuple, [2]), once(list, [1])]

    assert asked() == [(1,), (2,), [1]]
