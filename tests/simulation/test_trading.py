"""What the crowd does in a minute: resting orders are found as a look at every order would find them."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from solvent.simulation.population import Orders
from solvent.simulation.trading import Queue

PRICES = st.integers(1, 12)


@given(
    orders=st.lists(st.tuples(st.integers(0, 1), st.sampled_from([-3, -1, 1, 2]), PRICES), max_size=30),
    marks=st.lists(st.tuples(PRICES, PRICES), min_size=1, max_size=12),
)
def test_queues_find_the_orders_a_look_at_all_of_them_finds(orders, marks):
    columns = np.array(orders, np.int64).reshape(-1, 3).T
    zeros = np.zeros(len(orders), np.int64)
    made = Orders(pool=zeros, instrument=columns[0], leg=zeros, lots=columns[1], ticks=columns[2], ref=zeros)
    queues = [Queue.of(made, instrument, side) for instrument in (0, 1) for side in (1, -1)]
    standing = np.ones(len(orders), np.bool_)
    for row in marks:
        mark = np.array(row, np.int64)
        of_each = mark[made.instrument]
        expected = standing & np.where(made.lots > 0, of_each <= made.ticks, of_each >= made.ticks)
        found = np.sort(np.concatenate([queue.reached(mark) for queue in queues]))
        assert found.tolist() == np.flatnonzero(expected).tolist()
        standing &= ~expected
