"""This computer: graphics cards, model weights, the MPS daemon, child processes and the sandbox."""
