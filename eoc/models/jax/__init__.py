"""What a function of JAX computes with its parameters, as a list of steps.

``read`` makes the list of a function, and ``models`` knows how models of Flax (linen and nnx) and Equinox are called.
JAX traces the function, without any numbers; ``interpreter`` goes through the operations of what it finds, calls within
it included. ``values`` says what an operation can take in: what depends on the model's input, and what does not, such
as a parameter in another shape (``views``). Operations that keep units apart, or reduce over them and spread
the result again, wait in a ``Signal`` until its value is needed; ``builder`` makes steps of them, where ``chains`` says
what belongs together and ``evaluated`` finds out which activation or normalisation it is, by calling it
(``operations``). ``products`` has the layers, ``parameters`` where their weights stand, and ``computed`` computes the
function with its layers in sight.
"""
