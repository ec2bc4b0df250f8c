"""What a PyTorch model computes, as a list of steps.

``read`` makes the list. There are two sources of graphs: ``traced`` has torch.fx make one, ``recorded`` runs a copy of
the model (``copied``) on inputs that are given or ``offered``, and the modes of ``recorder`` see what it calls. One
interpreter, ``graph``, turns either into steps: ``modules`` and ``transformers`` know modules, ``calls`` functions, by
the names in ``functions`` and by what they do: ``pointwise``, ``products``, ``pooled`` and ``rows``.

``values`` says what nodes can be, ``fixed`` computes what does not depend on the input, and ``builder`` and ``making``
collect the steps. ``weights`` finds out how weights are set that are computed, ``units`` which units a reshaping
leaves, ``elementwise`` makes activations of functions, and ``evaluated`` finds out what modules of the user's own do.
``unwrapped`` takes off torch.compile, and ``preserve_state`` leaves a model as it was.

A model that can neither be traced nor run is read in the order of its modules (``ordered``).
"""
