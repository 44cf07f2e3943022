"""What evaluation found, for people: tables, the paper's Table 1, pictures."""
