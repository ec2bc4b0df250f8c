"""Networks of finite width, sampled, and what theory says of them.

From the ground: ``settings`` is what networks are given by; ``sampling`` goes through them layer by layer, without
weight matrices or with them; ``running`` does so with many of them on threads, with statistics and checkpoints;
``samples`` returns all layers as arrays, ``blocks`` what is seen of blocks of any layers, ``batches`` Gram matrices of
batches that are normalised; ``theory`` predicts how far networks stray from the maps; ``experiments`` puts theory
beside measurement. Layers are numbered from 1: layer 1 is layer 0 of :func:`eoc.propagate`.
"""

from eoc.montecarlo.batches import BatchSample, sample_batches
from eoc.montecarlo.blocks import BlockSample, sample_blocks
from eoc.montecarlo.experiments.comparison import Comparison
from eoc.montecarlo.experiments.correlations import CorrelationProcess, correlation_process
from eoc.montecarlo.experiments.divergence import Divergence, divergence
from eoc.montecarlo.experiments.gaussianity import Gaussianity, gaussianity
from eoc.montecarlo.experiments.lengths import LengthProcess, length_process
from eoc.montecarlo.experiments.recurrent import RecurrentSample, recurrent_networks
from eoc.montecarlo.experiments.scaling import LengthScaling, length_scaling
from eoc.montecarlo.experiments.second_layer import (
    RECIPROCAL,
    SecondLayer,
    cauchy_comparisons,
    covariance_comparisons,
    second_layer,
)
from eoc.montecarlo.experiments.verification import Verification, verify
from eoc.montecarlo.running.runner import run
from eoc.montecarlo.running.study import Study
from eoc.montecarlo.running.summary import Summary
from eoc.montecarlo.samples import ExplicitRun, Sample, explicit_networks, sample_networks
from eoc.montecarlo.sampling.inputs import hypercube
from eoc.montecarlo.sampling.laws import WeightLaw, law
from eoc.montecarlo.sampling.layer import Layer
from eoc.montecarlo.theory.lengths import LengthTheory, length_theory, second_layer_covariance
from eoc.montecarlo.theory.noise import CorrelationNoise, correlation_noise
from eoc.montecarlo.theory.pairs import PairNoise, pair_noise

__all__ = [
    "RECIPROCAL",
    "BatchSample",
    "BlockSample",
    "Comparison",
    "CorrelationNoise",
    "CorrelationProcess",
    "Divergence",
    "ExplicitRun",
    "Gaussianity",
    "Layer",
    "LengthProcess",
    "LengthScaling",
    "LengthTheory",
    "PairNoise",
    "RecurrentSample",
    "Sample",
    "SecondLayer",
    "Study",
    "Summary",
    "Verification",
    "WeightLaw",
    "cauchy_comparisons",
    "correlation_noise",
    "correlation_process",
    "covariance_comparisons",
    "divergence",
    "explicit_networks",
    "gaussianity",
    "hypercube",
    "law",
    "length_process",
    "length_scaling",
    "length_theory",
    "pair_noise",
    "recurrent_networks",
    "run",
    "sample_batches",
    "sample_blocks",
    "sample_networks",
    "second_layer",
    "second_layer_covariance",
    "verify",
]
