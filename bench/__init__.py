"""Measurements of Bastide against a floor and a peer in the same run; told as ratios."""
