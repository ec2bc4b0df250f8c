"""Networks without weight matrices: the Gram process, sampled exactly in distribution."""
