"""What theory says of networks of finite width, to leading order in 1/N."""
