"""Arithmetic on scores: matrices on disk, fusion, odds, tag vocabularies. Only NumPy is needed."""
