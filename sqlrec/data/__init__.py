"""Tables → Arrow batches, and staged atomic writes."""
