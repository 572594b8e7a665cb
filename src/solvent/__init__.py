"""solvent: one shared pool of collateral behind many positions, valued, margined, watched and liquidated as a whole.

The package is laid out in the order of the data's way (see ``docs/architecture.md``): a module imports only from
the modules that come before it. This file imports nothing, so that ``import solvent`` costs nothing; take what you
need from the module that owns it, for example ``from solvent.margin import assess``.
"""

__version__ = "0.1.0"

__all__ = ["__version__"]
