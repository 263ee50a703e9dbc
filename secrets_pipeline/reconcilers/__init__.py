"""Observe, plan, apply and check AWS resources: one folder a kind."""
