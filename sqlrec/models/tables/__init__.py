"""The rows that jobs of models read: training tables, labels and samples."""
