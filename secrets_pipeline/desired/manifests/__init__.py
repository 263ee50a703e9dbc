"""What stack manifests may say, as a whole."""
