"""Vector files through the public API: somebody else's published numbers against ours (docs/cli.md, "Conformance").

An adapter translates the names and units of one kind of vector and holds no rule; :func:`conform` runs files and
reports what passed, what failed and what is not supported, with the reason.
"""

from solvent.conformance.adapters import Adapter as Adapter
from solvent.conformance.adapters import find as find
from solvent.conformance.checking import check_margin_model as check_margin_model
from solvent.conformance.checking import check_rules as check_rules
from solvent.conformance.report import Outcome as Outcome
from solvent.conformance.report import Report as Report
from solvent.conformance.report import Result as Result
from solvent.conformance.running import Finder as Finder
from solvent.conformance.running import conform as conform
from solvent.conformance.running import run as run
from solvent.conformance.tolerances import Mismatch as Mismatch
from solvent.conformance.tolerances import mismatches as mismatches
from solvent.conformance.vectors import Inputs as Inputs
from solvent.conformance.vectors import Unsupported as Unsupported
from solvent.conformance.vectors import Vector as Vector
from solvent.conformance.vectors import VectorError as VectorError
from solvent.conformance.vectors import read_vectors as read_vectors
from solvent.conformance.vectors import vector_files as vector_files
