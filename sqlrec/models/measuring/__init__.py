"""What models are measured by: metrics, curves, plots, and the evaluation of checkpoints."""
