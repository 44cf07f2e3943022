"""Training systems from recipes: decoded audio, examples, Lightning, and what a run leaves."""
