"""The networks, in PyTorch; only training and export import them."""
