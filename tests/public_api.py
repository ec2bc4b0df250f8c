"""The public names with their parameters, one a line, as they stand in public_api.txt; run it to write that file."""

import ast
import enum
import inspect
import tomllib
from importlib import import_module
from pathlib import Path

ROOT = Path(__file__).parent.parent
LISTED = Path(__file__).parent / "public_api.txt"
WITH_FRAMEWORKS = ("eoc.initializers.", "eoc.kernels.sklearn", "eoc.training")  # of these the names alone


def modules():
    """The package, and the parts of it that the reference lists."""
    groups = tomllib.loads((ROOT / "docs" / "reference.toml").read_text(encoding="utf-8"))["group"]
    return ["eoc", *(name for group in groups for name in group.get("modules", ()))]


def names_of(module):
    """``__all__``, read and not imported."""
    path = ROOT / module.replace(".", "/")
    source = (path / "__init__.py" if path.is_dir() else path.with_suffix(".py")).read_text(encoding="utf-8")
    for node in ast.parse(source).body:
        if isinstance(node, ast.Assign) and getattr(node.targets[0], "id", "") == "__all__":
            return ast.literal_eval(node.value)
    raise AssertionError(f"{module} has no __all__")


def lines():
    """All of it, sorted."""
    return sorted({line for module in modules() for name in names_of(module) for line in _lines(module, name)})


def _lines(module, name):
    full = f"{module}.{name}"
    if module.startswith(WITH_FRAMEWORKS):
        return [full]
    value = getattr(import_module(module), name)
    found = [f"{full}{_parameters(value)}"]
    if inspect.isclass(value) and not issubclass(value, enum.Enum):
        mine = [base for base in value.__mro__ if base.__module__.startswith("eoc")]
        members = {key: one for base in reversed(mine) for key, one in vars(base).items() if not key.startswith("_")}
        found += [f"{full}.{key}{_parameters(one)}" for key, one in members.items() if _is_code(one)]
    return found


def _is_code(member):
    return callable(member) or isinstance(member, classmethod | staticmethod | property) or hasattr(member, "func")


def _parameters(value):
    """Names of parameters, "=" behind those that may be left out; nothing of what is not called."""
    function = getattr(value, "__func__", value)
    if not callable(function) or (inspect.isclass(value) and issubclass(value, enum.Enum | BaseException)):
        return ""
    try:
        found = inspect.signature(function).parameters.values()
    except (TypeError, ValueError):
        return ""
    stars = {inspect.Parameter.VAR_POSITIONAL: "*", inspect.Parameter.VAR_KEYWORD: "**"}
    written, bare = [], True
    for one in found:
        if one.kind is one.VAR_POSITIONAL:
            bare = False
        if one.kind is one.KEYWORD_ONLY and bare:
            written.append("*")
            bare = False
        written.append(f"{stars.get(one.kind, '')}{one.name}{'' if one.default is one.empty else '='}")
    return f"({', '.join(written)})"


if __name__ == "__main__":
    LISTED.write_text("\n".join(lines()) + "\n", encoding="utf-8")
