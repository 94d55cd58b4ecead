"""Task sequences, the images in them, and the tf.data pipeline."""
