"""Pretrains the saliency branches on rendered masks; the result is bundled in `sdkd_tf/weights`."""
