"""Seeded worlds on the engine: real market windows, minute paths, order-book impact, populations."""
