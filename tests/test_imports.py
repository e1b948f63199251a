import ast
from pathlib import Path

import pytest

PACKAGE = Path(__file__).parent.parent / "mirnet_keras"
LEVELS = [
    {"files", "image_errors", "registration"},
    {
        "global_networks",
        "image_array",
        "images",
        "imresize",
        "litert_metadata",
        "machine",
        "symmetry",
    },
    {"pictures"},
    {"layers", "features", "metrics", "data"},
    {"losses"},
    {"models"},
    {"weights", "recipes"},
    {"presets", "segmentation"},
    {"attention", "restorer", "training", "export"},
    {"batch", "cli_paths", "evaluation", "demo", "video"},
    {"cli_video", "self_test"},
    {"cli_degrade", "cli_doctor", "cli_export", "cli_profile", "cli_restore", "web"},
    {"service"},
    {"cli_serve"},
    {"cli"},
]
RANK = {name: rank for rank, level in enumerate(LEVELS) for name in level}
FILES = sorted(PACKAGE.rglob("*.py"))

# Slow to import, or absent in a valid environment: only inside the function that needs it.
LAZY_ONLY = {"ai_edge_litert", "av", "jax", "keras_hub", "tensorflow", "torch"}
TENSORFLOW_ALLOWED = {"data", "export", "training"}

files = pytest.mark.parametrize("path", FILES, ids=lambda p: p.relative_to(PACKAGE).as_posix())


def module_of(path):
    return path.relative_to(PACKAGE).parts[0].removesuffix(".py")


def imported(tree):
    """Full dotted names of everything a tree imports, in functions too."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"line {node.lineno}: write `from mirnet_keras.x import y`"
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def outside_functions(tree):
    """The tree without the bodies of its functions: what runs when the module is imported."""
    for node in ast.walk(tree):
        if isinstance(node, ast.If) and ast.unparse(node.test) == "TYPE_CHECKING":
            node.body = [ast.Pass()]
        if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)):
            node.body = [ast.Pass()]
    return tree


@files
def test_imports_point_down(path):
    own = module_of(path)
    if own == "__init__":
        return
    assert own in RANK, f"{own} has no place in LEVELS: see the picture in CONTRIBUTING.md"
    for name in imported(ast.parse(path.read_text())):
        first, *rest = name.split(".")
        if first != "mirnet_keras" or rest == ["__version__"]:
            continue
        assert rest, f"{own} imports the whole package: name the module that it needs"
        assert rest[0] in RANK, f"{own} imports {name}: name the module, not the short cut"
        assert rest[0] == own or RANK[rest[0]] < RANK[own], f"{own} must not import {rest[0]}"


@files
def test_optional_and_heavy_packages_are_imported_inside_functions(path):
    at_import = {
        name.split(".")[0] for name in imported(outside_functions(ast.parse(path.read_text())))
    }
    assert not at_import & LAZY_ONLY


@files
def test_tensorflow_is_imported_only_where_it_cannot_be_avoided(path):
    names = {name.split(".")[0] for name in imported(ast.parse(path.read_text()))}
    assert "tensorflow" not in names or module_of(path) in TENSORFLOW_ALLOWED
