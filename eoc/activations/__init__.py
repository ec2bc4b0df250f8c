"""What a nonlinearity is, and the three ways to name one: by name, as a formula, as a Python function."""
from eoc.activations.base import Activation
def activation(source, **parameters):
    from eoc.activations.standard import named
    return named(source, **parameters)
