"""How hard the images of a task are, and new images shown as hard as those."""
