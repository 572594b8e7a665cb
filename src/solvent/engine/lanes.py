"""Eight pools at a time: the one loop of a full pass that is written in vectors, and the same loop in plain Python.

The numbers of eight pools lie side by side, a column of eight for each place in their lists of holdings, and what a
thing is worth now is one row of four numbers (:class:`Price`). For each column: look up eight rows, multiply, add. The
compiler finds no vectors in the plain loop, because its lookups may overlap its sums in memory for all it knows; so
the loop is also written in the compiler's own vectors of eight, as eight loads of a row each and a transposition in
registers (a hardware gather of the same numbers is slower where it was measured). Where the processor's vectors are
shorter the compiler cuts them up; with the compiler off the plain loop runs. Both do the same operations in the same
order, so that they agree in every bit.
"""

# mypy: disable-error-code="no-untyped-call"
# ruff: noqa: ARG001
# The compiler has no types, and gives the values of an intrinsic's parameters to its code.

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from solvent.engine.handed import handed
from solvent.engine.jit import COMPILED, from_start, kernel

F64 = npt.NDArray[np.float64]
I8 = npt.NDArray[np.int8]
I16 = npt.NDArray[np.int16]
I32 = npt.NDArray[np.int32]
U16 = npt.NDArray[np.uint16]

LANES = 8
# A row of prices: per lot of a contract, or per unit of an asset.
WORTH, NEED, MOST, CUT = range(4)  # worth; requirement; the size up to which both hold; what is cut off as weight
ROW = 4
# Where the sums of eight pools stand in `sums`, eight numbers each.
VALUE, SIZE, REQUIRED, CUTS, EQUITY = (LANES * k for k in range(5))
SUMS = 5 * LANES


@handed
class Lanes(NamedTuple):
    """Pools in blocks of eight, as :mod:`solvent.engine.mirror` lays them out: B blocks, P and A columns of eight."""

    place: I16  # 8 B: which pool of the window a lane holds
    base: F64  # 8 B: what a pool is worth apart from its columns, numeraire units
    first: I32  # B: first column of contracts
    columns: I16  # B: columns of contracts
    first_asset: I32  # B
    asset_columns: I16  # B
    thing: U16  # 8 P: row of prices
    lots: I32  # 8 P: 0 where a pool has no more contracts
    asset: U16  # 8 A: row of prices
    units: F64  # 8 A: units of an asset, whole and below 2^53


@kernel
def add_columns_plainly(
    lanes: Lanes, of_assets: bool, first: int, count: int, prices: F64, sums: F64, over: I8, noted: int
) -> int:
    """Columns ``first`` … ``first + count``, lane by lane, their masks to ``over[noted:]``; see :func:`add_block`.

    Invariant: the same operations in the same order as the vectors', bit for bit. Cost: eight lanes a column, one after
    the other.
    """
    found = 0
    for column in range(count):
        mask = 0
        for lane in range(LANES):
            at = LANES * (first + column) + lane
            row = ROW * int(lanes.asset[at] if of_assets else lanes.thing[at])
            amount = lanes.units[at] if of_assets else float(lanes.lots[at])
            size, need, cut = abs(amount), prices[row + NEED], prices[row + CUT]
            if size > prices[row + MOST]:
                mask |= 1 << lane
                need = 0.0
                cut = 0.0
            worth = amount * prices[row + WORTH]
            sums[VALUE + lane] += worth
            sums[SIZE + lane] += abs(worth)
            sums[REQUIRED + lane] += size * need
            sums[CUTS + lane] += size * cut
        over[noted + column] = mask - 256 if mask > 127 else mask
        found |= mask
    return found


@kernel
def add_block_plainly(lanes: Lanes, block: int, prices: F64, sums: F64, over: I8) -> int:
    """The plain twin of :func:`add_block`, equal in every bit; about three times as slow where both are compiled.

    Invariant: the same bits as :func:`add_block`. Cost: about three times :func:`add_block` where both are compiled.
    """
    for lane in range(LANES):
        base = lanes.base[LANES * block + lane]
        sums[VALUE + lane], sums[SIZE + lane] = base, abs(base)
        sums[REQUIRED + lane], sums[CUTS + lane] = 0.0, 0.0
    count, assets = int(lanes.columns[block]), int(lanes.asset_columns[block])
    found = add_columns_plainly(lanes, False, int(lanes.first[block]), count, prices, sums, over, 0)
    more = add_columns_plainly(lanes, True, int(lanes.first_asset[block]), assets, prices, sums, over, count)
    return found | more


@kernel
def verdicts_plainly(sums: F64, relative: float, units: float) -> int:
    """The plain twin of :func:`verdicts`, equal in every bit.

    Invariant: the same bits as :func:`verdicts`. Cost: eight comparisons.
    """
    unproved = 0
    for lane in range(LANES):
        required, size = sums[REQUIRED + lane], sums[SIZE + lane]
        equity = sums[VALUE + lane] - sums[CUTS + lane]
        sums[EQUITY + lane] = equity
        if not equity - required > relative * (size + size + required) + units:
            unproved |= 1 << lane
    return unproved


