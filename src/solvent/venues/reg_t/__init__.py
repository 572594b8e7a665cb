"""Stock and options margin in the United States: Regulation T and the exchanges' strategy-based rules."""
