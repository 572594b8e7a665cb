"""Option portfolios, thirty-two columns at a time: positions × rows of whole numbers, in vectors and in plain Python.

What is summed is described in :mod:`solvent.margin.scenario.quantised`. A block of the matrix holds thirty-two numbers
for every row: the only kind of thirty-two columns where everything nets, else all four kinds of eight columns. For
each position: load the block's row, multiply by its lots, add; the sums stay in registers. The compiler finds no
vectors in the plain loop (its sums could overlap the matrix in memory for all it knows), so that the loop is also
written in the compiler's own vectors of eight. All are 64-bit integers that cannot overflow
(:meth:`~solvent.engine.scenario_table.ScenarioTable.judge`), so that both agree whatever the order.
"""

# mypy: disable-error-code="no-untyped-call"
# ruff: noqa: ARG001
# The compiler has no types, and gives the values of an intrinsic's parameters to its code.

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from solvent.engine.jit import COMPILED, kernel
from solvent.engine.tables import I32, I64

I8 = npt.NDArray[np.int8]
F64 = npt.NDArray[np.float64]
LANES = 8
BLOCK = 32  # numbers of a row in a block of the matrix
VECTORS = BLOCK // LANES
NOWHERE = BLOCK
LEAST, PLACE, CHARGE, VALUE = range(4)  # what is told of one block alone
EXACT_IN_FLOATS = 1 << 53


@kernel
def add_netted_plainly(row: I32, size: I64, matrix: I64, block: int, first: int, stop: int, sums: I64, at: int) -> None:
    """Sums of positions ``first`` … ``stop`` over a block that starts at ``matrix[block]``, to ``sums[at:at + 32]``.

    Invariant: whole numbers, exact; other columns are left as they are. Cost: one product a position and column.
    """
    for lane in range(BLOCK):
        sums[at + lane] = 0
    for e in range(first, stop):
        start, lots = block + BLOCK * row[e], size[e]
        for lane in range(BLOCK):
            sums[at + lane] += lots * matrix[start + lane]


@kernel
def add_folded_plainly(row: I32, size: I64, matrix: I64, block: int, first: int, stop: int, sums: I64, at: int) -> None:
    """Of a segment's positions the sums A, B, C, D of eight columns; min(A, B, max(C, D)) is added to ``sums[at:]``.

    Invariant: whole numbers, exact; each segment adds at most the lesser of its first two sums. Cost: four products a
    position and column.
    """
    for lane in range(LANES):
        a, b, c, d = 0, 0, 0, 0
        for e in range(first, stop):
            start, lots = block + BLOCK * row[e] + lane, size[e]
            a += lots * matrix[start]
            b += lots * matrix[start + LANES]
            c += lots * matrix[start + 2 * LANES]
            d += lots * matrix[start + 3 * LANES]
        sums[at + lane] += min(min(a, b), max(c, d))  # noqa: PLW3301 - the compiler's minimum takes two


@kernel
def add_netted_in_floats_plainly(
    row: I32, lots: F64, matrix: F64, block: int, first: int, stop: int, sums: I64, at: int
) -> None:
    """:func:`add_netted_plainly` with whole numbers in floats.

    Invariant: every sum is a whole number that a float holds exactly, so that nothing is rounded. Cost: one product a
    position and column.
    """
    for lane in range(BLOCK):
        total = 0.0
        for e in range(first, stop):
            total += lots[e] * matrix[block + BLOCK * row[e] + lane]
        sums[at + lane] = int(total)


@kernel
def add_folded_in_floats_plainly(
    row: I32, lots: F64, matrix: F64, block: int, first: int, stop: int, sums: I64, at: int
) -> None:
    """:func:`add_folded_plainly` with whole numbers in floats.

    Invariant: every sum is a whole number that a float holds exactly, so that nothing is rounded. Cost: four products a
    position and column.
    """
    for lane in range(LANES):
        a, b, c, d = 0.0, 0.0, 0.0, 0.0
        for e in range(first, stop):
            start, count = block + BLOCK * row[e] + lane, lots[e]
            a += count * matrix[start]
            b += count * matrix[start + LANES]
            c += count * matrix[start + 2 * LANES]
            d += count * matrix[start + 3 * LANES]
        sums[at + lane] += int(min(min(a, b), max(c, d)))  # noqa: PLW3301 - the compiler's minimum takes two


