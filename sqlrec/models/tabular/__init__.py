"""Models over a matrix of numbers (trees, linear models, clusters): what all their jobs share."""
