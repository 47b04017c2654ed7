"""DeepCTR-Torch on the benchmark's rows; run by benchmarks/train.py in an environment of its own.

DeepCTR-Torch imports four callback classes from TensorFlow for its history; stand-ins replace them, so that
TensorFlow need not be installed. Nothing that trains is replaced.
"""

import sys
import time
import types
from importlib.machinery import ModuleSpec

import common


class Callbacks:
    def __init__(self, callbacks=None):
        self.callbacks = callbacks or []

    def append(self, callback):
        self.callbacks.append(callback)

    def __getattr__(self, name):
        return lambda *arguments, **keywords: None


def stand_in() -> None:
    module = types.ModuleType("tensorflow.python.keras.callbacks")
    for name in ("EarlyStopping", "ModelCheckpoint", "History", "CallbackList"):
        setattr(module, name, type(name, (Callbacks,), {"history": {}}))
    packages = [
        types.ModuleType(name) for name in ("tensorflow", "tensorflow.python", "tensorflow.python.keras")
    ]
    for known in (*packages, module):
        known.__spec__ = ModuleSpec(known.__name__, None)
        sys.modules[known.__name__] = known


def main() -> None:
    job = common.read_job()
    stand_in()
    import torch
    from deepctr_torch.inputs import SparseFeat, get_feature_names
    from deepctr_torch.models import WDL, DeepFM
    from sklearn.preprocessing import LabelEncoder

    torch.set_num_threads(job["threads"])
    torch.manual_seed(0)
    began, cpu = time.perf_counter(), time.process_time()
    train, test = common.read_rows(job)
    columns = []
    for name in job["features"]:
        encoder = LabelEncoder().fit(common.joined(train[name], test[name]))
        train[name], test[name] = encoder.transform(train[name]), encoder.transform(test[name])
        columns.append(SparseFeat(name, vocabulary_size=len(encoder.classes_), embedding_dim=job["dim"]))
    kind = {"wide_and_deep": WDL, "deepfm": DeepFM}[job["model"]]
    model = kind(columns, columns, dnn_hidden_units=tuple(job["hidden"]), task="binary", device="cpu")
    model.compile(torch.optim.Adam(model.parameters(), 1e-3), "binary_crossentropy", metrics=[])
    inputs = {name: train[name] for name in get_feature_names(columns)}
    fit, fit_cpu = time.perf_counter(), time.process_time()
    model.fit(inputs, train[job["label"]], batch_size=job["batch"], epochs=job["epochs"], verbose=0)
    fitted, fitted_cpu = time.perf_counter(), time.process_time()
    torch.save(model.state_dict(), job["output"])
    saved, saved_cpu = time.perf_counter(), time.process_time()
    scores = model.predict({name: test[name] for name in inputs}, batch_size=4096).ravel()
    common.report(
        job,
        rows=len(train[job["label"]]),
        loop=(fitted - fit, fitted_cpu - fit_cpu),
        whole=(saved - began, saved_cpu - cpu),
        labels=test[job["label"]],
        scores=scores,
    )


if __name__ == "__main__":
    main()
