"""YAML as plain values, each with the line and the column where it was written; nothing in a file is ever executed."""

from __future__ import annotations

import math
import re
import warnings
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from ruamel.yaml import YAML
from ruamel.yaml.error import MarkedYAMLError, YAMLError
from ruamel.yaml.events import CollectionEndEvent, CollectionStartEvent
from ruamel.yaml.nodes import MappingNode, Node, ScalarNode, SequenceNode

from eoc.errors import EocError
from eoc.sweeps.problems import ConfigError, Fault, Origin, Place, Problem, dotted, quoted

__all__ = ["LARGEST", "Document", "parse", "read"]

LARGEST = 200_000  #: bytes of a file
_MOST_MARKS = 10_000  # of the marks before values, which are read in half a second
_DEEPEST = 24  # values inside values
_TOO_DEEP = "values are nested too deeply"
_MOST_NODES = 200_000  # with all aliases written out
_TAG = "tag:yaml.org,2002:"
_OPENED = re.compile(rf"(?:[\[{{]\s*){{{_DEEPEST + 1}}}")
_MOST_KEYS = 100  # of one mapping
_MOST_DIGITS = 4000  # of a whole number; Python refuses to read 4301
_FORBIDDEN = re.compile(r"[^\t\n\r\x20-\x7e\x85\xa0-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
_HINTS = (  # parts of messages of ruamel.yaml, and what they mean in words
    ("cannot start any token", "put text that begins with this character in quotes"),
    (
        "mapping values are not allowed",
        "a second colon in one line, or a wrong indentation: put text with ': ' in quotes",
    ),
    ("could not find expected ':'", "a key without a colon after it, or a line with a wrong indentation"),
    ("expected <block end>", "the indentation differs from that of the lines above"),
    ("expected ',' or ']'", "a list that is not closed, or a comma is missing: write [0.1, 0.2]"),
    ("expected ',' or '}'", "a mapping that is not closed, or a comma is missing: write {start: 0, stop: 1}"),
    ("found unexpected end of stream", "a quotation mark is not closed"),
    ("unknown escape character", "in double quotes \\ begins an escape: use single quotes"),
    ("found undefined alias", "* refers to an anchor: put text that begins with * in quotes"),
    ("expected '<document start>'", "this is after the end of the configuration: a wrong indentation, or brackets"),
    ("expected the node content", "there is a value missing before this, or too many brackets are closed"),
    ("found another document", "a file has one configuration: remove --- and what follows, or make two files"),
)


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
    values: dict[Place, Origin] = field(default_factory=dict)
    keys: dict[Place, Origin] = field(default_factory=dict)

    def problem(self, fault: Fault) -> Problem:
        """What is wrong, and where that was written: at the place itself or at the nearest one around it."""
        origins = self.keys if fault.key and fault.place in self.keys else self.values
        place = fault.place
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
    return parse(_text(path), str(path))


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
    for character in [*_FORBIDDEN.finditer(text)][:1]:
        raise _error(
            text, path, character.start(), f"the character U+{ord(character[0]):04X} cannot be in YAML: remove it"
        )
    _check_version(text, path)
    _check_extent(text, path)
    node = _composed(text, path)
    document = Document(None, values={(): Origin(path, 1, 1)})
    if node is not None:
        _check_size(node, path)
        document.value = _Reader(document, path).value(node, ())
    return document


def _text(path: Path) -> str:
    try:
        if path.is_dir():
            raise _unreadable(path, "it is a folder: give the file in it")
        with path.open("rb") as file:
            raw = file.read(LARGEST + 1)
    except FileNotFoundError:
        raise _unreadable(path, f"there is no such file{_beside(path)}") from None
    except (OSError, ValueError) as error:  # ValueError: a NUL in the name
        raise _unreadable(path, f"it cannot be read: {getattr(error, 'strerror', None) or error}") from None
    if len(raw) > LARGEST:
        raise _unreadable(path, f"it is larger than {LARGEST} bytes: write long lists of numbers as grids")
    if raw.startswith((b"\xff\xfe", b"\xfe\xff")):
        raise _unreadable(path, "it is in UTF-16: save it as UTF-8")
    try:
        return raw.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        before = raw[: error.start].decode("utf-8-sig", errors="replace")
        message = f"the byte 0x{raw[error.start]:02x} is not UTF-8: save the file as UTF-8"
        raise _error(before, str(path), len(before), message) from None


def _beside(path: Path) -> str:
    names = [path.with_suffix(suffix).name for suffix in (".yaml", ".yml") if path.with_suffix(suffix).is_file()]
    return f"; did you mean {names[0]}?" if names else ""


def _unreadable(path: Path, message: str) -> ConfigError:
    return ConfigError([Problem(str(path), "", None, None, message)])


def _error(text: str, path: str, index: int, message: str) -> ConfigError:
    lines = re.split(r"\r\n|\r|\n", text[:index])
    return ConfigError([Problem(path, "", len(lines), len(lines[-1]) + 1, message)])


def _check_version(text: str, path: str) -> None:
    found = re.search(r"^%YAML[ \t]+(\S+)", text, re.MULTILINE)
    if found is not None and found[1] != "1.2":
        raise _error(text, path, found.start(), f"this is read as YAML 1.2, not {found[1]:.9}: remove the line")


def _check_extent(text: str, path: str) -> None:
    """Refuse what would take long to read."""
    if sum(map(text.count, ",\n[{")) > _MOST_MARKS:
        raise _error("", path, 0, f"it has more than {_MOST_MARKS} values: write long lists of numbers as grids")
    if opened := _OPENED.search(text):
        raise _error(text, path, opened.end() - 1, _TOO_DEEP)


def _composed(text: str, path: str) -> Node | None:
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # an anchor that is defined twice
            return YAML(typ="safe", pure=True).compose(text)
    except RecursionError:
        raise _deep(text, path) from None
    except MarkedYAMLError as error:
        raise _malformed(error, path) from None
    except (YAMLError, ValueError, TypeError, AttributeError, IndexError) as error:  # of ruamel.yaml itself
        raise ConfigError([Problem(path, "", 1, 1, f"this is not YAML: {_line(str(error))}")]) from None


def _deep(text: str, path: str) -> ConfigError:
    depth = 0
    for event in YAML(typ="safe", pure=True).parse(text):
        depth += isinstance(event, CollectionStartEvent) - isinstance(event, CollectionEndEvent)
        if depth > _DEEPEST:
            return ConfigError([_at(event, path, _TOO_DEEP)])
    raise AssertionError("a text that is not deep")


def _malformed(error: MarkedYAMLError, path: str) -> ConfigError:
    problem = str(error.problem or error.context or "")
    mark = error.problem_mark or error.context_mark
    if any(part in problem for part in ("end of stream", "',' or", "expected ':'")):  # where it began says more
        mark = error.context_mark or mark
    if "'\\t'" in problem:
        hint = "a tab: indent with spaces"
    else:
        hint = next((words for part, words in _HINTS if part in problem), _line(problem))
    line, column = (mark.line + 1, mark.column + 1) if mark is not None else (1, 1)
    return ConfigError([Problem(path, "", line, column, f"this is not YAML: {hint}")])


def _line(text: str) -> str:
    return " ".join(text.split())[:200]


def _at(thing: Any, path: str, message: str) -> Problem:
    return Problem(path, "", thing.start_mark.line + 1, thing.start_mark.column + 1, message)


def _children(node: Node) -> Iterator[Node]:
    if isinstance(node, SequenceNode):
        yield from node.value
    elif isinstance(node, MappingNode):
        for key, value in node.value:
            yield from (key, value)


def _check_size(root: Node, path: str) -> None:
    """Refuse what is too deep, endless or too large with its aliases written out, without writing them out."""
    known: dict[int, tuple[int, int]] = {}  # how many values a node has, and how deep they are

    def measure(node: Node, depth: int, around: frozenset[int]) -> tuple[int, int]:
        if id(node) in around:
            raise ConfigError([_at(node, path, "this anchor contains itself")])
        if id(node) not in known:
            if depth > _DEEPEST:
                raise ConfigError([_at(node, path, _TOO_DEEP)])
            inside = [measure(child, depth + 1, around | {id(node)}) for child in _children(node)]
            known[id(node)] = 1 + sum(size for size, _ in inside), 1 + max((height for _, height in inside), default=0)
        size, height = known[id(node)]
        if size > _MOST_NODES or depth + height > _DEEPEST + 1:
            raise ConfigError([_at(node, path, "aliases make this too large: write less, or grids")])
        return size, height

    measure(root, 0, frozenset())


class _Reader:
    """Nodes -> plain values, into a document."""

    def __init__(self, document: Document, path: str) -> None:
        self.document, self.path = document, path

    def value(self, node: Node, place: Place) -> Any:
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

    def _mapping(self, node: MappingNode, place: Place) -> dict[str, Any]:
        found: dict[str, Any] = {}
        if len(node.value) > _MOST_KEYS:
            message = f"{len(node.value)} keys are more than a mapping may have, {_MOST_KEYS}"
            self.document.faults.append(Fault(place, message))
            return found
        for key_node, value_node in node.value:
            name = _key(key_node)
            inside = (*place, name)
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
        return str(node.value)
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
