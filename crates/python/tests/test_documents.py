"""What the documents show runs: the README's lines, the guide's notebook."""

from __future__ import annotations

import ast
import json
import re
from typing import Any

import numpy as np
import tweedie
from conftest import ROOT
from tweedie import physics


def test_the_readme(tmp_path, monkeypatch, picture):
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    (code,) = re.findall(r"```python\n(.*?)```", text, flags=re.DOTALL)
    assert len(code.strip().splitlines()) <= 6
    monkeypatch.chdir(tmp_path)
    blurred, truth = tweedie.simulate(picture, physics.Blur("gaussian:1.6"), noise=2 / 255)
    tweedie.write_image("blurred.png", blurred)
    exec(compile(code, "README.md", "exec"), {})
    restored = tweedie.read_image("restored.png")
    assert restored.shape == truth.shape
    assert np.mean((restored - truth) ** 2) < 0.7 * np.mean((blurred - truth) ** 2)


def test_the_notebook(monkeypatch, capsys):
    notebook = json.loads((ROOT / "docs/python.ipynb").read_text(encoding="utf-8"))
    monkeypatch.chdir(ROOT / "docs")
    names: dict[str, Any] = {}
    pictures = 0
    for cell in notebook["cells"]:
        if cell["cell_type"] != "code":
            continue
        tree = ast.parse("".join(cell["source"]))
        shown = tree.body.pop() if isinstance(tree.body[-1], ast.Expr) else None
        exec(compile(tree, "python.ipynb", "exec"), names)
        if shown is not None:
            value = eval(compile(ast.Expression(shown.value), "python.ipynb", "eval"), names)
            pictures += hasattr(value, "_repr_png_") and value._repr_png_().startswith(b"\x89PNG")
    assert pictures == 2
    assert names["result"].psnr_db > 25 and names["result"].warnings == []
