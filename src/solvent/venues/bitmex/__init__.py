"""BitMEX perpetuals: risk-limit steps on the whole position, maintenance margin on entry value."""
