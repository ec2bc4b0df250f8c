"""What a model of Keras computes, as a list of steps.

``read`` makes the list. Functional and sequential models know their operations on any backend: ``graph`` goes through
them, ``layers`` says what each layer of Keras is, those with kernels in ``affine`` and ``windows``, ``operations`` what
the functions of ``keras.ops`` are, and ``builder`` collects the steps. Models that are written as classes, and layers
of one's own, show nothing before they are called; on JAX they are traced (``traced``) and read by
:mod:`eoc.models.jax`, on other backends refused. ``names`` has the names of the variables.
"""
