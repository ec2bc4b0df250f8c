"""Random inputs, which may end in a result or in an error that says what is wrong, and in nothing else.

A module of this folder is a *kind* of input: its ``KIND.draw(rng)`` makes one, and ``KIND.check(input)`` says what is
wrong with what happens, in sentences. ``python -m tests.fuzz --seconds 60 --seed 1`` tries all kinds in turn; the same
seed draws the same inputs in the same order, and ``--only commands --from 123 --number 1`` tries one of them again.
"""
