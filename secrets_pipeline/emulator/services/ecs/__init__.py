"""ECS as AWS documents it where moto differs.

What it corrects, measured on moto 5.2.5:

- UpdateService makes a new primary deployment, IN_PROGRESS and then COMPLETED; the one before drains meanwhile.
  https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_Deployment.html
- UpdateService gives a task definition only to a service that ECS itself deploys.
  https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_UpdateService.html
- A service runs tasks, which ListTasks and DescribeTasks show with `startedAt`; a deployment replaces them.
  https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_Task.html
- A task whose secrets its execution role may not read does not start, and the deployment circuit breaker acts on that.
  https://docs.aws.amazon.com/AmazonECS/latest/developerguide/resource-initialization-error.html
  https://docs.aws.amazon.com/AmazonECS/latest/developerguide/deployment-circuit-breaker.html
- `taskDefinition` of a service is always a complete ARN.
  https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_Service.html
- Container secrets need an execution role.
  https://docs.aws.amazon.com/AmazonECS/latest/developerguide/task_execution_IAM_role.html
- A task definition is registered with tags or without the parameter, not with an empty list or reserved keys.
  https://github.com/fabfuel/ecs-deploy/issues/146,
  https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_RegisterTaskDefinition.html
- A container without memory shares its task's, where moto breaks.
  https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_ContainerDefinition.html
- A network configuration without security groups means the VPC's default group, not HTTP 500.
"""

from secrets_pipeline.emulator.services.ecs.backend import install

__all__ = ["install"]
