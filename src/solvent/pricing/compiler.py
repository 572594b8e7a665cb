"""The compiler's door for option kernels: imported only when a large batch asks for one.

``NUMBA_DISABLE_JIT=1`` switches it off, as for every kernel of this project; the same functions then run on whole
arrays. Compiled code is kept beside the engine's, under a folder named by a hash of the sources here, so that neither
invalidates the other.
"""

from __future__ import annotations

import hashlib
import os
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from importlib import metadata
from pathlib import Path
from typing import Any, TypeVar, cast

import numba
from numba.core import types
from numba.extending import intrinsic, overload, register_jitable

from solvent.pricing import elementary

F = TypeVar("F", bound=Callable[..., Any])
FOLDER = Path(__file__).parent
SWITCHES = ("NUMBA_BOUNDSCHECK", "NUMBA_OPT", "NUMBA_CPU_NAME", "NUMBA_CPU_FEATURES")
# Everything but reassociation, which would undo the two-part constants of the reductions.
FAST = {"contract", "nsz", "arcp", "nnan", "ninf", "afn"}
COMPILED = not numba.config.DISABLE_JIT  # type: ignore[attr-defined]


def fingerprint() -> str:
    """Hash of the sources of ``pricing``, of numba's and NumPy's version, and of numba's settings."""
    digest = hashlib.blake2b(digest_size=10)
    for path in sorted(FOLDER.glob("*.py")):
        digest.update(f"{path.name}\0".encode() + path.read_bytes())
    for package in ("numba", "numpy"):
        digest.update(f"{package} {metadata.version(package)}\0".encode())
    for switch in SWITCHES:
        digest.update(f"{switch}={os.environ.get(switch, '')}\0".encode())
    return digest.hexdigest()


def cache_folder() -> Path:
    """Where compiled kernels are kept: under NUMBA_CACHE_DIR, else the user's cache, else a temporary folder."""
    name = f"solvent-pricing-{fingerprint()}"
    given = os.environ.get("NUMBA_CACHE_DIR", "")
    if given:
        base = Path(given)
        return (base.parent if base.name.startswith("solvent-") else base) / name
    given = os.environ.get("XDG_CACHE_HOME", "")
    folder = (Path(given) if given else Path("~/.cache").expanduser()) / "solvent" / name
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=folder):
            return folder
    except OSError:
        user = os.getuid() if hasattr(os, "getuid") else 0
        return Path(tempfile.gettempdir()) / f"solvent-{user}" / name


@contextmanager
def _own_cache() -> Iterator[None]:
    """Numba's cache folder is ours while a kernel is declared; afterwards it is whose it was."""
    before = numba.config.CACHE_DIR  # type: ignore[attr-defined]
    numba.config.CACHE_DIR = str(cache_folder())  # type: ignore[attr-defined]
    try:
        yield
    finally:
        numba.config.CACHE_DIR = before  # type: ignore[attr-defined]


def kernel(function: F) -> F:
    """Compile a loop over arrays of options; without the compiler it is the function itself.

    >>> @kernel
    ... def doubled(x: float) -> float:
    ...     return 2 * x
    >>> doubled(2.0)
    4.0
    """
    if not COMPILED:
        return function
    options: dict[str, Any] = {"error_model": "numpy", "fastmath": FAST, "nogil": True}
    with _own_cache():
        return cast("F", numba.njit(**options, cache=Path(function.__code__.co_filename).is_file())(function))


if COMPILED:

    @intrinsic
    def _bits(_context: Any, x: Any) -> Any:  # noqa: ARG001
        def code(context: Any, builder: Any, _signature: Any, arguments: Any) -> Any:
            return builder.bitcast(arguments[0], context.get_value_type(types.int64))

        return types.int64(types.float64), code

    @intrinsic
    def _of_bits(_context: Any, i: Any) -> Any:  # noqa: ARG001
        def code(context: Any, builder: Any, _signature: Any, arguments: Any) -> Any:
            return builder.bitcast(arguments[0], context.get_value_type(types.float64))

        return types.float64(types.int64), code

    @overload(elementary.bits, inline="always")
    def _bits_overload(x: Any) -> Any:  # noqa: ARG001 - numba asks for the same names
        def body(x: Any) -> Any:
            return _bits(x)  # type: ignore[call-arg]

        return body

    @overload(elementary.of_bits, inline="always")
    def _of_bits_overload(i: Any) -> Any:  # noqa: ARG001
        def body(i: Any) -> Any:
            return _of_bits(i)  # type: ignore[call-arg]

        return body

    for _function in (
        elementary.fast_exp,
        elementary.fast_log,
        elementary.tail_polynomial,
        elementary.scaled_erfc,
        elementary.normal_given,
        elementary.normal,
    ):
        register_jitable(inline="always", fastmath=FAST, error_model="numpy")(_function)
