"""Apply one stage of one stack at a time, under the lease of the stack."""
