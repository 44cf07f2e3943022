"""Features: what the networks see of the audio."""
