"""The engine: commands in, events out, one writer, deterministic.

Runs of hot commands go to one kernel; a cold verb stops it, is done here, and the kernel goes on. What comes out does
not depend on how commands are cut into batches, on threads, on the screen, or on the compiler.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from types import MappingProxyType
from typing import NamedTuple

import numpy as np

from solvent.book import Book, Holding, Market, Purpose
from solvent.engine import cover, epochs, expiry, settings, snapshot, stops
from solvent.engine.arming import Watch, Watched
from solvent.engine.audit import Verdict, audit
from solvent.engine.desk import Answer, Command, Desk, Sheet, cut_out
from solvent.engine.hashing import state_hash
from solvent.engine.hot import MOST_EVENTS, apply, claim, hot
from solvent.engine.jit import plainly, say_if_cold
from solvent.engine.names import Names, PayloadError
from solvent.engine.records import EVENT, FIRST_USER_POOL, Batch, PoolState, Reason, Records, Verb
from solvent.engine.screen import F64, I8, halves, in_turn, packed, stand_all
from solvent.engine.tables import NONE, TOP_COMMANDS, TOP_POOLS, TOP_SEQ, Limits, Tables, empty
from solvent.engine.value import assessed, surplus
from solvent.engine.view import book_of, holding_of
from solvent.rules import VenueRules

NO_VENUES: Mapping[str, VenueRules] = MappingProxyType({})
AHEAD = 8  # commands whose memory is asked for in advance: a hint
is_hot, claimed = plainly(hot), plainly(claim)
Handler = Callable[[Desk, Command, Sheet], Answer]

COLD: Mapping[int, Handler] = MappingProxyType(
    {
        int(Verb.LIST_ASSET): settings.list_asset,
        int(Verb.LIST): settings.list_instrument,
        int(Verb.STATE): settings.state,
        int(Verb.SCHEDULE_RULES): settings.schedule_rules,
        int(Verb.OPEN): settings.open_pool,
        int(Verb.SET): settings.change_setting,
        int(Verb.STOP): stops.stop,
        int(Verb.PRICES): epochs.prices,
        int(Verb.ADVANCE_TIME): epochs.advance_time,
        int(Verb.FUNDING): epochs.funding,
        int(Verb.INTEREST): epochs.interest,
        int(Verb.SETTLE): expiry.settle,
        int(Verb.SOCIALISE): cover.socialise,
    }
)


class Standing(NamedTuple):
    """How every pool stands, in floats, for screens and reports; flag 1: not proved to have a positive surplus."""

    value: F64
    margin_equity: F64
    required: F64
    flag: I8


class Engine:
    """All pools of one shard.

    Parameters
    ----------
    limits
        How much of each table is reserved.
    venues
        Rule sets by the names that SCHEDULE_RULES uses.
    threads
        How many threads judge an epoch: 1 or 2.
    screen
        Whether a float screen sets aside pools proved healthy; the outcome is the same.
    bands
        Whether an epoch judges only pools whose safe band a price has left, and those that have changed; the outcome is
        the same.

    Examples
    --------
    >>> from solvent.engine.commands import assemble, list_asset
    >>> from solvent.units import Asset
    >>> engine = Engine()
    >>> events = engine.step(assemble([list_asset(1, 0, Asset("USDT", 6), max_units=10**15)]))
    >>> int(events["kind"][0]), engine.names.name(0), engine.pool_count
    (1, 'USDT', 2)

    """

    def __init__(
        self,
        limits: Limits = Limits(),  # noqa: B008 (a named tuple never changes)
        *,
        threads: int = 1,
        screen: bool = True,
        bands: bool = False,
        venues: Mapping[str, VenueRules] = NO_VENUES,
    ) -> None:
        if threads not in (1, 2):
            raise ValueError(f"threads must be 1 or 2, not {threads}")
        if limits.pools < FIRST_USER_POOL:
            raise ValueError(f"limits.pools must be at least {FIRST_USER_POOL}, not {limits.pools}")
        say_if_cold()
        crew = ThreadPoolExecutor(threads, "judge") if threads > 1 else None
        self.limits = limits
        self._desk = Desk(empty(limits), Names(), venues, screen, threads, crew)
        _open_house(self._desk.t)
        if bands:
            self._desk.watch = Watch(self._desk.t, limits)

    @property
    def tables(self) -> Tables:
        """The state itself; only the engine changes it."""
        return self._desk.t

    @property
    def crew(self) -> ThreadPoolExecutor | None:
        """The two threads that look at halves of the pools; None in an engine of one thread."""
        return self._desk.crew

    @property
    def names(self) -> Names:
        """Names of things and rules rows."""
        return self._desk.names

    @property
    def pool_count(self) -> int:
        """How many pools there are, the house's two included."""
        return int(self.tables.top[TOP_POOLS])

    @property
    def errors(self) -> Mapping[int, str]:
        """Why a payload was refused, in words, by the sequence number of its event; diagnostics, not part of the
        state.
        """
        return self._desk.errors

    @property
    def watched(self) -> Watched | None:
        """What watching by bands has cost so far; None where bands are off. Diagnostics, not part of the state."""
        watch = self._desk.watch
        return None if watch is None else watch.told(self.tables)

    def step(self, batch: Batch) -> Records:
        """Apply a batch in order; every event of it, in order (dtype ``EVENT``)."""
        commands = batch.commands
        if not commands.flags.carray:  # read-only or not in a row: kernels are compiled for one kind of array only
            commands = np.array(commands)
        kinds, count, at, written = commands["kind"], commands.size, 0, 0
        events = np.empty(MOST_EVENTS * count, EVENT)  # only what is written takes memory
        while at < count:
            if is_hot(int(kinds[at])):
                events = with_room(events, written, MOST_EVENTS)
                after, ended = apply(self.tables, commands, at, count, events, written, AHEAD)
                at, written = int(after), int(ended)
                continue
            sheet = self._cold(cut_out(batch, at))
            events = with_room(events, written, sheet.size)
            events[written : written + sheet.size] = sheet
            at, written = at + 1, written + sheet.size
        return events[:written]

    def _cold(self, c: Command) -> Records:
        """One cold command: claimed, answered, and its events closed."""
        sheet = Sheet(self.tables)
        sheet.open(c)
        seq = int(self.tables.top[TOP_SEQ]) - 1
        self.tables.top[TOP_COMMANDS] += 1
        answer = self._answer(c, sheet)
        if answer.text:
            self._desk.errors[seq] = answer.text
        return sheet.close(answer)

    def _answer(self, c: Command, sheet: Sheet) -> Answer:
        if not 0 <= c.source < self.tables.sources.size:
            return Answer(Reason.FULL)
        if not claimed(self.tables, c.source, c.source_seq):
            return Answer(Reason.DUPLICATE)
        handler = COLD.get(c.kind)
        if handler is None:
            return Answer(Reason.UNSUPPORTED)
        if c.payload is None:
            return Answer(Reason.MALFORMED, text="payload lies outside the batch")
        try:
            return handler(self._desk, c, sheet)
        except PayloadError as error:
            return Answer(Reason.MALFORMED, text=str(error))

    def state_hash(self) -> str:
        """Hash of what the state means; equal for equal histories."""
        return state_hash(self.tables, self.names)

    def surplus(self, pool: int, purpose: Purpose = Purpose.MAINTAIN) -> int:
        """Margin equity less requirement, numeraire units, rounded down once."""
        return int(surplus(self.tables, self._known(pool), purpose.value)[0])

    def value(self, pool: int) -> int:
        """What the pool is worth at present prices, numeraire units: no weights, funding and interest counted."""
        return int(assessed(self.tables, self._known(pool), Purpose.MAINTAIN.value)[0])

    def state(self, pool: int) -> PoolState:
        """The pool's state."""
        return PoolState(int(self.tables.pools[self._known(pool)]["state"]))

    def book(self, pool: int) -> tuple[Book, Market, VenueRules]:
        """Ring 1's view of a pool: the same numbers as the tables."""
        return book_of(self.tables, self.names, self._desk.venues, self._known(pool))

    def holding(self, pool: int) -> Holding:
        """What a pool holds, as in :meth:`book`: for books of many pools at one moment."""
        return holding_of(self.tables, self.names, self._known(pool))

    def _known(self, pool: int) -> int:
        if not 0 <= pool < self.pool_count:
            raise ValueError(f"pool must be 0 to {self.pool_count - 1}, not {pool}")
        return pool

    def revalue(self, purpose: Purpose = Purpose.MAINTAIN, into: Standing | None = None) -> Standing:
        """Every pool in one pass of the screen: value, margin equity, requirement (floats) and flag, by pool id.

        ``into`` is a standing of as many pools that may be overwritten: new columns of a million pools cost as much
        as the pass itself.
        """
        t, desk, count = self.tables, self._desk, self.pool_count
        if into is not None and any(column.shape != (count,) for column in into):
            raise ValueError(f"into must be a standing of {count} pools, not of {into.value.size}")
        out = into or Standing(np.empty(count), np.empty(count), np.empty(count), np.empty(count, np.int8))
        q = packed(t)
        if purpose is Purpose.MAINTAIN and desk.mirror.worth_keeping(t):
            desk.mirror.stand(t, q, out, desk.threads, desk.crew)
        else:
            in_turn(
                lambda low, high: stand_all(t, q, purpose.value, low, high, *out), halves(t, 0, desk.threads), desk.crew
            )
        return out

    def derived_bytes(self) -> dict[str, int]:
        """Memory of what is derived from the tables, by name."""
        watch = self._desk.watch
        return {"mirror": self._desk.mirror.nbytes, "bands": 0 if watch is None else watch.nbytes(self.tables)}

    def audit(self) -> dict[str, Verdict]:
        """The laws over the tables: by name, how often checked, how often held, the first violation in words."""
        return audit(self.tables, self.names)

    def save(self, path: Path | str) -> None:
        """Write a snapshot; :meth:`restore` gives the same hash."""
        snapshot.write(Path(path), self.tables, self.names.payloads, self.limits, self.state_hash())

    @classmethod
    def restore(
        cls,
        path: Path | str,
        *,
        venues: Mapping[str, VenueRules] = NO_VENUES,
        threads: int = 1,
        screen: bool = True,
        bands: bool = False,
    ) -> Engine:
        """The engine a snapshot was taken of: payloads applied again, then the saved columns.

        Raises
        ------
        SnapshotError
            The file is damaged, of another form, or its rule sets are no longer what they were.

        """
        head, columns = snapshot.read(Path(path))
        engine = cls(Limits(*head["limits"]), threads=threads, screen=screen, bands=bands, venues=venues)
        for verb, ref, payload in head["payloads"]:
            engine._relist(Path(path), verb, ref, payload)
        try:
            snapshot.fill(engine.tables, columns)
        except (KeyError, IndexError, ValueError) as error:
            raise snapshot.SnapshotError(f"{path}: {error}") from None
        found = engine.state_hash()
        if found != head["state"]:
            raise snapshot.SnapshotError(f"{path}: the state hash is {found}, the snapshot says {head['state']}")
        return engine

    def _relist(self, path: Path, verb: int, ref: int, payload: bytes) -> None:
        c = Command(verb, 0, 0, 0, 0, 0, 0, 0, 0, 0, ref, payload)
        try:
            answer = COLD[verb](self._desk, c, Sheet(self.tables))
        except PayloadError as error:
            answer = Answer(Reason.MALFORMED, text=str(error))
        if answer.reason is not Reason.OK:
            raise snapshot.SnapshotError(f"{path}: a payload is refused now: {answer.reason.name} {answer.text}")


def with_room(events: Records, written: int, more: int) -> Records:
    """The same events where ``more`` fit behind those written, else a copy of them with room for as many again.

    >>> with_room(np.zeros(4, EVENT), 3, 1).size, with_room(np.zeros(4, EVENT), 3, 2).size
    (4, 10)
    """
    if written + more <= events.size:
        return events
    grown: Records = np.empty(2 * (written + more), EVENT)
    grown[:written] = events[:written]
    return grown


def _open_house(t: Tables) -> None:
    """The house's pools: the CCP's mirror and the insurance fund, both under rules row 0 once it is scheduled."""
    house = t.pools[:FIRST_USER_POOL]
    house["parent"] = house["scope"] = NONE
    house["state"] = [PoolState.HOUSE, PoolState.HEALTHY]
    t.top[TOP_POOLS] = FIRST_USER_POOL
