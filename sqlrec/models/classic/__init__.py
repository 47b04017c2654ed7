"""Classic algorithms: ``WITH (type = 'training', algorithm = …)``."""
