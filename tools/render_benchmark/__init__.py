"""The rendered benchmark: a stand-in for OpenLORIS-Object made from free furniture models."""
