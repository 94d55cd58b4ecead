"""Second implementations, in NumPy loops and double precision, that the package is tested against."""
