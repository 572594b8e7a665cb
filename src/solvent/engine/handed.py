"""A named tuple of arrays as kernels see it: one address, where the compiler would copy every array at every call."""

# mypy: disable-error-code="no-untyped-call"
# The compiler has no types.

from __future__ import annotations

import hashlib
from typing import Any, TypeVar

from solvent.engine.jit import COMPILED

R = TypeVar("R", bound=Any)
BEFORE_DATA = 4  # words of numba's array before the place of its items, which its shape follows


if COMPILED:
    from llvmlite import ir
    from numba.core import cgutils, types
    from numba.core.imputils import impl_ret_borrowed
    from numba.core.typing.templates import AttributeTemplate
    from numba.extending import (
        NativeValue,
        infer_getattr,
        lower_getattr_generic,
        models,
        register_model,
        typeof_impl,
        unbox,
    )
    from numba.np.arrayobj import populate_array

    class _HandedType(types.Type):
        """Where the places and shapes of named arrays stand: as many words for each, the place and then the shape."""

        def __init__(self, name: str, fields: tuple[tuple[str, Any], ...]) -> None:
            for field, array in fields:
                if not isinstance(array, types.Array) or array.layout != "C":
                    raise TypeError(f"{name}.{field} must be an array in C order, not {array}")
            self.arrays = dict(fields)
            self.words = 1 + max(array.ndim for _, array in fields)
            self.first_word = {field: number * self.words for number, (field, _) in enumerate(fields)}
            mark = hashlib.blake2b(repr(fields).encode(), digest_size=4).hexdigest()
            super().__init__(f"{name}.{mark}")

    @register_model(_HandedType)
    class _HandedModel(models.PrimitiveModel):
        def __init__(self, known: Any, kind: Any) -> None:
            super().__init__(known, kind, ir.IntType(64).as_pointer())

    @unbox(_HandedType)
    def _unbox(kind: Any, record: Any, c: Any) -> Any:
        """The addresses and shapes of the arrays, on the stack of whoever calls from Python."""
        word, builder = ir.IntType(64), c.builder
        count = ir.Constant(word, len(kind.arrays))
        head = cgutils.alloca_once(builder, word, size=len(kind.arrays) * kind.words)
        found = cgutils.alloca_once(builder, word, size=BEFORE_DATA + 2 * kind.words)
        failed = cgutils.alloca_once_value(builder, ir.Constant(ir.IntType(32), 0))
        kind_of_item = ir.FunctionType(c.pyapi.pyobj, [c.pyapi.pyobj, word])
        item_of = cgutils.get_or_insert_function(builder.module, kind_of_item, "PyTuple_GetItem")
        # A loop, not a copy of the same for each array: every kernel has one of these to compile.
        with cgutils.for_range(builder, count) as loop:
            array = builder.call(item_of, [record, loop.index])
            error = c.pyapi.numba_array_adaptor(array, builder.bitcast(found, c.pyapi.voidptr))
            builder.store(builder.or_(builder.load(failed), error), failed)
            to = builder.mul(loop.index, ir.Constant(word, kind.words))
            for k in range(kind.words):
                read = builder.load(cgutils.gep_inbounds(builder, found, BEFORE_DATA + k))
                builder.store(read, builder.gep(head, [builder.add(to, ir.Constant(word, k))]))
        return NativeValue(head, is_error=cgutils.is_not_null(builder, builder.load(failed)))

    @infer_getattr
    class _HandedAttributes(AttributeTemplate):
        key = _HandedType

        def generic_resolve(self, kind: Any, name: str) -> Any:  # type: ignore[override]
            return kind.arrays.get(name)

    @lower_getattr_generic(_HandedType)
    def _array_of(context: Any, builder: Any, kind: Any, head: Any, name: str) -> Any:
        """One of the arrays; nothing in the head ever changes while a kernel runs, so that it is read once."""
        array = kind.arrays[name]

        def word(k: int) -> Any:
            read = builder.load(cgutils.gep_inbounds(builder, head, kind.first_word[name] + k))
            read.set_metadata("invariant.load", builder.module.add_metadata([]))
            return read

        made = context.make_array(array)(context, builder)
        size = context.get_abi_sizeof(context.get_data_type(array.dtype))
        if isinstance(array.dtype, types.Record):
            size = array.dtype.size
        shape = [word(1 + k) for k in range(array.ndim)]
        strides = [ir.Constant(ir.IntType(64), size)]
        for length in reversed(shape[1:]):
            strides.insert(0, builder.mul(length, strides[0]))
        populate_array(
            made,
            data=builder.inttoptr(word(0), context.get_data_type(array.dtype).as_pointer()),
            shape=shape, strides=strides, itemsize=size, meminfo=None, parent=None,
        )  # fmt: skip
        return impl_ret_borrowed(context, builder, array, made._getvalue())  # noqa: SLF001 - numba's own way to a value


def handed(record: type[R]) -> type[R]:
    """Hand a named tuple of arrays to kernels as one address instead of copying it, array by array, at every call.

    All arrays must be in C order. The tuple itself stays what it is for everybody else, and for the compiler switched
    off.
    """
    if COMPILED:

        @typeof_impl.register(record)
        def _typeof(value: Any, context: Any) -> Any:
            fields = tuple((name, typeof_impl(array, context)) for name, array in value._asdict().items())
            return _HandedType(record.__name__, fields)

    return record
