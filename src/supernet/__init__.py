"""supernet: measures what weight-sharing neural architecture search really delivers."""

__version__ = "0.1.0"
