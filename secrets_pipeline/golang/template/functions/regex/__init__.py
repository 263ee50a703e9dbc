"""Regular expressions as Go has them."""
