"""How docs/CONFORMANCE.md comes from the cases and from what was proven."""
