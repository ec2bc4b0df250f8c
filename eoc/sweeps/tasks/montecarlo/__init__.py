"""The tasks "montecarlo/...": networks of finite width beside theory, one file for each experiment."""
