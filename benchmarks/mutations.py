"""Do the tests notice a wrong line? Random mutations of layers, metrics, tiler and weights.

    python -m benchmarks.mutations --json benchmarks/results/mutations.json

Each mutation changes one operator, number, `True`, `not`, `min` or the like of one line, in a
temporary copy of the checkout, and the tests of that file run there until one fails. Not by mutmut
or cosmic-ray: neither draws a sample, mutmut leaves alone what stands outside of functions, and
cosmic-ray has one test command for all files.

The limit of a mutation is time of the processor: others on the machine do not change what is
caught. Survivors are judged by hand, under "judged" in the result: equivalent, or a hole that a
test now closes.
"""

import argparse
import ast
import json
import os
import random
import re
import resource
import shutil
import signal
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from benchmarks import machine  # with TensorFlow, so that not every mutation imports it

ROOT = Path(__file__).parents[1]
LEFT_OUT = shutil.ignore_patterns(".*", "__pycache__", "runs", "site", "build", "dist", "venv")
LIMIT = 600  # seconds of the processor for the tests of one mutation
SWAPS = {
    **{ast.Lt: ("<", "<="), ast.LtE: ("<=", "<"), ast.Gt: (">", ">="), ast.GtE: (">=", ">")},
    **{ast.Eq: ("==", "!="), ast.NotEq: ("!=", "=="), ast.In: ("in", "not in")},
    **{ast.Is: ("is", "is not"), ast.IsNot: ("is not", "is"), ast.NotIn: ("not in", "in")},
    **{ast.Add: ("+", "-"), ast.Sub: ("-", "+"), ast.Mult: ("*", "/"), ast.Div: ("/", "*")},
    **{ast.FloorDiv: ("//", "*"), ast.Mod: ("%", "//"), ast.Pow: ("**", "*")},
    **{ast.And: ("and", "or"), ast.Or: ("or", "and")},
}
NAMES = {"min": "max", "max": "min", "minimum": "maximum", "maximum": "minimum"}
AREAS = {  # folders of the package, and the tests that run after those of the file itself
    "layers": ["tests/layers/test_every_layer.py", "tests/weights/test_golden.py::test_output"],
    "metrics": ["tests/test_metrics.py", "tests/metrics"],
    "restorer": [f"tests/restorer/test_{n}.py" for n in ("tiling", "plan", "limits", "restorer")],
    "weights": [f"tests/weights/test_{n}.py" for n in ("recognition", "official", "golden")],
}
TILER = ("tiling", "plan", "padding", "statistics", "seams", "canvas")  # of `restorer`
ALSO = {  # tests of a file that lie elsewhere, and run after its own
    "condition_network": "tests/weights/test_sft_net.py",
    "image_statistic": "tests/restorer/test_statistics.py",
    "residual_sparse_block": "tests/weights/test_rrdbnet.py",
    "seams": "tests/restorer/test_statistics.py",
    "spatial_feature_transform": "tests/weights/test_sft_net.py",
    "spsagan": "tests/weights/test_rrdbnet.py",
    "state_dict": "tests/weights/test_torch_checkpoints.py",
    "tensors": "tests/weights/test_rrdbnet.py",
}


