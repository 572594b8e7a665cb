"""Every kernel says what it keeps true and what it costs; one that does not is caught."""

import ast
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent.parent
WORDS = ("Invariant:", "Cost:")


def kernels(text: str) -> Iterator[ast.FunctionDef]:
    """Functions that carry the compiler's decorator, also inside a class, a function or a condition."""
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.FunctionDef) and any(name_of(one) == "kernel" for one in node.decorator_list):
            yield node


def name_of(decorator: ast.expr) -> str:
    """``kernel`` for ``@kernel``, ``@jit.kernel`` and ``@kernel(...)``."""
    if isinstance(decorator, ast.Call):
        return name_of(decorator.func)
    return decorator.attr if isinstance(decorator, ast.Attribute) else getattr(decorator, "id", "")


def silent(text: str) -> list[str]:
    """Kernels of a source without a sentence after one of the two words."""
    return [
        one.name
        for one in kernels(text)
        if any((ast.get_docstring(one) or "").partition(word)[2].strip(" .\n") == "" for word in WORDS)
    ]


def sources() -> list[Path]:
    return sorted((ROOT / "src").rglob("*.py"))


def test_every_kernel_says_its_invariant_and_its_cost() -> None:
    found = {f"{path.relative_to(ROOT)}: {name}" for path in sources() for name in silent(path.read_text("utf-8"))}
    assert not found


def test_the_kernels_are_found() -> None:
    folder = ROOT / "src/solvent/engine"
    names = {one.name for path in folder.glob("*.py") for one in kernels(path.read_text("utf-8"))}
    assert {"surplus", "fill", "arm", "add_block", "plan_all"} <= names
    assert len(names) > 200


def test_a_kernel_that_says_nothing_is_caught() -> None:
    told = '    """Twice.\n\n    Invariant: it is even. Cost: a product.\n    """\n    return 2 * x\n'
    text = f"@kernel\ndef told(x):\n{told}\n@kernel\ndef untold(x):\n    return x\n"
    text += '@jit.kernel\ndef half(x):\n    """Half. Cost: a shift."""\n    return x >> 1\n'
    text += "def plain(x):\n    return x\n"
    assert silent(text) == ["untold", "half"]
