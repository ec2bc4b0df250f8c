"""The models and arrays that commands take: a PyTorch model of a file or package, an array of a file."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from eoc.errors import EocError

__all__ = ["built_model", "read_array"]


def built_model(source: str) -> tuple[Any, Any]:
    """The model that "my_file.py:build" or "package.module:build" means, and the batch that came with it or None.

    Raises
    ------
    EocError
        For anything else, and for what is no ``torch.nn.Module``.
    """
    from torch.nn import Module

    from eoc.activations.imported import imported, own_function

    own = own_function(source)
    if own is None:
        raise EocError(f"MODEL says where a model is: my_file.py:build or package.module:build, got {source!r}")
    found = imported(*own)
    if callable(found) and not isinstance(found, Module):
        try:
            found = found()
        except Exception as error:
            raise EocError(f"{source} failed: {type(error).__name__}: {error}") from error
    built, given = found if isinstance(found, tuple) and len(found) == 2 else (found, None)
    if not isinstance(built, Module):
        raise EocError(f"{source} must give a torch.nn.Module, or one and a batch, got {type(built).__name__}")
    return built, given


def read_array(path: Path, what: str = "one array of numbers (numpy.save)") -> Any:
    """The array of a .npy file, of whole numbers or doubles."""
    import numpy as np

    try:
        values = np.load(path, allow_pickle=False)
    except (OSError, ValueError, EOFError) as error:
        raise EocError(f"cannot read {path}: {getattr(error, 'strerror', None) or error}") from None
    if not isinstance(values, np.ndarray) or values.dtype.kind not in "iuf":
        raise EocError(f"{path} must hold {what}")
    return values.astype("int64" if values.dtype.kind in "iu" else "float64")
