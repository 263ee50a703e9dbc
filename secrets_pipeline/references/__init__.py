"""The expression language inside values: parse, order, resolve."""
