"""Networks with real weight matrices, of any law, and their gradients."""
