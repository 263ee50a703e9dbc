"""Stages of API Gateway."""
