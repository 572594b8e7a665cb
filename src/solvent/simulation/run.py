"""One replay under way: what happens in each minute, and which laws are looked at when."""

from __future__ import annotations

from collections.abc import Callable
from math import isqrt

import numpy as np
from numpy.typing import NDArray

from solvent.engine.records import COMMAND, EVENT, FIRST_USER_POOL, Happened, Reason, Records, Verb, command
from solvent.engine.tables import TOP_SEQ
from solvent.rules import Missing
from solvent.simulation.auditor import Auditor, fund_cash, residuals
from solvent.simulation.brute_force import BruteForce
from solvent.simulation.checkers import Accruals, Checkers, Parents
from solvent.simulation.driver import Line, joined
from solvent.simulation.impact import Book as DepthBook
from solvent.simulation.impact import ImpactModel, OracleBook
from solvent.simulation.liquidator import Liquidator
from solvent.simulation.market_makers import commands as maker_commands
from solvent.simulation.market_makers import gross_units
from solvent.simulation.paths import minute_marks
from solvent.simulation.probes import Probes
from solvent.simulation.randomness import MILLION, Stream
from solvent.simulation.report import Report
from solvent.simulation.samples import Samples
from solvent.simulation.stage import Stage, accounts, house, positions
from solvent.simulation.tally import Counter, recovered_with_legs, states
from solvent.simulation.trading import Trading
from solvent.simulation.world import DOLLAR_ID, MARKET, World, listings, price_command

Ints = NDArray[np.int64]
Progress = Callable[[int, int, str], None]

HOUR, FUNDING_MINUTES = 60, 480
VERDICTS = 1_000  # pools compared with ring 1 over the whole window
LIQUIDATION_PRICES = 2  # an hour
AUDITED_POOLS, SCANNED_POOLS = 100_000, 400_000  # of so many pools all tables are audited, and scanned, every hour
PROVED_POOLS, PROVED = 100_000, 16  # above so many pools ring 1 proves so many of an epoch's breaches, not all
OPEN_INTEREST_DAYS = 10  # the market's open interest is taken to be a tenth of a day's turnover
LEAST_SHARE_PPM = 10_000
BASE_FUNDING_PPB, MOST_FUNDING_PPB = 100_000, 7_500_000


def silent(_done: int, _of: int, _text: str) -> None:
    """No progress is shown."""


