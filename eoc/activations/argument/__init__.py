"""What users of PyTorch, JAX, Flax and Keras call an activation, in the words of eoc.

``terms`` says what each name of a framework is, with its parameters and defaults; ``objects`` finds the name of a
function, a module or a layer, ``texts`` of a text such as ``torch.nn.GELU()``. What has no name is called in double
precision (``arrays``) and compared with what has one (``by_values``). No framework is imported: an object of one shows
that it has been.
"""

from eoc.activations.argument.objects import object_term
from eoc.activations.argument.terms import NOT_ELEMENTWISE, term
from eoc.activations.argument.texts import text_term

__all__ = ["NOT_ELEMENTWISE", "object_term", "term", "text_term"]
