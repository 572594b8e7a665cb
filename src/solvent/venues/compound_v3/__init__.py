"""Compound III (Comet): one base asset lent against collateral, in the protocol's own integers."""
