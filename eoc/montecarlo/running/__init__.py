"""Many networks: statistics that merge, threads, checkpoints; the same result however it was computed."""
