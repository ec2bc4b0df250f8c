"""Recurrent cells in the long run: variances, correlations, memory, and critical initial values.

``cells`` are what is known by name; ``theory`` and ``critical`` answer. The law of an LSTM's cell is in ``lstm_law``,
where it is kept in ``lstm``; its moments step by step are in ``lstm_moments``.
"""

from eoc.recurrence.cells import CELLS, Cell, cell_of
from eoc.recurrence.critical import critical_recurrent
from eoc.recurrence.lstm_moments import CellMoments, lstm_moments
from eoc.recurrence.theory import Recurrent, recurrent

__all__ = [
    "CELLS",
    "Cell",
    "CellMoments",
    "Recurrent",
    "cell_of",
    "critical_recurrent",
    "lstm_moments",
    "recurrent",
]
