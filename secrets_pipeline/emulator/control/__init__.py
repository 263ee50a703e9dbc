"""What a test tells the embedded AWS to do: fail, lag, be slow, move its clock; and what it was asked."""
