"""Bastide's rooms; docs/architecture.md draws them and says who may import whom."""
