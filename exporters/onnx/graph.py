"""An ONNX graph, built node by node."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from importlib.metadata import version
from typing import Any

import numpy as np
import numpy.typing as npt
import onnx
from onnx import helper, numpy_helper

OPSET = 17
"""The version of the operators: onnxruntime from 1.12, OpenVINO from 2023 and TensorRT from 8.5 read it."""

IR_VERSION = 8
"""The version of the file format that came with this opset; a newer one would shut out older runtimes."""

BATCH = "batch"
"""The name of the dynamic dimension: the number of images."""

Shape = tuple[int | str, ...]


class Graph:
    """Nodes with one output each, whose name is the node's, and initializers."""

    def __init__(self) -> None:
        self._nodes: list[onnx.NodeProto] = []
        self._initializers: dict[str, onnx.TensorProto] = {}
        self._inputs: list[onnx.ValueInfoProto] = []
        self._outputs: list[onnx.ValueInfoProto] = []
        self._uses: dict[str, int] = {}

    def input(self, name: str, dtype: npt.DTypeLike, shape: Shape) -> str:
        """An input of the graph."""
        self._inputs.append(_value_info(self._unique(name), dtype, shape))
        return name

    def output(self, value: str, name: str, dtype: npt.DTypeLike, shape: Shape) -> None:
        """Makes the output of a node an output of the graph, under a name that nothing else has."""
        self._outputs.append(_value_info(self._unique(name), dtype, shape))
        for node in self._nodes:
            for values in (node.input, node.output):
                values[:] = [name if each == value else each for each in values]

    def initializer(self, name: str, values: npt.NDArray[Any]) -> str:
        """A tensor of the graph; a second one of this name must be equal to the first, and is not stored again."""
        tensor = numpy_helper.from_array(np.asarray(values, order="C"), name)
        if self._initializers.setdefault(name, tensor) != tensor:
            raise ValueError(f"the graph has another tensor called {name}")
        return name

    def constant(self, values: Any, dtype: npt.DTypeLike) -> str:
        """An initializer that is no parameter of the network, named by its type and values where it is small."""
        array = np.asarray(values, dtype)
        text = "_".join(str(value) for value in np.ravel(array)) if array.size <= 8 else str(len(self._initializers))
        shape = "x".join(map(str, array.shape)) or "scalar"
        return self.initializer(f"constant/{array.dtype.name}/{shape}/{text}", array)

    def node(self, operator: str, inputs: Sequence[str], name: str = "", **attributes: Any) -> str:
        """The output of an operator; without a name it is called after its first input."""
        output = self._unique(name or f"{inputs[0]}/{operator}")
        self._nodes.append(helper.make_node(operator, list(inputs), [output], name=output, **attributes))
        return output

    def top(self, values: str, count: int) -> tuple[str, str]:
        """The largest `count` values of each row of a matrix, in descending order, and their columns."""
        outputs = [self._unique(f"{values}/TopK/{part}") for part in ("values", "indices")]
        count_name = self.constant([count], np.int64)
        self._nodes.append(helper.make_node("TopK", [values, count_name], outputs, name=f"{values}/TopK", axis=1))
        return outputs[0], outputs[1]

    def model(self, name: str, description: str, metadata: Mapping[str, str]) -> onnx.ModelProto:
        """The checked model. Raises an exception of `onnx` where the graph is not valid."""
        graph = helper.make_graph(
            self._nodes, name, self._inputs, self._outputs, initializer=list(self._initializers.values())
        )
        model = helper.make_model(
            graph,
            opset_imports=[helper.make_opsetid("", OPSET)],
            ir_version=IR_VERSION,
            producer_name="effspine",
            producer_version=version("effspine"),
            doc_string=description,
        )
        helper.set_model_props(model, dict(metadata))
        onnx.checker.check_model(model, full_check=True)
        return model

    def _unique(self, name: str) -> str:
        """The name, with a number from its second use on."""
        self._uses[name] = self._uses.get(name, 0) + 1
        return name if self._uses[name] == 1 else f"{name}_{self._uses[name]}"


def _value_info(name: str, dtype: npt.DTypeLike, shape: Shape) -> onnx.ValueInfoProto:
    return helper.make_tensor_value_info(name, helper.np_dtype_to_tensor_dtype(np.dtype(dtype)), shape)
