"""RDS for PostgreSQL with a real PostgreSQL behind every instance; other engines stay records.

What it corrects, measured on moto 5.2.5:

- An instance is `creating`, without an endpoint, until its server answers; its endpoint is that server's.
  https://docs.aws.amazon.com/AmazonRDS/latest/UserGuide/accessing-monitoring.html
- MasterUserPassword must satisfy the engine's rules, and a change of it really happens, asynchronously, shown meanwhile
  in PendingModifiedValues. https://docs.aws.amazon.com/AmazonRDS/latest/APIReference/API_ModifyDBInstance.html
- The master user name is not a reserved word of the engine.
- DbiResourceId is unique. Managed master passwords are random and belong to the master user.
- Deleting removes the server, stopping and starting an instance stops and starts it.

The port that a caller asks for is not honoured: a free one is taken. DB clusters (Aurora) stay records, too.
"""

from secrets_pipeline.local.corrections.rds.backend import install, stop_servers

__all__ = ["install", "stop_servers"]
