"""Generate, render, seal and scrub: the only code that touches plaintext."""

from secrets_pipeline.values.bundle import GeneratedPasswords
from secrets_pipeline.values.documents import field, merge_document, to_json
from secrets_pipeline.values.fingerprint import Fingerprinter
from secrets_pipeline.values.passwords import MAX_LENGTH, Chooser, generate
from secrets_pipeline.values.redact import scrubbed
from secrets_pipeline.values.render import render
from secrets_pipeline.values.seal import SealContext, open_seal, seal
from secrets_pipeline.values.seal_store import LocalSealStore, S3SealStore, SealStore

__all__ = [
    "MAX_LENGTH",
    "Chooser",
    "Fingerprinter",
    "GeneratedPasswords",
    "LocalSealStore",
    "S3SealStore",
    "SealContext",
    "SealStore",
    "field",
    "generate",
    "merge_document",
    "open_seal",
    "render",
    "scrubbed",
    "seal",
    "to_json",
]
