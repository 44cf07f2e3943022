"""What is fetched: the cache, downloads, published weights."""
