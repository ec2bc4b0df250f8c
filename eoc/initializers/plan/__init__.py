"""The plan of a whole model's initialisation, in the terms of no framework.

``structure`` says what follows what, ``roles`` by which rule a layer is drawn, ``layer_variances`` turns the rules into
numbers, and ``plan`` goes through the steps of a model, predicts their signals (:mod:`eoc.predict`) and decides what
every parameter is filled with (``fills``). ``settings`` is what users ask for, ``parameters`` what a framework has to
tell; ``drift`` warns of what no initialisation can mend, ``account`` and ``report`` say what was done.
"""
