"""The compiler's door: kernels are numba's when it is on and plain Python when ``NUMBA_DISABLE_JIT=1``.

Compiled code is kept under a folder named by a hash of every source it depends on, because numba itself only looks at
the one file a kernel stands in. The functions of :mod:`solvent.ledger` are not copied: kernels call the same objects.
Importing this module imports numba; nothing outside ``engine`` should do so before a kernel is needed.
"""

from __future__ import annotations

import hashlib
import os
import sys
import tempfile
from collections.abc import Callable
from functools import cache
from importlib import metadata
from pathlib import Path
from typing import Any, TypeVar, cast

from solvent import ledger

F = TypeVar("F", bound=Callable[..., Any])
FOLDER = Path(__file__).parent
# A kernel neither makes nor keeps an array, so it counts no references: counting 24 arrays a call costs 20 × the rest.
OPTIONS: dict[str, Any] = {"error_model": "numpy", "nogil": True, "_nrt": False, "no_cfunc_wrapper": True}
# Settings that change what is compiled without changing a source.
SWITCHES = ("NUMBA_BOUNDSCHECK", "NUMBA_OPT", "NUMBA_CPU_NAME", "NUMBA_CPU_FEATURES")


def fingerprint() -> str:
    """Hash of the sources of ``engine`` and ``ledger``, of numba's and NumPy's version, and of numba's settings."""
    digest = hashlib.blake2b(digest_size=10)
    for path in sorted([*FOLDER.glob("*.py"), *(FOLDER.parent / "ledger").glob("*.py")]):
        digest.update(f"{path.parent.name}/{path.name}\0".encode() + path.read_bytes())
    for package in ("numba", "numpy"):
        digest.update(f"{package} {metadata.version(package)}\0".encode())
    for switch in SWITCHES:
        digest.update(f"{switch}={os.environ.get(switch, '')}\0".encode())
    return digest.hexdigest()


def _usable(folder: Path) -> bool:
    """Whether the folder is there, or can be made, and takes files."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=folder):
            return True
    except OSError:
        return False


def cache_folder() -> Path:
    """Where compiled kernels are kept: under NUMBA_CACHE_DIR, else the user's cache, else a temporary folder."""
    name = f"solvent-{fingerprint()}"
    given = os.environ.get("NUMBA_CACHE_DIR", "")
    if given:
        base = Path(given)
        return base if base.name == name else (base.parent if base.name.startswith("solvent-") else base) / name
    given = os.environ.get("XDG_CACHE_HOME", "")
    folder = (Path(given) if given else Path("~/.cache").expanduser()) / "solvent" / name
    if _usable(folder):
        return folder
    return Path(tempfile.gettempdir()) / f"solvent-{os.getuid() if hasattr(os, 'getuid') else 0}" / name


CACHE = cache_folder()
os.environ["NUMBA_CACHE_DIR"] = str(CACHE)

import numba  # noqa: E402 - the folder above is read when numba is imported
from llvmlite import ir  # noqa: E402
from numba.core import cgutils, types  # noqa: E402
from numba.extending import intrinsic, overload, register_jitable  # noqa: E402

numba.config.CACHE_DIR = str(CACHE)  # type: ignore[attr-defined]  # where numba was imported before us
COMPILED = not numba.config.DISABLE_JIT  # type: ignore[attr-defined]
KERNELS: list[Any] = []  # every kernel made, in order
_FUNCTIONS = [one for one in vars(ledger).values() if callable(one)]

if COMPILED:
    for _function in _FUNCTIONS:
        register_jitable(**OPTIONS)(_function)


def kernel(function: F) -> F:
    """Compile a function over the tables: it holds no lock, divides by hardware, and is cached on disk.

    Examples
    --------
    >>> @kernel
    ... def twice(units: int) -> int:
    ...     return 2 * units
    >>> int(twice(21))
    42

    """
    if not COMPILED:
        return function
    # A function without a file (typed at a prompt) cannot be cached.
    compiled = numba.njit(**OPTIONS, cache=Path(function.__code__.co_filename).is_file())(function)
    KERNELS.append(compiled)
    chosen = compiled.get_call_template
    compiled.get_call_template = lambda places, names: chosen(tuple(map(widened, places)), names)
    return cast("F", compiled)


def widened(place: Any) -> Any:
    """The type a kernel is compiled for where another kernel calls it: one for all integers, so that it is once."""
    place = types.unliteral(place)  # type: ignore[no-untyped-call]
    signed = isinstance(place, types.Integer) and bool(getattr(place, "signed", False))
    return types.int64 if signed else place


def plainly(compiled: F) -> F:
    """The Python that a kernel is compiled from: for small work, where handing the tables over costs more.

    >>> plainly(prefetch) is prefetch
    True
    """
    return cast("F", getattr(compiled, "py_func", compiled))


@cache
def say_if_cold() -> bool:
    """On the first run on a machine, say on stderr, once, that kernels are being compiled; whether it was said."""
    if not COMPILED or any(CACHE.rglob("*.nbc")):
        return False
    print("solvent: compiling its kernels; this happens once on a machine and takes about a minute.", file=sys.stderr)  # noqa: T201
    return True


def prefetch(array: Any, index: int) -> None:
    """Ask for the memory where ``array[index]`` begins: a hint that changes nothing, nothing without the compiler."""


def prefetch_row(array: Any, index: int) -> None:
    """Ask for the memory of a row that is longer than a line of memory, its beginning and its end: a hint likewise."""


def from_start(index: int) -> int:
    """An index that is known not to be negative, so that nothing is spent on counting from the end; use it as no more.

    >>> from_start(3)
    3
    """
    return index


if COMPILED:

    @intrinsic
    def _unsigned(_context: Any, index: Any) -> Any:
        def code(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
            return context.cast(builder, arguments[0], signature.args[0], types.uintp)

        return types.uintp(index), code

    @overload(from_start)
    def _from_start_overload(index):  # type: ignore[no-untyped-def]  # noqa: ANN001, ANN202, ARG001 - numba compares both
        def body(index):  # type: ignore[no-untyped-def]  # noqa: ANN001, ANN202
            return _unsigned(index)  # type: ignore[call-arg]

        return body

    @intrinsic
    def _prefetch(_context: Any, _address: Any) -> Any:
        def code(context: Any, builder: Any, _signature: Any, arguments: Any) -> Any:
            byte, word = ir.IntType(8).as_pointer(), ir.IntType(32)
            kind = ir.FunctionType(ir.VoidType(), [byte, word, word, word])
            target = cgutils.get_or_insert_function(builder.module, kind, "llvm.prefetch.p0")  # type: ignore[no-untyped-call]
            builder.call(target, [builder.inttoptr(arguments[0], byte), word(1), word(3), word(1)])
            return context.get_dummy_value()

        return types.void(types.uintp), code

    def _width(array: Any) -> int:
        return int(array.dtype.size if isinstance(array.dtype, types.Record) else array.dtype.bitwidth // 8)

    @overload(prefetch)
    def _prefetch_overload(array: Any, index: int) -> Any:  # noqa: ARG001 - numba asks for the same names
        width = _width(array)

        def body(array: Any, index: int) -> None:
            _prefetch(array.ctypes.data + index * width)  # type: ignore[call-arg]

        return body

    @overload(prefetch_row)
    def _prefetch_row_overload(array: Any, index: int) -> Any:  # noqa: ARG001 - numba asks for the same names
        width = _width(array)
        last = width - 1

        def body(array: Any, index: int) -> None:
            _prefetch(array.ctypes.data + index * width)  # type: ignore[call-arg]
            _prefetch(array.ctypes.data + index * width + last)

        return body
