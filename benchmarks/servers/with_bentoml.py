"""BentoML as its manual has it, on one worker. Arguments: folder, port."""

import os
import sys
from typing import Any

import bentoml
import common


@bentoml.service(workers=1, metrics={"enabled": False}, logging={"access": {"enabled": False}})
class Bench:
    def __init__(self) -> None:
        self.model = common.Model(os.environ["BENCH_FOLDER"])

    @bentoml.api(route="/predict")
    def predict(self, root: Any, /) -> dict[str, list[float]]:
        return {"probs": self.model.predict(root)}


if __name__ == "__main__":
    os.environ["BENCH_FOLDER"] = sys.argv[1]
    os.chdir(os.path.dirname(__file__))
    os.execv(
        os.path.join(os.path.dirname(sys.executable), "bentoml"),
        ["bentoml", "serve", "with_bentoml:Bench", "--port", sys.argv[2], "--host", "127.0.0.1"],
    )
