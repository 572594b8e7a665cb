"""Derive's standard manager (SRM), and what all its managers share: auction, interest, feeds."""
