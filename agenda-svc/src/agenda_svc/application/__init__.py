"""The use cases, one a file. They speak to the outside through the ports of ``ports.py`` only."""
