"""A configuration as plain values, each with where it was written: in a file, an override or a mapping of Python.

Nothing in a file is ever executed.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from ruamel.yaml.nodes import MappingNode, Node, ScalarNode, SequenceNode

from eoc.errors import EocError
from eoc.messages import did_you_mean, is_text, quoted, shortened
from eoc.sweeps.config.names import is_parameter
from eoc.sweeps.config.problems import ConfigError, Fault, KeyPath, Origin, Problem, dotted
from eoc.sweeps.config.yaml_text import root_node, text_of

__all__ = ["Document", "document_of", "override", "parse", "read"]

_TAG = "tag:yaml.org,2002:"
_MOST_KEYS = 100  # of one mapping
_NO_TEXT = "half of a surrogate pair is no text: write the character itself, or \\U and its eight digits"
_MOST_DIGITS = 4000  # of a whole number; Python refuses to read 4301


@dataclass
class Document:
    """A configuration as it was written.

    Attributes
    ----------
    value
        Dictionaries, lists, texts, numbers, true, false and None.
    faults
        What could be read but not used.
    values, keys
        Where they were written.
    """

    value: Any
    faults: list[Fault] = field(default_factory=list)
    values: dict[KeyPath, Origin] = field(default_factory=dict)
    keys: dict[KeyPath, Origin] = field(default_factory=dict)

    def problem(self, fault: Fault) -> Problem:
        """What is wrong, and where that was written: at the place, beside it, or at the nearest one around it."""
        origins = self.keys if fault.key and fault.place in self.keys else self.values
        place = fault.place if fault.place in origins else fault.beside or fault.place
        while place and place not in origins:
            place = place[:-1]
        origin = fault.origin or origins.get(place, Origin())
        return Problem(origin.path, dotted(fault.place), origin.line, origin.column, fault.message)


def read(path: Path) -> Document:
    """What is in a file.

    Raises
    ------
    ConfigError
        If it cannot be read, or is no YAML.
    """
    return parse(text_of(path), str(path))


def parse(text: str, path: str) -> Document:
    r"""What is in a text that was found at ``path``.

    Raises
    ------
    ConfigError
        If it is no YAML.

    Examples
    --------
    >>> found = parse("axes:\n  sigma_b: [0.1, 1e-3]\n", "sweep.yaml")
    >>> found.value, found.values["axes", "sigma_b", 1].column
    ({'axes': {'sigma_b': [0.1, 0.001]}}, 18)
    """
    node = root_node(text, path)
    document = Document(None, values={(): Origin(path, 1, 1)})
    if node is not None:
        document.value = _Reader(document, path).value(node, ())
    return document


def override(document: Document, texts: Sequence[str]) -> None:
    """Put values into a document, each given as ``keys.to.it=value`` in YAML; what is wrong goes to its faults.

    Examples
    --------
    >>> found = parse("axes: {depth: 10}", "sweep.yaml")
    >>> override(found, ["axes.depth=[10, 20]"])
    >>> found.value
    {'axes': {'depth': [10, 20]}}
    """
    for text in texts:
        origin = Origin(f"--set {text}")
        try:
            _put(document, text, origin)
        except ConfigError as error:  # of YAML in the value
            document.faults += [Fault((), problem.message, origin=origin) for problem in error.problems]
        except EocError as error:
            document.faults.append(Fault((), str(error), origin=origin))


def _put(document: Document, text: str, origin: Origin) -> None:
    keys, equals, value = text.partition("=")
    place = tuple(key.strip() for key in keys.split("."))
    if not equals or "" in place:
        raise EocError("write it as axes.NAME=VALUE or axes.NAME.num=VALUE")
    if is_parameter(place[0]):
        raise EocError(f"{place[0]} is a parameter: write --set axes.{dotted(place)}={shortened(value.strip())}")
    new = parse(value, origin.path)
    parent = document.value
    for i, key in enumerate(place):
        if not isinstance(parent, dict):
            where = dotted(place[:i]) or "the file"
            whole = f"set it as a whole, {where}={{grid: linspace, ...}}"
            raise EocError(f"{where} is {quoted(parent)} and has no keys: {whole}")
        if i < len(place) - 1:
            if key not in parent:
                raise EocError(f"there is no {dotted(place[: i + 1])}; {did_you_mean(key, list(parent))}")
            parent = parent[key]
    _forget(document, place)
    parent[place[-1]] = new.value
    document.values[place] = document.keys[place] = origin
    document.faults += [Fault((*place, *fault.place), fault.message, fault.key) for fault in new.faults]


def _forget(document: Document, place: KeyPath) -> None:
    """Remove what is known about what was there before."""
    for known in (document.values, document.keys):
        for old in [old for old in known if old[: len(place)] == place]:
            del known[old]
    document.faults = [fault for fault in document.faults if fault.place[: len(place)] != place or not fault.place]


def document_of(config: Mapping[str, Any]) -> Document:
    """What is in a mapping of Python: dictionaries, lists, texts and numbers, NumPy's too."""
    document = Document(None)
    document.value = _python(config, (), document)
    return document


def _key_or_text(value: object, place: KeyPath, document: Document) -> str:
    """A key or value as text that can be written."""
    text = str(value)
    if not is_text(text):
        document.faults.append(Fault(place, f"half of a surrogate pair is no text, got {quoted(text)}"))
    return text.encode(errors="replace").decode()


