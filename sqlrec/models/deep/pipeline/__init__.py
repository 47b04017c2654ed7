"""TorchEasyRec's ``pipeline.config``: written from a model, read by our trainer, and run by TorchEasyRec."""
