"""A crash with a hundred thousand accounts: lawful, and one hash however it is driven."""

import pytest

from solvent.simulation.replay import replay

CROWD = {"dataset": "may-2021", "accounts": 100_000, "seed": 1, "minutes": 420}


@pytest.mark.deep
def test_a_hundred_thousand_accounts_are_lawful_and_end_with_one_hash():
    first = replay(**CROWD)
    assert first.lawful, {law: found for law, found in first.laws.items() if found.checks != found.held}
    assert first.liquidations > 10_000
    assert min(first.bankrupt, first.fund, first.stops, first.partial) > 100
    assert first.pools > 130_000
    assert replay(**CROWD, threads=2, bands=True, batch=777).state_hash == first.state_hash