def share_ppm(world: World, gross: int) -> int:
    """The crowd's part of the market, in millionths: its gross notional over a tenth of a day's real turnover."""
    data = world.dataset
    lots, ticks = data.volume_lots.sum(axis=0), data.close_ticks[data.bars // 2]
    turnover = sum(int(n) * int(p) * one.tick_value for n, p, one in zip(lots, ticks, world.perpetuals, strict=True))
    open_interest = turnover * 24 * 60 // data.minutes // OPEN_INTEREST_DAYS
    return min(MILLION, max(LEAST_SHARE_PPM, gross * MILLION // max(open_interest, 1)))


def scaled_model(share: int) -> ImpactModel:
    """The impact model of the crowd's part of the market: its depth and its volume are that part of the real ones."""
    plain = ImpactModel()
    return ImpactModel(
        y_ppm=plain.y_ppm * 1_000 // isqrt(share),
        participation_ppm=max(1, plain.participation_ppm * share // MILLION),
        depth_floor_ppm=plain.depth_floor_ppm,
        half_life_minutes=plain.half_life_minutes,
    )


class Run:
    """One replay under way."""

    def __init__(self, stage: Stage, line: Line, progress: Progress) -> None:
        self.stage, self.line, self.progress = stage, line, progress
        world = stage.world
        data = world.dataset
        self.last = data.minutes
        self.bridged = minute_marks(data, stage.seed)
        share = share_ppm(world, gross_units(world, stage.crowd))
        depth = OracleBook if world.vault else DepthBook
        self.depth = depth(data, self.bridged, scaled_model(share))
        self.state = self.depth.state()
        self.marks: Ints = self.bridged[0]
        self.trading = Trading(stage)
        self.liquidator = Liquidator(stage, line, self.depth, self.state, reader=self._take)
        line.compare_twin = self._compare_twin
        self.checkers = Checkers(world.rules)
        self.samples = Samples(self.checkers)
        self.probes = Probes(stage, line, self.checkers)
        self.auditor = Auditor(stage.pools, world.things)
        self.report = Report(data.name, world.name, stage.crowd.accounts, stage.seed)
        self.report.minutes, self.report.share_ppm = self.last, share
        self.report.source, self.report.start_ns = data.source, data.start_ns
        self.report.pools, self.report.market_makers = stage.pools, stage.makers.count
        self.counter = Counter(stage, self.report, line)
        self.audit_hours, self.scan_hours = -(-stage.pools // AUDITED_POOLS), -(-stage.pools // SCANNED_POOLS)
        self.liquidator.settling.watched = self.audit_hours
        self.most_proved = stage.pools if stage.pools <= PROVED_POOLS else PROVED
        self.brute_force: BruteForce | None = None
        self._taken: list[tuple[Records, Records, Ints]] = []

    def set_up(self) -> None:
        """List, price, open, fund, trade."""
        world = self.stage.world
        self.progress(0, self.last, "listing instruments and opening accounts")
        self.line.time_ns = world.dataset.time_ns(0)
        self.line.add_sent(listings(world))
        self.line.add_sent([price_command(world, self.marks, self.line.time_ns)])
        for rows in (*house(self.stage), *maker_commands(world, self.stage.makers), *accounts(self.stage)):
            self.line.add(rows)
        self._send_long()
        self.report.fund_start_units = fund_cash(self.line.engine.tables)
        self.progress(0, self.last, "taking the first positions")
        for rows in positions(self.stage):
            self.line.add(rows)
        self._send_long()
        self.checkers.whole(self.line.engine, self.auditor)

    def _send_long(self) -> None:
        """Send what waits and read what comes back part by part, so that not all of it is in memory at once."""
        for commands, events in self.line.parts():
            self._read(commands, events)

    def _send(self) -> tuple[Records, Records, Records]:
        """Send what waits and read what comes back: commands, answers, events."""
        commands, events = self.line.flush()
        return commands, self._read(commands, events), events

    def _read(self, commands: Records, events: Records, kept: Ints | None = None) -> Records:
        answers = self.auditor.read(commands, events, self.stage.world.first_spot)
        self.trading.note(answers, events)
        self.counter.read(commands, answers, events, kept)
        return answers

    def _take(self, commands: Records, events: Records) -> None:
        """What the liquidator sent, kept to be read with the rest of its round: nothing it does depends on that."""
        self._taken.append((commands, events, recovered_with_legs(self.line.engine, events)))

    def _catch_up(self) -> None:
        """Read what the liquidator sent."""
        if self._taken:
            commands, events, kept = zip(*self._taken, strict=True)
            self._taken = []
            self._read(joined(commands, COMMAND), joined(events, EVENT), np.concatenate(kept))

    def _compare_twin(self) -> None:
        """L-05: another engine, with other threads, screen and cuts, has the same hash after the same commands."""
        if self.line.twin is None:
            return
        own, other = self.line.engine.state_hash(), self.line.twin.state_hash()
        self.checkers.law("L-05").check(own == other, f"hashes {own} and {other} after {self.line.commands} commands")
        self.line.twin = None

    def minute(self, minute: int) -> None:
        """One minute: prices, stops, money and trades, liquidations, and what falls due."""
        data = self.stage.world.dataset
        self.counter.minute = minute
        self.depth.advance(self.state, minute)
        self.marks = self.depth.marks(self.state)
        self.line.time_ns = data.time_ns(minute)
        self.line.add_sent([price_command(self.stage.world, self.marks, self.line.time_ns)])
        _, _, events = self._send()
        self._epoch(minute, events)
        self._accruals(minute)
        self.line.add(self.trading.stopped(self.line.engine, events, self.depth, self.state, minute))
        self.line.add(self.trading.reached(self.marks, minute))
        self.line.add(self.trading.trades(minute, self.marks))
        self.line.add(self.trading.money(minute))
        commands, answers, _ = self._send()
        self.checkers.withdrawn(self.line.engine, answers, commands)
        self.trading.last = commands
        self._liquidate()
        if (minute + 1) % HOUR == 0:
            self._settle()
        self._watch(minute)
        self.report.minutes_done = minute + 1
        if minute % 10 == 0:
            text = f"{self.report.liquidations} liquidations, {len(self.liquidator.cases)} under way"
            self.progress(minute + 1, self.last, text)

    def _epoch(self, minute: int, events: Records) -> None:
        """Everything that follows an epoch: breaches are proved, and their pools go to the liquidator."""
        engine, breached = self.line.engine, events[events["kind"] == Happened.BREACHED]
        self.liquidator.settling.unjudged = False
        if minute % (HOUR * self.scan_hours) == 0:
            self.checkers.nobody_missed(engine)
        if self.brute_force is not None:
            self.brute_force.look(engine, events)
        self.checkers.breached(engine, breached, most=self.most_proved)
        self.counter.breaches(engine, breached)
        for pool in breached["pool"].tolist():
            self.liquidator.begin(pool, minute)
        self.liquidator.follow(events)
        self._catch_up()

    def _accruals(self, minute: int) -> None:
        """Funding every eight hours and interest every hour, each an epoch of its own."""
        if minute and minute % FUNDING_MINUTES == 0:
            self.report.funding_epochs += 1
            for instrument in range(len(self.stage.world.perpetuals)):
                self._accrue(
                    minute, self.stage.world.first_perpetual + instrument, Verb.FUNDING, self._rate(instrument)
                )
        lends = self.stage.world.rules.borrowing.missing is Missing.BORROW
        if minute and minute % HOUR == 0 and lends:
            self.report.interest_epochs += 1
            for thing in range(1 + len(self.stage.world.coins)):
                self._accrue(minute, thing, Verb.INTEREST, HOUR * 60)

    def _accrue(self, minute: int, thing: int, verb: Verb, amount: int) -> None:
        watched = Accruals(self.line, self.checkers.law("L-21"))
        stream = Stream(self.stage.seed, f"accruals/{minute}/{thing}")
        count = self.stage.crowd.pools.count
        rows = self.stage.crowd.wishes.pool if verb is Verb.FUNDING else self.stage.crowd.spots.pool
        if verb is Verb.FUNDING:
            rows = rows[self.stage.crowd.wishes.instrument == thing - self.stage.world.first_perpetual]
        if rows.size and (verb is Verb.FUNDING or thing == DOLLAR_ID):
            chosen = rows[stream.integers(0, rows.size, 4)]
            watched.look([int(row) + self.stage.first for row in chosen if row < count])
        self.line.add(command(verb, MARKET, 0, thing=thing, amount=amount))
        _, answers, events = self._send()
        if int(answers[0]["kind"]) == Happened.DONE:
            increment = int(events[events["kind"] == Happened.ACCRUED]["amount"][0])
            (watched.funding(thing, increment) if verb is Verb.FUNDING else watched.interest(increment))
        self._epoch(minute + 1, events)

    def _rate(self, instrument: int) -> int:
        """Funding rate, parts per billion: a hundredth of a percent and an eighth of the premium of mark over index."""
        index = int(self.bridged[self.state.minute, instrument])
        premium = (int(self.marks[instrument]) - index) * 10**9 // index
        return max(-MOST_FUNDING_PPB, min(MOST_FUNDING_PPB, BASE_FUNDING_PPB + premium // 8))

    def _liquidate(self) -> None:
        """One round of the liquidator, and the laws about it."""
        self._losses()
        self.liquidator.sent.clear()
        if not self.liquidator.cases:
            return
        own = set(self.liquidator.cases)
        parents = Parents(self.line)
        parents.look(sorted(own))
        self.liquidator.round()
        self._catch_up()
        self.checkers.steps(self.line.engine, self.liquidator)
        self.checkers.winners(self.liquidator)
        parents.check(self.checkers.law("L-09"), self.liquidator.sent, own)

    def _settle(self) -> None:
        """What the hour's losses left over is run down, and the laws about it."""
        self.liquidator.settling.settle()
        self._catch_up()
        self._losses()

    def _losses(self) -> None:
        """L-15 of every loss since the last look, and what the report says of it."""
        settling = self.liquidator.settling
        self.checkers.waterfall(settling.covered)
        self.counter.covered(settling.covered)
        settling.covered.clear()
        for shared in settling.shared:
            self.checkers.socialised(shared)
        settling.shared.clear()

    def _watch(self, minute: int) -> None:
        """Samples every few minutes; audits, probes and repeated commands every hour."""
        engine, stage = self.line.engine, self.stage
        stream = Stream(stage.seed, f"samples/{stage.world.dataset.name}/{minute}")
        every = max(1, self.last // VERDICTS)
        if minute % every == 0:
            count = -(-VERDICTS * every // self.last)
            self.samples.pools(engine, stream.integers(FIRST_USER_POOL - 1, stage.pools, count).tolist())
        if minute % HOUR:
            return
        self.samples.liquidation_prices(engine, stream.integers(stage.first, stage.pools, LIQUIDATION_PRICES).tolist())
        self.samples.isolated(engine, self._some_isolated(stream))
        self.line.add(self.trading.repeated())
        _, answers, _ = self._send()
        for answer in answers:
            self.checkers.law("L-16").check(int(answer["reason"]) == Reason.DUPLICATE, "a repeated command was applied")
        for sent, events in self.probes.ask(minute // HOUR):
            self._read(sent, events)
            self.liquidator.deleveraging.holders.note(sent)
        if minute % (HOUR * self.audit_hours) == 0:
            self.checkers.whole(self.line.engine, self.auditor)

    def _last_look(self) -> None:
        """Where a loss has been socialised since the last epoch, everybody is judged once more at the same prices."""
        if self.liquidator.settling.unjudged:
            self.line.add_sent([price_command(self.stage.world, self.marks, self.line.time_ns)])
            _, _, events = self._send()
            self._epoch(self.report.minutes_done, events)
            self._losses()

    def _some_isolated(self, stream: Stream) -> list[int]:
        rows = np.flatnonzero(self.stage.crowd.pools.isolated == 1)
        if not rows.size:
            return []
        return [int(row) + self.stage.first for row in rows[stream.child("isolated").integers(0, rows.size, 2)]]

    def stopped(self) -> Report:
        """The report of a run that was stopped at a batch: how far it came."""
        self.report.finished = False
        self._figures()
        return self.report

    def end(self) -> Report:
        """The report of a run that came to its end: last audit, residuals, hash."""
        self._settle()
        self._last_look()
        self.line.finish()
        engine = self.line.engine
        self._compare_twin()
        self.checkers.whole(engine, self.auditor)
        self.checkers.nobody_missed(engine)
        self.checkers.followed(engine, self.liquidator)
        self.checkers.law("L-16").check(
            self.auditor.answers.checks == self.auditor.answers.held, self.auditor.answers.detail
        )
        report = self.report
        self.checkers.close_of_waterfall(report.socialised_units, report.uncovered_units, self.counter.exhausted)
        self._figures()
        report.conservation = residuals(engine.tables, engine.names)
        report.laws = self.checkers.found()
        if not (self.stage.crowd.pools.parent >= 0).any():
            report.laws.pop("L-09", None)  # nothing is isolated under a parent here
        report.states = states(engine, self.stage)
        report.worst = self.counter.finished(engine)
        if self.brute_force is not None:
            report.brute_force = self.brute_force.counts()
        report.comparisons, report.comparisons_equal = self.samples.compared, self.samples.equal
        self.progress(report.minutes_done, self.last, "done")
        return report

    def _figures(self) -> None:
        engine, report = self.line.engine, self.report
        report.state_hash = engine.state_hash()
        report.commands, report.batches = self.line.commands, self.line.batches
        report.events = int(engine.tables.top[TOP_SEQ])
        report.refused = dict(sorted(self.auditor.refused.items()))
        report.fund_end_units = fund_cash(engine.tables)
        report.handed_over = self.liquidator.handed_over
