import dagster as dg


@dg.asset
def billing_table() -> None:
    pass


defs = dg.Definitions(assets=[billing_table], resources={"aws": "that of billing"})
