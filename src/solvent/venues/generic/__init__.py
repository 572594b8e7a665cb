"""The textbook of cross margin: our own rules, complete."""
