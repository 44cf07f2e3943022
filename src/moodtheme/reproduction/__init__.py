"""The paper's whole experiment in one folder: from a labelled collection to Table 1 and models."""
