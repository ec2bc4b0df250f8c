"""Networks sampled layer by layer: the Gram process, exact in distribution and without matrices; or with matrices."""
