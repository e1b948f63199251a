"""What is in a LiteRT file, and what of it the CPU delegate computes."""

import collections

import numpy as np

from mirnet_keras.export.report import ExportError

HIGHEST_RANK = 4  # GPU delegates and browsers refuse tensors of more axes


def operations(interpreter) -> dict[str, int]:
    """Counts the operations of an open file by their names."""
    return _count(op for op in interpreter._get_ops_details() if op["op_name"] != "DELEGATE")


def outside_delegate(interpreter) -> dict[str, int]:
    """Counts the operations that XNNPACK left to LiteRT's own, slower code.

    Args:
        interpreter: whose tensors are allocated.
    """
    details = interpreter._get_ops_details()
    delegates = [op for op in details if op["op_name"] == "DELEGATE"]
    others = [op for op in details if op["op_name"] != "DELEGATE"]
    maker = {int(tensor): op for op in others for tensor in op["outputs"]}
    inside: set[int] = set()
    for delegate in delegates:
        given = {int(tensor) for tensor in delegate["inputs"]}
        open_ends = [int(tensor) for tensor in delegate["outputs"]]
        while open_ends:
            op = maker.get(open_ends.pop())
            if op is not None and op["index"] not in inside:
                inside.add(op["index"])
                open_ends += [int(t) for t in op["inputs"] if int(t) not in given]
    return _count(op for op in others if op["index"] not in inside)


def check_ranks(interpreter) -> None:
    """Raises an ExportError, naming a tensor, when one has more than four axes."""
    for tensor in interpreter.get_tensor_details():
        if len(tensor["shape"]) > HIGHEST_RANK:
            raise ExportError(
                f"The file would hold a tensor with {len(tensor['shape'])} axes, "
                f"'{tensor['name']}', which phones' and browsers' delegates refuse. Nothing was "
                "written."
            )


def _count(ops) -> dict[str, int]:
    counted = collections.Counter(op["op_name"] for op in ops)
    return {name: counted[name] for name in sorted(counted, key=lambda n: (-counted[n], n))}


def scopes(interpreter, operation: str = "CONV_2D") -> list[str]:
    """Names of the tensors that operations of a kind give, in the order of the graph."""
    names = {tensor["index"]: tensor["name"] for tensor in interpreter.get_tensor_details()}
    ops = [op for op in interpreter._get_ops_details() if op["op_name"] == operation]
    return [names[int(np.ravel(op["outputs"])[0])] for op in ops]
