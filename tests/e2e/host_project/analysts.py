import dagster as dg


@dg.asset
def analysts_table() -> None:
    pass


defs = dg.Definitions(assets=[analysts_table], resources={"aws": "that of analysts"})
