"""What theory says of a real model, step by step, before it is run."""
