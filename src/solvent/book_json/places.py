"""Where and what: turns a decoder's complaint into a :class:`BookFileError` with the full path and the value there.

Only a refused file comes this way, so it may take its time: the file is decoded once more without types, and where the
decoder hides the name of an object's member ("[...]") the members are halved until one is left.
"""

from __future__ import annotations

import enum
import re
import types
from typing import Any, Literal, Union, get_args, get_origin

import msgspec

from solvent.book import PriceState
from solvent.book_json import forms
from solvent.book_json.errors import BookFileError

Decoder = msgspec.json.Decoder[forms.FileForm]

_WHERE = re.compile(r" - at (`key` in )?`\$?(.*)`$")
_STEP = re.compile(r"\.?([^.\[\]]+)|\[([0-9]+|\.\.\.)\]")
_MISSING = re.compile(r"^Object missing required field `(.*)`")
_UNKNOWN = re.compile(r"^Object contains unknown field `(.*)`")
_TYPES = re.compile(r"^Expected `(.*)`, got `(.*)`$")
_CHOICE = re.compile(r"^Invalid (?:enum )?value")
_PLAIN = {"str": "text", "int": "a whole number", "bool": "true or false", "object": "an object", "array": "a list"}
_SHAPES: dict[tuple[str, ...], type[msgspec.Struct]] = {
    (): forms.FileForm,
    ("assets", "*"): forms.AssetForm,
    ("pools", "*"): forms.PoolForm,
    ("pools", "*", "positions", "*"): forms.PositionForm,
    ("pools", "*", "orders", "*"): forms.OrderForm,
    ("market",): forms.MarketForm,
    ("market", "states"): forms.StatesForm,
    ("market", "lending", "*"): forms.LendingForm,
}
_INSTRUMENTS: dict[str, type[msgspec.Struct]] = {
    "spot": forms.SpotForm,
    "perpetual": forms.PerpetualForm,
    "future": forms.FutureForm,
    "option": forms.OptionForm,
    "structured": forms.StructuredForm,
}
_REFUSALS = (msgspec.MsgspecError, ValueError, OverflowError, TypeError, RecursionError)


def translated(error: Exception, raw: bytes, decoder: Decoder) -> BookFileError:
    """The error of a file that ``decoder`` refused with ``error``."""
    text = str(error)
    whole = _untyped(raw)
    if not isinstance(error, msgspec.ValidationError) or whole is msgspec.UNSET:
        return BookFileError("", None, f"a JSON file: {text or 'it is nested too deeply'}")
    found = _WHERE.search(text)
    what = text[: found.start()] if found else text
    steps = [name or place for name, place in _STEP.findall(found[2])] if found else []
    path, shape, value = _followed(steps, whole, text, decoder)
    if found and found[1]:  # the name of a member itself is wrong
        return BookFileError(path, value, "names of 1 to 64 characters")
    return _said(what, path, shape, value)


def _untyped(raw: bytes) -> Any:
    try:
        return msgspec.json.decode(raw)
    except _REFUSALS:
        return msgspec.UNSET


def _followed(steps: list[str], whole: Any, text: str, decoder: Decoder) -> tuple[str, tuple[str, ...], Any]:
    """The path as text, the same with every free name or place as ``*``, and the value there."""
    path, shape, value = "", [], whole
    for step in steps:
        if isinstance(value, list) and step.isdigit() and int(step) < len(value):
            path, value = f"{path}[{step}]", value[int(step)]
            shape.append("*")
        elif step == "..." and isinstance(value, dict):
            name = _culprit(value, whole, text, decoder)
            path, value = f"{path}.{name}", value.get(name)
            shape.append("*")
        else:
            path, value = f"{path}.{step}", value.get(step) if isinstance(value, dict) else None
            shape.append(step)
    return path.removeprefix("."), tuple(shape), value


def _culprit(members: dict[str, Any], whole: Any, text: str, decoder: Decoder) -> str:
    """The name of the member of ``members`` (a part of ``whole``) that makes the decoder complain ``text``."""
    left = list(members.items())
    kept = dict(members)
    while len(left) > 1:
        half = left[: len(left) // 2]
        members.clear()
        members.update(half)
        left = half if _complains(whole, text, decoder) else left[len(left) // 2 :]
    members.clear()
    members.update(kept)
    return left[0][0] if left else "…"


def _complains(whole: Any, text: str, decoder: Decoder) -> bool:
    try:
        decoder.decode(msgspec.json.encode(whole))
    except _REFUSALS as error:
        return str(error) == text
    return False


def _said(what: str, path: str, shape: tuple[str, ...], value: Any) -> BookFileError:
    """The decoder's complaint in the project's own words."""
    dot = f"{path}." if path else ""
    if found := _MISSING.match(what):
        return BookFileError(f"{dot}{found[1]}", None, "this field, which has no default")
    if found := _UNKNOWN.match(what):
        inner = value.get(found[1]) if isinstance(value, dict) else None
        fields = ", ".join(_fields(shape, value))
        return BookFileError(
            f"{dot}{found[1]}", "a field of this name" if inner is None else inner, f"only the fields {fields}"
        )
    if found := _TYPES.match(what):
        return BookFileError(path, "null" if value is None else value, _wanted(found[1], found[2]))
    if _CHOICE.match(what):
        return BookFileError(path, value, f"one of {', '.join(_choices(shape))}")
    return BookFileError(path, value, what[:1].lower() + what[1:].removeprefix("Expected ").replace("`", ""))


def _wanted(names: str, got: str) -> str:
    plain = " or ".join(_PLAIN.get(name, name) for name in reversed(names.split(" | ")))
    return f'{plain}; a number with decimals is written as text ("0.5")' if got == "float" else plain


def _form(shape: tuple[str, ...], value: Any) -> type[msgspec.Struct] | None:
    if shape == ("instruments", "*"):
        kind = value.get("type") if isinstance(value, dict) else None
        return _INSTRUMENTS.get(kind) if isinstance(kind, str) else None
    return _SHAPES.get(shape)


def _fields(shape: tuple[str, ...], value: Any) -> list[str]:
    form = _form(shape, value)
    if form is None:
        return ["of the format"]
    return [
        *(["type"] if shape == ("instruments", "*") else []),
        *(f.encode_name for f in msgspec.structs.fields(form)),
    ]


def _choices(shape: tuple[str, ...]) -> list[str]:
    """What may stand in a field that takes one of a few values."""
    if shape[:1] == ("instruments",) and shape[-1:] == ("type",):
        return list(_INSTRUMENTS)
    if shape[:2] == ("market", "states"):
        return _values(PriceState)
    owners = _INSTRUMENTS.values() if shape[:1] == ("instruments",) else [_form(shape[:-1], None)]
    for owner in owners:
        for field in msgspec.structs.fields(owner) if owner else ():
            if shape and field.encode_name == shape[-1]:
                return _values(field.type)
    return ["the values of the format"]


def _values(kind: Any) -> list[str]:
    if get_origin(kind) in (Union, types.UnionType):
        return [value for part in get_args(kind) for value in _values(part)]
    if get_origin(kind) is Literal:
        return [str(value) for value in get_args(kind)]
    if isinstance(kind, type) and issubclass(kind, enum.Enum) and kind is not msgspec.UnsetType:
        return [str(member.value) for member in kind]
    return []
