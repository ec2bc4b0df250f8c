"""What a real model computes, as a list of steps: which activation follows which layer, what is added to what.

``steps`` says what a step is, in the terms of no framework; a folder for each framework makes the list of its models.
Predictions, initialisers and the diagnosis all stand on this list.
"""
