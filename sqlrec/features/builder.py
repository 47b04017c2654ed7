"""How ONNX graphs are put together node by node."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt
from onnx import NodeProto, TensorProto, helper, numpy_helper

ML = "ai.onnx.ml"
"""The domain of operators about tables."""


@dataclass(slots=True)
class GraphBuilder:
    """Collects nodes and constants under one prefix of names."""

    prefix: str
    nodes: list[NodeProto] = field(default_factory=list)
    initializers: list[TensorProto] = field(default_factory=list)

    def op(self, kind: str, name: str, inputs: Sequence[str], **attributes: Any) -> str:
        """Append a node with one output; returns the output's name."""
        output = self.prefix + name
        self.nodes.append(helper.make_node(kind, list(inputs), [output], name=output, **attributes))
        return output

    def result(self, kind: str, output: str, inputs: Sequence[str], **attributes: Any) -> None:
        """Append the node that gives an output of the whole graph, which has no prefix."""
        self.nodes.append(
            helper.make_node(kind, list(inputs), [output], name=self.prefix + output, **attributes)
        )

    def constant(self, name: str, value: npt.NDArray[Any]) -> str:
        """Append an initialiser; returns its name."""
        self.initializers.append(numpy_helper.from_array(value, self.prefix + name))
        return self.prefix + name


def side_by_side(build: GraphBuilder, names: Sequence[str], label: str) -> str:
    """Vectors ``[batch]`` → ``[batch, len(names)]``."""
    if len(names) == 1:
        shape = build.constant(f"{label}_shape", np.array([-1, 1], np.int64))
        return build.op("Reshape", label, [names[0], shape])
    flat = build.op("Concat", f"{label}_flat", names, axis=0)
    shape = build.constant(f"{label}_shape", np.array([len(names), -1], np.int64))
    rows = build.op("Reshape", f"{label}_rows", [flat, shape])
    return build.op("Transpose", label, [rows], perm=[1, 0])
