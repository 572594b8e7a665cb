"""SPAN, the first generation: sixteen scenarios a contract, charges and credits, from a clearing house's file."""
