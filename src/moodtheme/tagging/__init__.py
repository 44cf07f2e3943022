"""Using a model: bundles, sessions, windows, the tagger, many files at once. No PyTorch here."""
