"""Name the tags that the pipeline writes."""

from __future__ import annotations

PREFIX = "secrets-pipeline:"


STACK = PREFIX + "stack"


REPOSITORY = PREFIX + "repository"
"""Id of the repository that the stack is of; absent where none was known, as in older marks."""


COMPONENT = PREFIX + "component"


KEY = PREFIX + "key"


SPEC = PREFIX + "spec"


VALUE_VERSION = PREFIX + "value-version"


VALUE_KEY = PREFIX + "value-key"
"""Id of the KMS key that the value was last written under; another one than the secret's means an unfinished move."""


INPUTS = PREFIX + "inputs"


PASSWORD = PREFIX + "password"


GENERATED = PREFIX + "generated"
"""The rule by which the password that is stored was generated, where this project wrote it."""


KEPT = PREFIX + "kept"
"""Parts that a secret had when it was adopted and that nobody declared: they are left alone."""


TAGS = PREFIX + "tags"
"""Which tags of a secret or key the stack declared: only those are taken away when they leave the YAML."""


REPLICAS = PREFIX + "replicas"
"""Regions that we were asked to replicate a secret to; only those replicas are ours to remove."""
