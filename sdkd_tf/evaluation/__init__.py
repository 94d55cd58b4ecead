"""Evaluation of a network: accuracy and saliency error, metrics of lifelong learning and of saliency maps."""