@kernel
def least_plainly(sums: I64, at: int, keep: int, value: int) -> int:
    """The least of ``sums[at:at + 32]``, where ``value`` stands for those from ``keep`` on.

    Invariant: never above ``value``. Cost: a comparison a column.
    """
    least = value
    for lane in range(min(keep, BLOCK)):
        least = min(least, sums[at + lane])
    return least


@kernel
def place_plainly(sums: I64, at: int, least: int) -> int:
    """The first of ``sums[at:at + 32]`` that is ``least``; 32 where none is.

    Invariant: nothing is changed. Cost: a comparison a column, up to the first that is equal.
    """
    for lane in range(BLOCK):
        if sums[at + lane] == least:
            return lane
    return NOWHERE


@kernel
def sum_alone_plainly(row: I32, lots: F64, matrix: F64, first: int, stop: int, sums: I64) -> None:
    """A matrix of one block, from its first number on: the least column and its place, the charge and the value.

    Written to ``sums`` (``LEAST`` …); the place is that of the first column that is least. Invariant: whole numbers, so
    the order of positions changes none. Cost: every position's row once.
    """
    add_netted_in_floats_plainly(row, lots, matrix, 0, first, stop, sums, 0)
    charge, value = sums[BLOCK - 2], sums[BLOCK - 1]
    sums[BLOCK - 2] = value
    least = least_plainly(sums, 0, BLOCK - 2, value)
    place = place_plainly(sums, 0, least)
    sums[LEAST], sums[PLACE], sums[CHARGE], sums[VALUE] = least, place, charge, value


