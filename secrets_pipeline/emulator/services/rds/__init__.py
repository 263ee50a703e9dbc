"""RDS for PostgreSQL with a real PostgreSQL behind every instance and Aurora cluster; other engines stay records.

What it corrects, measured on moto 5.2.5:

- An instance is `creating`, without an endpoint, until its server answers; its endpoint is that server's.
  https://docs.aws.amazon.com/AmazonRDS/latest/UserGuide/accessing-monitoring.html
- MasterUserPassword must satisfy the engine's rules, and a change of it really happens, asynchronously, shown meanwhile
  in PendingModifiedValues. https://docs.aws.amazon.com/AmazonRDS/latest/APIReference/API_ModifyDBInstance.html
- An instance is public where the caller says neither PubliclyAccessible nor a DBSubnetGroup; less storage than its type
  has is refused. https://docs.aws.amazon.com/AmazonRDS/latest/APIReference/API_CreateDBInstance.html
- The master user name is not a reserved word of the engine.
- A cluster has its endpoints from the beginning, and nobody answers there before its first instance is available; its
  password is a matter of the cluster, changed at once only with ApplyImmediately; an identifier is taken once.
  https://docs.aws.amazon.com/AmazonRDS/latest/APIReference/API_ModifyDBCluster.html
- DbiResourceId is unique. Managed master passwords are random and belong to the master user.
- The first database of an account makes RDS's service-linked role, for callers who may.
  https://docs.aws.amazon.com/AmazonRDS/latest/UserGuide/UsingWithRDS.IAM.ServiceLinkedRoles.html
- Deleting removes the server, stopping and starting an instance stops and starts it.

The port that a caller asks for is not honoured: a free one is taken. A cluster's reader endpoint is another name of its
writer's server, even where it has readers.
"""

from secrets_pipeline.emulator.services.rds.backend import install, stop_servers

__all__ = ["install", "stop_servers"]
