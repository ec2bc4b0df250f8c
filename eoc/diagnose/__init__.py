"""Measure a real model, layer by layer, against the theory for its own activation and variances."""
