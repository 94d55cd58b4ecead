"""What a network is worth: its accuracy and saliency error, the metrics of lifelong learning and of saliency maps."""
