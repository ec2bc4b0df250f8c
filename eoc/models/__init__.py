"""What a real model computes, as a list of steps: which activation follows which layer, what is added to what.

``steps`` says what a step is. ``read`` makes the list of a PyTorch model, by ``torch.fx`` where that can trace it
(``traced``) and else in the order of its modules (``ordered``); ``recognised`` turns its activation modules and
functions into :class:`eoc.Activation` s. Initialisers and diagnosis both stand on this list.
"""
