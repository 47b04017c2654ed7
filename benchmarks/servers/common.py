"""What the peers share: the session, and how requests become its inputs."""

from pathlib import Path

import numpy as np
import onnxruntime as ort


class Model:
    """The exported file on one thread, told what it needs and nothing more."""

    def __init__(self, folder):
        options = ort.SessionOptions()
        options.intra_op_num_threads = 1
        self.session = ort.InferenceSession(str(Path(folder) / "model.onnx"), options)
        self.types = {
            node.name: np.object_ if node.type == "tensor(string)" else np.int64
            for node in self.session.get_inputs()
        }

    def predict(self, document):
        """Scores of a list of rows or an object of columns."""
        if isinstance(document, list):
            document = {name: [row[name] for row in document] for name in self.types}
        feed = {name: np.array(document[name], dtype=kind) for name, kind in self.types.items()}
        return self.session.run(["probs"], feed)[0].tolist()
