"""The textbook of portfolio margin: joint scenarios of positions and collateral."""
