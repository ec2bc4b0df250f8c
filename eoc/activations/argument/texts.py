"""Activations that are written as in the code of a framework: ``torch.nn.LeakyReLU(0.2)``, ``F.gelu``, ``jax.nn.gelu``.

Names are looked up and numbers read; nothing is imported, and nothing evaluated.
"""

from __future__ import annotations

import ast
import re
from difflib import get_close_matches

from eoc.activations.argument.terms import NOT_ELEMENTWISE, known_names, term
from eoc.errors import EocError

__all__ = ["text_term"]

_DOTTED = re.compile(
    r"\s*(?P<path>[A-Za-z_]\w*(?:\.[A-Za-z_]\w*)*)\.(?P<name>[A-Za-z_]\w*)\s*(?P<call>\(.*\))?\s*\Z", re.S
)

# What people import these as. linen has functions, torch.nn has classes: "nn" is both.
_FAMILIES = {
    "torch": ("torch",),
    "torch.nn": ("torch.nn",),
    "nn": ("torch.nn", "jax"),
    "torch.nn.functional": ("torch",),
    "nn.functional": ("torch",),
    "functional": ("torch",),
    "F": ("torch",),
    "jax.nn": ("jax",),
    "jax.numpy": ("jax",),
    "jnp": ("jax",),
    "flax.linen": ("jax",),
    "linen": ("jax",),
    "flax.nnx": ("jax",),
    "nnx": ("jax",),
    "keras.activations": ("keras",),
    "activations": ("keras",),
    "keras.layers": ("keras.layers",),
    "layers": ("keras.layers",),
}


def text_term(text: str) -> str | None:
    """What eoc calls an activation that is written as in the code of PyTorch, JAX, Flax or Keras.

    Parameters
    ----------
    text
        A dotted name, with or without a call: ``nn.ELU(alpha=0.5)``, ``F.leaky_relu(x, 0.2)``.

    Returns
    -------
    str
        None for what is no dotted name.

    Raises
    ------
    EocError
        For one that is not known, with what to type.

    Examples
    --------
    >>> text_term("nn.ELU(alpha=0.5)"), text_term("F.leaky_relu(x, 0.2)"), text_term("tf.keras.layers.LeakyReLU(0.2)")
    ('elu(alpha=0.5)', 'leaky_relu(slope=0.2)', 'leaky_relu(slope=0.2)')
    >>> text_term("flax.linen.gelu"), text_term("tanh(x)")
    ('gelu_tanh', None)
    """
    dotted = _DOTTED.match(text)
    if dotted is None:
        return None
    path, name = re.sub(r"\Atf\.keras\.", "keras.", dotted["path"]), dotted["name"]
    families = _FAMILIES.get(path, ())
    args, kwargs = _arguments(text, dotted["call"] or "")
    for family in families:
        if name in known_names(family):
            found = term(family, name, args, kwargs)
            if found is None:
                raise EocError(
                    f"{text.strip()} cannot be read: {name} has no such parameters, or lacks one that it needs"
                )
            return found
    raise EocError(_unknown(text.strip(), path, name, families))


def _arguments(text: str, call: str) -> tuple[list[object], dict[str, object]]:
    """The numbers and texts of a call, without the x that comes first."""
    try:
        tree = ast.parse(f"f{call or '()'}", mode="eval").body
        if isinstance(tree, ast.Call) and isinstance(tree.func, ast.Call) and _is_of_x(tree):
            tree = tree.func  # a module and its call: nn.ELU(0.5)(x)
        if (
            not isinstance(tree, ast.Call)
            or not isinstance(tree.func, ast.Name)
            or any(not k.arg for k in tree.keywords)
        ):
            raise ValueError
        args = tree.args[1:] if tree.args and isinstance(tree.args[0], ast.Name) else tree.args
        return [ast.literal_eval(arg) for arg in args], {str(k.arg): ast.literal_eval(k.value) for k in tree.keywords}
    except (SyntaxError, ValueError, TypeError, MemoryError, RecursionError):
        raise EocError(
            f"cannot read {text.strip()!r}: a name of a framework may be called with numbers only, as in "
            "nn.LeakyReLU(0.2); what is put together is a formula in x, without dots: x*sigmoid(x)"
        ) from None


def _is_of_x(call: ast.Call) -> bool:
    return len(call.args) == 1 and isinstance(call.args[0], ast.Name) and not call.keywords


def _unknown(text: str, path: str, name: str, families: tuple[str, ...]) -> str:
    from eoc.activations.named import names

    if name in NOT_ELEMENTWISE:
        return f"{text} is no activation: it has to change each element by a function of that element alone"
    for family in families:
        close = get_close_matches(name, known_names(family), 2)
        if close:
            return f"unknown activation {text!r}; did you mean {' or '.join(f'{path}.{each}' for each in close)}?"
    module = _SHORT.get(path, path)
    if name in names():
        return f"unknown activation {text!r}; did you mean {name!r}? A Python function is written {module}:{name}"
    return (
        f"unknown activation {text!r}: give a name that `eoc activations` lists, a formula in x without dots, or a "
        f"Python function as {module}:{name}"
    )


_SHORT = {"np": "numpy", "jnp": "jax.numpy", "F": "torch.nn.functional", "nn": "torch.nn", "tf": "tensorflow"}
