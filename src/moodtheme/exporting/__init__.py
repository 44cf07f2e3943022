"""Making a bundle: graphs, trained systems alone or fused, published checkpoints converted."""
