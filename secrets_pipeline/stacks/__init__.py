"""Resolve an Atmos repository into stacks: the stack-manifest language of Atmos; calls no AWS."""

from secrets_pipeline.stacks.components.distinct import distinct
from secrets_pipeline.stacks.components.model import AtmosStack, Component, Included, Resolution, Unsettled, UnsettledBy
from secrets_pipeline.stacks.config.config_values import CONFIG_VARIABLES
from secrets_pipeline.stacks.config.stores import ASM, SSM, Store, Stores, store_named
from secrets_pipeline.stacks.files.disk import read_text
from secrets_pipeline.stacks.files.readable import (
    OUTSIDE,
    Unreadable,
    readable_problem,
    readable_state_problem,
    real_name,
)
from secrets_pipeline.stacks.sources.repository import AtmosRepository
from secrets_pipeline.stacks.sources.source import SourceChoice, StackSource, open_source
from secrets_pipeline.stacks.texts import texts

__all__ = [
    "ASM",
    "CONFIG_VARIABLES",
    "OUTSIDE",
    "SSM",
    "AtmosRepository",
    "AtmosStack",
    "Component",
    "Included",
    "Resolution",
    "SourceChoice",
    "StackSource",
    "Store",
    "Stores",
    "Unreadable",
    "Unsettled",
    "UnsettledBy",
    "distinct",
    "open_source",
    "read_text",
    "readable_problem",
    "readable_state_problem",
    "real_name",
    "store_named",
    "texts",
]
