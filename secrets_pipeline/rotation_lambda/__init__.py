"""Rotate secrets inside AWS Lambda: the managed rotation function.

It stands alone: the standard library, what Lambda's runtime brings (boto3), and the distributions that `package` puts
beside it. Nothing else of this project is imported here; its pure modules may be imported from anywhere.
"""
