"""Model types: one folder each, a light controller beside its heavy training and export half."""
