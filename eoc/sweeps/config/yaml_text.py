"""The text of a file, and the nodes of a YAML text, or where it is none; nothing is too large, too deep or endless."""

from __future__ import annotations

import re
import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from ruamel.yaml import YAML
from ruamel.yaml.error import MarkedYAMLError, YAMLError
from ruamel.yaml.events import CollectionEndEvent, CollectionStartEvent
from ruamel.yaml.nodes import MappingNode, Node, SequenceNode

from eoc.sweeps.config.problems import ConfigError

__all__ = ["LARGEST", "root_node", "text_of"]

LARGEST = 200_000  #: bytes of a file

_MOST_MARKS = 10_000  # of the marks before values, which are read in half a second
_DEEPEST = 24  # values inside values
_TOO_DEEP = "values are nested too deeply"
_MOST_NODES = 200_000  # with all aliases written out
_OPENED = re.compile(rf"(?:[\[{{]\s*){{{_DEEPEST + 1}}}")
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


def text_of(path: Path) -> str:
    """The text of a file in UTF-8.

    Raises
    ------
    ConfigError
        If it cannot be read.
    """
    try:
        with path.open("rb") as file:
            raw = file.read(LARGEST + 1)
    except FileNotFoundError:
        raise ConfigError.at(str(path), f"there is no such file{_beside(path)}") from None
    except (IsADirectoryError, PermissionError) as error:  # the latter is what Windows says of folders
        problem = "it is a folder: give the file in it" if path.is_dir() else f"it cannot be read: {error.strerror}"
        raise ConfigError.at(str(path), problem) from None
    except (OSError, ValueError) as error:  # ValueError: a NUL in the name
        raise ConfigError.at(str(path), f"it cannot be read: {getattr(error, 'strerror', None) or error}") from None
    if len(raw) > LARGEST:
        raise ConfigError.at(str(path), f"it is larger than {LARGEST} bytes: write long lists of numbers as grids")
    if raw.startswith((b"\xff\xfe", b"\xfe\xff")):
        raise ConfigError.at(str(path), "it is in UTF-16: save it as UTF-8")
    try:
        return raw.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        before = raw[: error.start].decode("utf-8-sig", errors="replace")
        message = f"the byte 0x{raw[error.start]:02x} is not UTF-8: save the file as UTF-8"
        raise _error_at(before, str(path), len(before), message) from None


def _beside(path: Path) -> str:
    names = [path.with_suffix(suffix).name for suffix in (".yaml", ".yml") if path.with_suffix(suffix).is_file()]
    return f"; did you mean {names[0]}?" if names else ""


def _error_at(text: str, path: str, index: int, message: str) -> ConfigError:
    r"""What is wrong at a character of a text.

    Examples
    --------
    >>> print(_error_at("one\ntwo", "a.yaml", 5, "bad"))
    a.yaml:2:2: bad
    """
    lines = re.split(r"\r\n|\r|\n", text[:index])
    return ConfigError.at(path, message, len(lines), len(lines[-1]) + 1)


def _error_of(thing: Any, path: str, message: str) -> ConfigError:
    """What is wrong with a node or an event."""
    return ConfigError.at(path, message, thing.start_mark.line + 1, thing.start_mark.column + 1)


def root_node(text: str, path: str) -> Node | None:
    """The node of a whole text that was found at ``path``; None if there is nothing in it.

    Raises
    ------
    ConfigError
        If it is no YAML 1.2, or would take long to read.
    """
    if found := _FORBIDDEN.search(text):
        message = f"the character U+{ord(found[0]):04X} cannot be in YAML: remove it"
        raise _error_at(text, path, found.start(), message)
    _check_version(text, path)
    _check_extent(text, path)
    root = _composed(text, path)
    if root is not None:
        _check_size(root, path)
    return root


def _check_version(text: str, path: str) -> None:
    found = re.search(r"^%YAML[ \t]+(\S+)", text, re.MULTILINE)
    if found is not None and found[1] != "1.2":
        raise _error_at(text, path, found.start(), f"this is read as YAML 1.2, not {found[1]:.9}: remove the line")


def _check_extent(text: str, path: str) -> None:
    """Refuse what would take long to read."""
    if sum(map(text.count, ",\n[{")) > _MOST_MARKS:
        raise _error_at("", path, 0, f"it has more than {_MOST_MARKS} values: write long lists of numbers as grids")
    if opened := _OPENED.search(text):
        raise _error_at(text, path, opened.end() - 1, _TOO_DEEP)


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
        raise ConfigError.at(path, f"this is not YAML: {_line(str(error))}", 1, 1) from None


def _deep(text: str, path: str) -> ConfigError:
    depth = 0
    for event in YAML(typ="safe", pure=True).parse(text):
        depth += isinstance(event, CollectionStartEvent) - isinstance(event, CollectionEndEvent)
        if depth > _DEEPEST:
            return _error_of(event, path, _TOO_DEEP)
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
    return ConfigError.at(path, f"this is not YAML: {hint}", line, column)


def _line(text: str) -> str:
    return " ".join(text.split())[:200]


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
            raise _error_of(node, path, "this anchor contains itself")
        if id(node) not in known:
            if depth > _DEEPEST:
                raise _error_of(node, path, _TOO_DEEP)
            inside = [measure(child, depth + 1, around | {id(node)}) for child in _children(node)]
            known[id(node)] = 1 + sum(size for size, _ in inside), 1 + max((height for _, height in inside), default=0)
        size, height = known[id(node)]
        if size > _MOST_NODES or depth + height > _DEEPEST + 1:
            raise _error_of(node, path, "aliases make this too large: write less, or grids")
        return size, height

    measure(root, 0, frozenset())
