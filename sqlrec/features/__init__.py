"""Column → tensor encoding, fitted in training and exported into the model graph."""
