"""Risk parameter files of clearing houses: one door for both formats."""

from __future__ import annotations

from io import TextIOWrapper
from typing import IO

from solvent.venues.span.pa2 import read_pa2
from solvent.venues.span.parameters import RiskFileError, RiskParameters
from solvent.venues.span.spn import read_spn

__all__ = ["RiskFileError", "RiskParameters", "read_pa2", "read_risk_file", "read_spn"]


def read_risk_file(source: IO[bytes]) -> RiskParameters:
    """A file opened in binary, at its start: XML where it begins with ``<``, else fixed columns.

    Raises
    ------
    RiskFileError
        It is neither, or malformed; the message names line and columns, or the element.

    Examples
    --------
    >>> from io import BytesIO
    >>> read_risk_file(BytesIO(b"0 XYZ   20260620S                  U2")).date
    '20260620'

    """
    start = source.read(64)
    source.seek(0)
    if start.lstrip(b"\xef\xbb\xbf \t\r\n").startswith(b"<"):
        return read_spn(source)
    try:
        return read_pa2(TextIOWrapper(source, encoding="ascii"))
    except UnicodeDecodeError as error:
        raise RiskFileError(f"not a file of printable characters: byte {error.start} is no ASCII") from None
