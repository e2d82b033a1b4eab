"""What in an account would stop a deployment: one line a check, each failure with its remedy."""
