"""The predict server: an exported model behind HTTP, on ONNX Runtime alone."""
