"""Make AWS Secrets Manager match an Atmos repository, and keep it so."""

__version__ = "0.1.0"
