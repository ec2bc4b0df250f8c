"""What a real model computes, as a list of steps: which activation follows which layer, what is added to what.

``steps`` says what a step is, and ``read`` makes the list of a PyTorch model. ``traced`` has torch.fx make its graph,
which ``graph`` and ``calls`` turn into steps by way of ``values``; ``functions`` lists those that are known. A model
that cannot be traced is read in the order of its modules (``ordered``). Either way ``builder`` collects the steps of
``modules`` and ``transformers``. ``recognised`` knows PyTorch's activations, ``elementwise`` makes activations of other
functions, and ``evaluated`` finds out what modules of the user's own do; ``unwrapped`` takes off torch.compile.

Initialisers and diagnosis both stand on this list.
"""
