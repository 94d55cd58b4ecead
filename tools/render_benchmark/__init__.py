"""Renderer of the bundled benchmark, a substitute for OpenLORIS-Object made from freely licensed furniture models."""
