"""Work that the assessments of one question share: a what-if asks the same pool at several purposes.

Nothing is kept when the question is answered. What is shared must depend on its arguments alone; they are told apart by
identity, which is safe because they are held as long as what was made of them.
"""

from __future__ import annotations

from collections.abc import Callable
from contextvars import ContextVar
from functools import wraps
from typing import Any, ParamSpec, TypeVar

P = ParamSpec("P")
R = TypeVar("R")

_kept: ContextVar[dict[tuple[int, ...], tuple[Any, ...]] | None] = ContextVar("kept", default=None)


def one_question(verb: Callable[P, R]) -> Callable[P, R]:
    """Let everything that a verb calls share its work; a verb inside another one shares with it."""

    @wraps(verb)
    def asked(*args: P.args, **kwargs: P.kwargs) -> R:
        if _kept.get() is not None:
            return verb(*args, **kwargs)
        token = _kept.set({})
        try:
            return verb(*args, **kwargs)
        finally:
            _kept.reset(token)

    return asked


def once(make: Callable[..., R], *parts: object) -> R:
    """``make(*parts)``, made once for the same objects within one question; always made outside of one.

    Examples
    --------
    >>> made = []
    >>> def note(part: str) -> str:
    ...     made.append(part)
    ...     return part.upper()
    >>> @one_question
    ... def twice(part: str) -> str:
    ...     return once(note, part) + once(note, part)
    >>> twice("a"), made
    ('AA', ['a'])

    """
    kept = _kept.get()
    if kept is None:
        return make(*parts)
    key = (id(make), *map(id, parts))
    found = kept.get(key)
    if found is None:
        found = kept[key] = (make, parts, make(*parts))
    result: R = found[2]
    return result