def _python(value: Any, place: KeyPath, document: Document) -> Any:
    """Values of Python as YAML has them."""
    if len(place) > 9:
        document.faults.append(Fault(place, "values are nested too deeply"))
        return None
    if hasattr(value, "tolist"):
        value = value.tolist()
    if isinstance(value, Mapping):
        return {
            key: _python(inside, (*place, key), document)
            for key, inside in ((_key_or_text(name, place, document), inside) for name, inside in value.items())
        }
    if isinstance(value, list | tuple):
        return [_python(inside, (*place, i), document) for i, inside in enumerate(value)]
    if isinstance(value, str):
        return _key_or_text(value, place, document)
    if value is None or isinstance(value, bool | int | float):
        return value
    document.faults.append(Fault(place, f"must be text, a number, a list or a mapping, got {quoted(value)}"))
    return None


class _Reader:
    """Nodes -> plain values, into a document."""

    def __init__(self, document: Document, path: str) -> None:
        self.document, self.path = document, path

    def value(self, node: Node, place: KeyPath) -> Any:
        """The value of a node, whose place is written down."""
        self.document.values[place] = self._origin(node)
        if isinstance(node, MappingNode) and node.tag == f"{_TAG}map":
            return self._mapping(node, place)
        if isinstance(node, SequenceNode) and node.tag == f"{_TAG}seq":
            return [self.value(child, (*place, i)) for i, child in enumerate(node.value)]
        try:
            return _scalar(node)
        except EocError as error:
            self.document.faults.append(Fault(place, str(error)))
            return None

    def _origin(self, node: Node) -> Origin:
        return Origin(self.path, node.start_mark.line + 1, node.start_mark.column + 1)

    def _mapping(self, node: MappingNode, place: KeyPath) -> dict[str, Any]:
        found: dict[str, Any] = {}
        if len(node.value) > _MOST_KEYS:
            message = f"{len(node.value)} keys are more than a mapping may have, {_MOST_KEYS}"
            self.document.faults.append(Fault(place, message))
            return found
        for key_node, value_node in node.value:
            name = _key(key_node)
            inside = (*place, name)
            if not is_text(str(key_node.value)):
                self.document.faults.append(Fault(inside, _NO_TEXT, True, self._origin(key_node)))
            if name in found:
                again = f"this key is there already, in line {self.document.keys[inside].line}: remove one of them"
                self.document.faults.append(Fault(inside, again, True, self._origin(key_node)))
                continue
            self.document.keys[inside] = self._origin(key_node)
            if key_node.tag == f"{_TAG}merge":
                self.document.faults.append(Fault(inside, "merge keys are not supported: write the keys out", True))
            elif key_node.tag != f"{_TAG}str":
                self.document.faults.append(Fault(inside, _no_text(name), True))
            found[name] = self.value(value_node, inside)
            if value_node.value == "":  # nothing is written, which has no place
                self.document.values[inside] = self.document.keys[inside]
        return found


def _key(node: Node) -> str:
    if isinstance(node, ScalarNode):
        return str(node.value).encode(errors="replace").decode()
    return "{...}" if isinstance(node, MappingNode) else "[...]"


def _no_text(key: str) -> str:
    if key[:1].isdigit():
        return f"keys must be text, got the number {key:.20}: numbers have a point and no comma"
    return f"keys must be text, got {key:.20}"


def _scalar(node: Node) -> Any:
    """The value of a scalar; EocError if there is none."""
    tag, text = str(node.tag), node.value
    if not isinstance(node, ScalarNode) or tag not in _SCALARS:
        shown = tag.replace(_TAG, "!!")
        raise EocError(f"the tag {quoted(shown)} is not allowed: write plain texts, numbers, lists and mappings")
    if not is_text(text):
        raise EocError(_NO_TEXT)
    try:
        return _SCALARS[tag](text)
    except EocError:
        raise
    except (ValueError, KeyError):
        raise EocError(f"{quoted(text)} is no {tag.removeprefix(_TAG)}") from None


def _whole(text: str) -> int:
    plain = text.replace("_", "")
    digits = plain.lstrip("+-")
    if len(digits) > _MOST_DIGITS:
        raise EocError(f"a number of {len(digits)} digits is too long")
    if digits.isdecimal() and digits.startswith("0") and digits.strip("0"):
        raise EocError(f"{text} is {int(plain)} in YAML 1.2 but not everywhere: write {int(plain)}")
    return int(plain, 10 if digits.isdecimal() else 0)


def _real(text: str) -> float:
    plain = text.replace("_", "").lower()
    if plain.lstrip("+-") in (".inf", ".nan"):
        return float(plain.replace(".", ""))
    value = float(plain)
    if math.isinf(value):
        raise EocError(f"{quoted(text)} is too large: numbers must be below 1.8e308")
    return value


_SCALARS: Mapping[str, Callable[[str], Any]] = {
    f"{_TAG}str": str,
    f"{_TAG}null": lambda text: None,
    f"{_TAG}bool": lambda text: {"true": True, "false": False}[text.lower()],
    f"{_TAG}int": _whole,
    f"{_TAG}float": _real,
    f"{_TAG}timestamp": str,  # dates are text here
    f"{_TAG}value": str,  # "="
}