if COMPILED:
    from llvmlite import ir
    from numba.core import cgutils, types
    from numba.extending import intrinsic

    I64_, I32_, I16_, I8_ = (ir.IntType(bits) for bits in (64, 32, 16, 8))
    DOUBLE = ir.DoubleType()
    EIGHT = ir.VectorType(DOUBLE, LANES)
    FOUR = ir.VectorType(DOUBLE, ROW)

    class _Writer:
        """Writes the vector code of one block at the place where it is called."""

        def __init__(self, builder: Any) -> None:
            self.b = builder
            kind = ir.FunctionType(EIGHT, [EIGHT])
            self.fabs = cgutils.get_or_insert_function(builder.module, kind, f"llvm.fabs.v{LANES}f64")
            self.zero = ir.Constant(EIGHT, [0.0] * LANES)

        def eight_at(self, address: Any, index: Any, kind: Any) -> Any:
            """Eight numbers of a kind from number ``index`` on."""
            place = self.b.gep(self.b.inttoptr(address, kind.as_pointer()), [index])
            loaded = self.b.load(self.b.bitcast(place, ir.VectorType(kind, LANES).as_pointer()))
            loaded.align = 1
            return loaded

        def mixed(self, x: Any, y: Any, places: list[int]) -> Any:
            return self.b.shuffle_vector(x, y, ir.Constant(ir.VectorType(I32_, len(places)), places))

        def prices_of(self, prices: Any, kinds: Any, index: Any) -> list[Any]:
            """The four numbers of eight rows: eight loads of a row, turned in registers into four vectors."""
            rows = []
            for lane in range(LANES):
                at = self.b.gep(self.b.inttoptr(kinds, I16_.as_pointer()), [self.b.add(index, ir.Constant(I64_, lane))])
                row = self.b.shl(self.b.zext(self.b.load(at), I64_), ir.Constant(I64_, 2))
                place = self.b.gep(self.b.inttoptr(prices, DOUBLE.as_pointer()), [row])
                loaded = self.b.load(self.b.bitcast(place, FOUR.as_pointer()))
                loaded.align = 8
                rows.append(loaded)
            pairs = [self.mixed(rows[k], rows[k + 4], list(range(LANES))) for k in range(4)]
            even, odd = [0, 8, 2, 10, 4, 12, 6, 14], [1, 9, 3, 11, 5, 13, 7, 15]
            low, high = [0, 1, 8, 9, 4, 5, 12, 13], [2, 3, 10, 11, 6, 7, 14, 15]
            a, b = self.mixed(pairs[0], pairs[1], even), self.mixed(pairs[0], pairs[1], odd)
            c, d = self.mixed(pairs[2], pairs[3], even), self.mixed(pairs[2], pairs[3], odd)
            return [self.mixed(a, c, low), self.mixed(b, d, low), self.mixed(a, c, high), self.mixed(b, d, high)]

        def add_column(self, state: list[Any], amount: Any, prices: list[Any]) -> tuple[list[Any], Any]:
            """The four sums after one column, and a bit for each lane that is above what its row holds for."""
            value, total, required, cuts = state
            worth, need, most, cut = prices
            size = self.b.call(self.fabs, [amount])
            above = self.b.fcmp_ordered(">", size, most)
            need, cut = self.b.select(above, self.zero, need), self.b.select(above, self.zero, cut)
            gain = self.b.fmul(amount, worth)
            after = [
                self.b.fadd(value, gain),
                self.b.fadd(total, self.b.call(self.fabs, [gain])),
                self.b.fadd(required, self.b.fmul(size, need)),
                self.b.fadd(cuts, self.b.fmul(size, cut)),
            ]
            return after, self.b.bitcast(above, I8_)

        def add_columns(self, state: list[Any], found: Any, run: Any) -> tuple[list[Any], Any]:
            """A loop over columns with its sums in registers; ``run`` says where and of what kind they are."""
            kinds, amounts, number, first, count, prices, over = run
            b, before = self.b, self.b.block
            head, body, end = (b.function.append_basic_block(name) for name in ("head", "body", "end"))
            b.branch(head)
            b.position_at_end(head)
            column, seen = b.phi(I64_), b.phi(I8_)
            column.add_incoming(ir.Constant(I64_, 0), before)
            seen.add_incoming(found, before)
            kept = [b.phi(EIGHT) for _ in state]
            for one, start in zip(kept, state, strict=True):
                one.add_incoming(start, before)
            b.cbranch(b.icmp_signed("<", column, count), body, end)
            b.position_at_end(body)
            index = b.shl(b.add(first, column), ir.Constant(I64_, 3))
            amount = self.eight_at(amounts, index, number)
            if number is not DOUBLE:
                amount = b.sitofp(amount, EIGHT)
            after, mask = self.add_column(kept, amount, self.prices_of(prices, kinds, index))
            b.store(mask, b.gep(b.inttoptr(over, I8_.as_pointer()), [column]))
            for one, later in zip(kept, after, strict=True):
                one.add_incoming(later, body)
            seen.add_incoming(b.or_(seen, mask), body)
            column.add_incoming(b.add(column, ir.Constant(I64_, 1)), body)
            b.branch(head)
            b.position_at_end(end)
            return kept, seen

    @intrinsic
    def _eight(
        _context: Any, thing: Any, lots: Any, asset: Any, units: Any, base: Any, prices: Any, sums: Any, over: Any,
        first: Any, count: Any, first_asset: Any, count_asset: Any, block: Any,
    ) -> Any:  # fmt: skip
        def code(_context: Any, builder: Any, _signature: Any, given: Any) -> Any:
            (thing, lots, asset, units, base, prices, sums, over, first, count, first_asset, count_asset, block) = given
            w = _Writer(builder)
            start = w.eight_at(base, builder.shl(block, ir.Constant(I64_, 3)), DOUBLE)
            state = [start, builder.call(w.fabs, [start]), w.zero, w.zero]
            run = thing, lots, I32_, first, count, prices, over
            state, found = w.add_columns(state, ir.Constant(I8_, 0), run)
            run = asset, units, DOUBLE, first_asset, count_asset, prices, builder.add(over, count)
            state, found = w.add_columns(state, found, run)
            for k, total in enumerate(state):
                place = builder.add(sums, ir.Constant(I64_, 8 * LANES * k))
                builder.store(total, builder.inttoptr(place, EIGHT.as_pointer())).align = 8
            return builder.zext(found, I64_)

        return types.int64(*[types.uintp] * 8, *[types.int64] * 5), code

    @kernel
    def add_block(lanes: Lanes, block: int, prices: F64, sums: F64, over: I8) -> int:
        """Four sums for each of a block's eight pools; not 0 where a size is above what its row of prices holds for.

        Written to ``sums``: value (``VALUE``), the sum of the magnitudes of its terms (``SIZE``), requirement and cuts
        without the terms of such sizes, for which a bit of the lane is set in ``over``, by column. One pass over the
        block's columns: about 3 ns a column.

        Invariant: each sum is taken in the order of columns, so that the plain twin agrees in every bit. Cost: one pass
        over the block's columns, about 3 ns each.
        """
        return _eight(  # type: ignore[call-arg]
            lanes.thing.ctypes.data, lanes.lots.ctypes.data, lanes.asset.ctypes.data, lanes.units.ctypes.data,
            lanes.base.ctypes.data, prices.ctypes.data, sums.ctypes.data, over.ctypes.data,
            int(lanes.first[from_start(block)]), int(lanes.columns[from_start(block)]),
            int(lanes.first_asset[from_start(block)]), int(lanes.asset_columns[from_start(block)]), block,
        )  # fmt: skip

    @intrinsic
    def _verdicts(_context: Any, sums: Any, relative: Any, units: Any) -> Any:
        def code(_context: Any, builder: Any, _signature: Any, given: Any) -> Any:
            w, b = _Writer(builder), builder

            def place(k: int) -> Any:
                return b.inttoptr(b.add(given[0], ir.Constant(I64_, 8 * k)), EIGHT.as_pointer())

            def at(k: int) -> Any:
                loaded = b.load(place(k))
                loaded.align = 8
                return loaded

            def spread(number: Any) -> Any:
                one = b.insert_element(ir.Constant(EIGHT, ir.Undefined), number, ir.Constant(I32_, 0))
                return w.mixed(one, one, [0] * LANES)

            required, size = at(REQUIRED), at(SIZE)
            equity = b.fsub(at(VALUE), at(CUTS))
            b.store(equity, place(EQUITY)).align = 8
            total = b.fadd(b.fadd(size, size), required)
            bound = b.fadd(b.fmul(spread(given[1]), total), spread(given[2]))
            proved = b.fcmp_ordered(">", b.fsub(equity, required), bound)
            return b.zext(b.bitcast(b.not_(proved), I8_), I64_)

        return types.int64(types.uintp, types.float64, types.float64), code

    @kernel
    def verdicts(sums: F64, relative: float, units: float) -> int:
        """Margin equity of eight pools, to ``sums``, and a bit for each whose surplus is not above its bound.

        The bound is ``relative`` × (2 × SIZE + REQUIRED) + ``units``. About 2 ns.

        Invariant: not a number is not proved. Cost: about 2 ns.
        """
        return _verdicts(sums.ctypes.data, relative, units)  # type: ignore[call-arg]

else:
    add_block = add_block_plainly
    verdicts = verdicts_plainly
