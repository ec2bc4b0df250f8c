"""What a PyTorch model computes, as a list of steps.

``read`` makes the list. ``traced`` has torch.fx make the model's graph, which ``graph`` and ``calls`` turn into steps
by way of ``values``; ``functions`` lists those that are known. A model that cannot be traced is read in the order of
its modules (``ordered``). Either way ``builder`` collects the steps of ``modules`` and ``transformers``.
``elementwise``
makes activations of functions, and ``evaluated`` finds out what modules of the user's own do; ``unwrapped`` takes off
torch.compile.
"""
