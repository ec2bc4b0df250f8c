"""The deep-learning frameworks are optional: what is missing is named together with the extra that installs it."""

from __future__ import annotations

from importlib.util import find_spec

from eoc.errors import EocError

__all__ = ["MissingFrameworkError", "needs"]


class MissingFrameworkError(EocError, ImportError):
    """A library that an optional part of eoc stands on is not installed."""


def needs(part: str, *, extra: str, libraries: tuple[str, ...]) -> None:
    """Refuse to import a part of eoc whose libraries are not installed.

    Parameters
    ----------
    part
        What is being imported.
    extra
        The extra of eoc that installs the libraries.
    libraries
        The top-level modules that the part imports.

    Raises
    ------
    MissingFrameworkError
        An :class:`EocError` and an ``ImportError``, with the command to type.

    Examples
    --------
    >>> needs("eoc.example", extra="example", libraries=("numpy",))
    >>> needs("eoc.example", extra="example", libraries=("numpy", "no_such_library"))
    Traceback (most recent call last):
        ...
    eoc.frameworks.MissingFrameworkError: eoc.example needs no_such_library, which is not installed: pip install
    "eoc[example]"
    """
    missing = [library for library in libraries if find_spec(library) is None]
    if missing:
        raise MissingFrameworkError(
            f"{part} needs {' and '.join(missing)}, which {'is' if len(missing) == 1 else 'are'} not installed: "
            f'pip install "eoc[{extra}]"'
        )
