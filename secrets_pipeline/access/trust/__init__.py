"""Trust: whether what runs a consumer may assume its role, and who else may. Pure."""
