"""Research on margins and portfolios: model validation and tools against procyclicality."""
