"""Experiments with random networks of finite width, each beside what theory predicts.

Layers are numbered 1 .. L: layer 1 holds the first pre-activations, which are layer 0 of :func:`eoc.propagate`.
"""