def main() -> None:
    """Draws, tries, prints and writes."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--json", type=Path)
    parser.add_argument("--number", type=int, default=40, help="of mutations, a quarter each area")
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    found: list[dict] = []
    with tempfile.TemporaryDirectory() as folder:
        copy = Path(folder) / "checkout"
        shutil.copytree(ROOT, copy, ignore=LEFT_OUT)
        (copy.parent / "shared").symlink_to(ROOT.parent / "shared")  # tests look for it there
        for mutation in draw(options.number, options.seed):
            found.append(mutation | {"caught_by": attempt(copy, mutation)})
            print(json.dumps(found[-1]), flush=True)
    caught = sum(mutation["caught_by"] is not None for mutation in found)
    print(f"{caught} of {len(found)} caught")
    if options.json:
        command = f"python -m benchmarks.mutations --number {options.number} --seed {options.seed}"
        counts = {"mutations": len(found), "caught": caught, "share": caught / len(found)}
        facts = {"command": command, "machine": machine.describe()} | counts
        options.json.write_text(json.dumps(facts | {"each": found}, indent=2) + "\n")


def draw(number: int, seed: int) -> list[dict]:
    """As many mutations of each area, no two of one line, in an order that spreads the areas."""
    generator = random.Random(seed)
    chosen = []
    for area in AREAS:
        paths = sorted((ROOT / "mirnet_keras" / area).glob("*.py"))
        paths = [path for path in paths if area != "restorer" or path.stem in TILER]
        possible = [mutation for path in paths for mutation in mutations(path, generator)]
        generator.shuffle(possible)
        one_a_line = {(m["file"], m["line"]): m for m in possible}
        chosen.append(list(one_a_line.values())[: number // len(AREAS)])
    return [mutation for turn in zip(*chosen, strict=True) for mutation in turn]


def mutations(path: Path, generator: random.Random) -> Iterator[dict]:
    """All of a file, each of one line: where it is, and the line before and after."""
    lines = path.read_bytes().splitlines()
    for node in code(ast.parse(path.read_bytes())):
        if not isinstance(node, ast.expr) or (found := edit(node, generator)) is None:
            continue
        (first, begin), (last, end), old, new = found
        line = lines[first - 1]
        if first != last or line[begin:end].count(old.encode()) != 1:
            continue  # over several lines, or inside of a string whose places Python does not know
        changed = line[:begin] + line[begin:end].replace(old.encode(), new.encode()) + line[end:]
        place = {"file": str(path.relative_to(ROOT)), "line": first}
        yield place | {"before": line.decode(), "after": changed.decode()}


def code(node: ast.AST) -> Iterator[ast.AST]:
    """The nodes below one, without type annotations, errors and warnings."""
    for name, value in ast.iter_fields(node):
        for child in value if isinstance(value, list) else [value]:
            message = isinstance(child, ast.Raise) or (
                isinstance(child, ast.Call) and ast.unparse(child.func) == "warnings.warn"
            )
            if isinstance(child, ast.AST) and name not in ("annotation", "returns") and not message:
                yield child
                yield from code(child)


def edit(node: ast.expr, generator: random.Random):
    """What to change of a node: from where to where, the old text in it and the new one."""
    begin, end = ends(node)
    match node:
        case ast.Constant(value=bool(value)):
            return begin, end, str(value), str(not value)
        case ast.Constant(value=int(value) | float(value)):
            return begin, end, str(value), str(value + generator.choice((-1, 1)))
        case ast.UnaryOp(op=ast.Not(), operand=operand):
            return begin, ends(operand)[0], "not ", ""
        case ast.Call(func=ast.Name(id=name) | ast.Attribute(attr=name) as func) if name in NAMES:
            line, column = ends(func)[1]
            return (line, column - len(name)), (line, column), name, NAMES[name]
        case (
            ast.Compare(left=left, ops=[operator], comparators=[right])
            | ast.BinOp(left=left, op=operator, right=right)
            | ast.BoolOp(op=operator, values=[left, right, *_])
        ) if type(operator) in SWAPS:
            return ends(left)[1], ends(right)[0], *SWAPS[type(operator)]
    return None


def ends(node: ast.expr) -> tuple[tuple, tuple]:
    """Line from 1 and byte from 0 of its beginning, and of its end."""
    return (node.lineno, node.col_offset), (node.end_lineno, node.end_col_offset)


def attempt(copy: Path, mutation: dict) -> str | None:
    """The first test that fails on a mutated copy."""
    source = copy / mutation["file"]
    original = source.read_bytes()
    lines = original.splitlines(keepends=True)
    lines[mutation["line"] - 1] = mutation["after"].encode() + b"\n"
    source.write_bytes(b"".join(lines))
    try:
        return first_failure(copy, tests_of(Path(mutation["file"])))
    finally:
        source.write_bytes(original)


def tests_of(path: Path) -> list[str]:
    """The tests of a file, then those of its area; of every layer, only those in the file."""
    area, classes = path.parent.name, re.findall(r"(?m)^class (\w+)", (ROOT / path).read_text())
    own = [f"tests/{area}/test_{path.stem}.py", ALSO.get(path.stem, "")]
    found = list(dict.fromkeys([t for t in own if (ROOT / t).is_file()] + AREAS[area]))
    return [*found, "-k", " or ".join(["not test_every_layer", *classes])]


def first_failure(copy: Path, tests: list[str]) -> str | None:
    """Runs tests in a process of their own, with TensorFlow as this one has imported it."""
    output = copy.parent / "output"
    child = os.fork()
    if not child:
        os.dup2(os.open(output, os.O_CREAT | os.O_TRUNC | os.O_WRONLY), 1)
        os.chdir(copy)
        resource.setrlimit(resource.RLIMIT_CPU, (LIMIT, LIMIT + 5))
        sys.path.insert(0, str(copy))
        sys.dont_write_bytecode = True  # else it might be taken for that of the next mutation
        os.environ |= {"PYTHONPATH": str(copy), "PYTHONDONTWRITEBYTECODE": "1", "COLUMNS": "150"}
        status = pytest.main(["-x", "-q", "--tb=no", "-p", "no:cacheprovider", *tests])
        sys.stdout.flush()
        os._exit(status)
    status = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    if status in (0, -signal.SIGXCPU):
        return "the limit of time" if status else None
    found = re.search(r"(?m)^(?:FAILED|ERROR) (.+)$", output.read_text())
    return found.group(1) if found else f"the end of the process, {status}"


if __name__ == "__main__":
    main()
