"""``python -m solvent.cli``: the same program."""

from solvent.cli import main

main()
