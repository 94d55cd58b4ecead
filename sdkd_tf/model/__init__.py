"""The network of SDKD, one part of the paper's figures a file."""