if COMPILED:
    from llvmlite import ir
    from numba.core import cgutils, types
    from numba.extending import intrinsic

    I64_, I32_ = ir.IntType(64), ir.IntType(32)
    DOUBLE = ir.DoubleType()
    EIGHT, EIGHT_DOUBLES = ir.VectorType(I64_, LANES), ir.VectorType(DOUBLE, LANES)

    class _Writer:
        """Writes vector code at the place where it is called."""

        def __init__(self, builder: Any) -> None:
            self.b = builder

        def place(self, address: Any, index: Any, kind: Any = I64_) -> Any:
            """Eight numbers of an array."""
            at = self.b.gep(self.b.inttoptr(address, kind.as_pointer()), [index])
            return self.b.bitcast(at, ir.VectorType(kind, LANES).as_pointer())

        def load(self, address: Any, index: Any, vector: int, kind: Any = I64_) -> Any:
            loaded = self.b.load(self.place(address, self.b.add(index, ir.Constant(I64_, LANES * vector)), kind))
            loaded.align = 8
            return loaded

        def store(self, numbers: Any, address: Any, index: Any, vector: int = 0) -> None:
            self.b.store(numbers, self.place(address, self.b.add(index, ir.Constant(I64_, LANES * vector)))).align = 8

        def spread(self, number: Any) -> Any:
            kind = ir.VectorType(number.type, LANES)
            one = self.b.insert_element(ir.Constant(kind, ir.Undefined), number, ir.Constant(I32_, 0))
            return self.b.shuffle_vector(one, one, ir.Constant(ir.VectorType(I32_, LANES), [0] * LANES))

        def less(self, x: Any, y: Any) -> Any:
            return self.b.select(self.b.icmp_signed("<", x, y), x, y)

        def more(self, x: Any, y: Any) -> Any:
            return self.b.select(self.b.icmp_signed(">", x, y), x, y)

        def run(self, given: Any, kind: Any) -> list[Any]:
            """The loop over positions: four vectors of sums, kept in registers and given as integers."""
            row, size, matrix, block, first, stop = given
            b, before, floats = self.b, self.b.block, kind is DOUBLE
            head, body, end = (b.function.append_basic_block(name) for name in ("head", "body", "end"))
            b.branch(head)
            b.position_at_end(head)
            e = b.phi(I64_)
            e.add_incoming(first, before)
            eight = EIGHT_DOUBLES if floats else EIGHT
            sums = [b.phi(eight) for _ in range(VECTORS)]
            for one in sums:
                one.add_incoming(ir.Constant(eight, [0.0 if floats else 0] * LANES), before)
            b.cbranch(b.icmp_signed("<", e, stop), body, end)
            b.position_at_end(body)
            number = b.sext(b.load(b.gep(b.inttoptr(row, I32_.as_pointer()), [e])), I64_)
            lots = self.spread(b.load(b.gep(b.inttoptr(size, kind.as_pointer()), [e])))
            at = b.add(block, b.shl(number, ir.Constant(I64_, 5)))
            for k, one in enumerate(sums):
                taken = self.load(matrix, at, k, kind)
                later = self.multiplied(lots, taken, one) if floats else b.add(one, b.mul(lots, taken))
                one.add_incoming(later, body)
            e.add_incoming(b.add(e, ir.Constant(I64_, 1)), body)
            b.branch(head)
            b.position_at_end(end)
            return [b.fptosi(one, EIGHT) for one in sums] if floats else list(sums)

        def multiplied(self, x: Any, y: Any, z: Any) -> Any:
            """x × y + z, fused where the processor can: nothing is rounded either way."""
            kind = ir.FunctionType(EIGHT_DOUBLES, [EIGHT_DOUBLES] * 3)
            fused = cgutils.get_or_insert_function(self.b.module, kind, f"llvm.fmuladd.v{LANES}f64")
            return self.b.call(fused, [x, y, z])

        def reduced(self, eight: Any) -> Any:
            """The least of eight."""
            width = LANES
            while width > 1:
                width //= 2
                turned = ir.Constant(ir.VectorType(I32_, LANES), [(lane + width) % LANES for lane in range(LANES)])
                eight = self.less(eight, self.b.shuffle_vector(eight, eight, turned))
            return self.b.extract_element(eight, ir.Constant(I32_, 0))

        def first(self, vectors: list[Any], number: Any) -> Any:
            """The first place of a block that is ``number``; 32 where none is."""
            b, mask = self.b, ir.Constant(I64_, 1 << BLOCK)
            for k, eight in enumerate(vectors):
                same = b.icmp_signed("==", eight, self.spread(number))
                bits = b.zext(b.bitcast(same, ir.IntType(8)), I64_)
                mask = b.or_(mask, b.shl(bits, ir.Constant(I64_, LANES * k)))
            kind = ir.FunctionType(I64_, [I64_, ir.IntType(1)])
            count = cgutils.get_or_insert_function(b.module, kind, "llvm.cttz.i64")
            return b.call(count, [mask, ir.Constant(ir.IntType(1), 1)])

    RUN = (*[types.uintp] * 3, *[types.int64] * 3, types.uintp, types.int64)

    def _adder(kind: Any, folded: bool) -> Any:
        """An intrinsic that adds a run of positions, of integers or of doubles, as it is or folded."""

        @intrinsic
        def add(
            _context: Any, row: Any, size: Any, matrix: Any, block: Any, first: Any, stop: Any, sums: Any, at: Any
        ) -> Any:
            def code(context: Any, builder: Any, _signature: Any, given: Any) -> Any:
                w = _Writer(builder)
                found = w.run(given[:6], kind)
                if folded:
                    a, b, c, d = found
                    least = w.less(w.less(a, b), w.more(c, d))
                    w.store(builder.add(w.load(given[6], given[7], 0), least), given[6], given[7])
                else:
                    for k, one in enumerate(found):
                        w.store(one, given[6], given[7], k)
                return context.get_dummy_value()

            return types.void(*RUN), code

        return add

    _netted, _folded = _adder(I64_, False), _adder(I64_, True)
    _netted_in_floats, _folded_in_floats = _adder(DOUBLE, False), _adder(DOUBLE, True)

    @intrinsic
    def _alone(_context: Any, row: Any, lots: Any, matrix: Any, first: Any, stop: Any, sums: Any) -> Any:
        def code(context: Any, builder: Any, _signature: Any, given: Any) -> Any:
            w, b = _Writer(builder), builder
            row, lots, matrix, first, stop, told = given
            found = w.run((row, lots, matrix, ir.Constant(I64_, 0), first, stop), DOUBLE)
            charge, value = (b.extract_element(found[-1], ir.Constant(I32_, lane)) for lane in (LANES - 2, LANES - 1))
            places = [*range(LANES - 2), LANES - 1, LANES - 1]  # the value stands for the charge
            found[-1] = b.shuffle_vector(found[-1], found[-1], ir.Constant(ir.VectorType(I32_, LANES), places))
            least = w.reduced(w.less(w.less(found[0], found[1]), w.less(found[2], found[3])))
            for place, number in ((LEAST, least), (PLACE, w.first(found, least)), (CHARGE, charge), (VALUE, value)):
                b.store(number, b.gep(b.inttoptr(told, I64_.as_pointer()), [ir.Constant(I64_, place)]))
            return context.get_dummy_value()

        return types.void(*[types.uintp] * 3, *[types.int64] * 2, types.uintp), code

    @intrinsic
    def _least(_context: Any, sums: Any, at: Any, keep: Any, value: Any) -> Any:
        def code(_context: Any, builder: Any, _signature: Any, given: Any) -> Any:
            w, b = _Writer(builder), builder
            sums, at, keep, value = given
            spread, least = w.spread(value), w.spread(value)
            for k in range(VECTORS):
                lanes = ir.Constant(EIGHT, [LANES * k + lane for lane in range(LANES)])
                kept = b.icmp_signed("<", lanes, w.spread(keep))
                least = w.less(least, b.select(kept, w.load(sums, at, k), spread))
            return w.reduced(least)

        return types.int64(types.uintp, *[types.int64] * 3), code

    @intrinsic
    def _place(_context: Any, sums: Any, at: Any, least: Any) -> Any:
        def code(_context: Any, builder: Any, _signature: Any, given: Any) -> Any:
            w = _Writer(builder)
            return w.first([w.load(given[0], given[1], k) for k in range(VECTORS)], given[2])

        return types.int64(types.uintp, types.int64, types.int64), code

    @kernel
    def add_netted(row: I32, size: I64, matrix: I64, block: int, first: int, stop: int, sums: I64, at: int) -> None:
        """The vector twin of :func:`add_netted_plainly`.

        Invariant: the same numbers as :func:`add_netted_plainly`. Cost: a block of columns in vectors a position.
        """
        _netted(row.ctypes.data, size.ctypes.data, matrix.ctypes.data, block, first, stop, sums.ctypes.data, at)

    @kernel
    def add_folded(row: I32, size: I64, matrix: I64, block: int, first: int, stop: int, sums: I64, at: int) -> None:
        """The vector twin of :func:`add_folded_plainly`.

        Invariant: the same numbers as :func:`add_folded_plainly`. Cost: a block of columns in vectors a position.
        """
        _folded(row.ctypes.data, size.ctypes.data, matrix.ctypes.data, block, first, stop, sums.ctypes.data, at)

    @kernel
    def add_netted_in_floats(
        row: I32, lots: F64, matrix: F64, block: int, first: int, stop: int, sums: I64, at: int
    ) -> None:
        """The vector twin of :func:`add_netted_in_floats_plainly`.

        Invariant: the same numbers as :func:`add_netted_in_floats_plainly`. Cost: a block of columns in vectors a
        position.
        """
        _netted_in_floats(
            row.ctypes.data, lots.ctypes.data, matrix.ctypes.data, block, first, stop, sums.ctypes.data, at
        )

    @kernel
    def add_folded_in_floats(
        row: I32, lots: F64, matrix: F64, block: int, first: int, stop: int, sums: I64, at: int
    ) -> None:
        """The vector twin of :func:`add_folded_in_floats_plainly`.

        Invariant: the same numbers as :func:`add_folded_in_floats_plainly`. Cost: a block of columns in vectors a
        position.
        """
        _folded_in_floats(
            row.ctypes.data, lots.ctypes.data, matrix.ctypes.data, block, first, stop, sums.ctypes.data, at
        )

    @kernel
    def sum_alone(row: I32, lots: F64, matrix: F64, first: int, stop: int, sums: I64) -> None:
        """The vector twin of :func:`sum_alone_plainly`, which leaves the rest of ``sums`` as it was.

        Invariant: the same four numbers as :func:`sum_alone_plainly`. Cost: each position's row once, in registers.
        """
        _alone(row.ctypes.data, lots.ctypes.data, matrix.ctypes.data, first, stop, sums.ctypes.data)  # type: ignore[call-arg]

    @kernel
    def least_of(sums: I64, at: int, keep: int, value: int) -> int:
        """The vector twin of :func:`least_plainly`.

        Invariant: the same number as :func:`least_plainly`. Cost: a block of columns in vectors.
        """
        return _least(sums.ctypes.data, at, keep, value)  # type: ignore[call-arg]

    @kernel
    def place_of(sums: I64, at: int, least: int) -> int:
        """The vector twin of :func:`place_plainly`.

        Invariant: the same place as :func:`place_plainly`. Cost: a block of columns in vectors.
        """
        return _place(sums.ctypes.data, at, least)  # type: ignore[call-arg]

else:
    add_netted, add_folded = add_netted_plainly, add_folded_plainly
    add_netted_in_floats, add_folded_in_floats = add_netted_in_floats_plainly, add_folded_in_floats_plainly
    least_of, place_of, sum_alone = least_plainly, place_plainly, sum_alone_plainly
