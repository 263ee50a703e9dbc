"""Repositories in the styles of real ones, by path: none of them knows of this project, but for what a row adds."""

from __future__ import annotations

from benchmarks.newcomer.shop import OPERATOR, Files

CLOUD_POSSE: Files = {
    "atmos.yaml": """
        base_path: "."
        components: {terraform: {base_path: components/terraform}}
        stacks:
          base_path: stacks
          included_paths: ["orgs/**/*"]
          excluded_paths: ["**/_defaults.yaml"]
          name_template: "{{.vars.namespace}}-{{.vars.environment}}-{{.vars.stage}}"
        templates: {settings: {enabled: true}}
    """,
    "stacks/catalog/components.yaml": """
        components:
          terraform:
            kms/app: {metadata: {component: kms}, vars: {description: Theirs, enable_key_rotation: true}}
            rds/app: {metadata: {component: rds}, vars: {name: app, engine: postgres, instance_class: db.t3.micro}}
            aurora-postgres: {vars: {name: db, cluster_size: 2, ssm_path_prefix: /aurora-postgres}}
            lambda/worker:
              metadata: {component: lambda}
              vars: {function_name: worker, vpc_id: '{{ (atmos.Component "vpc" .stack).outputs.vpc_id }}'}
            ecs/app: {metadata: {component: ecs}, vars: {name: app, cluster: !terraform.state ecs/cluster name}}
            apigateway/rest:
              metadata: {component: apigateway}
              vars: {id: '{{ atmos.Store "ssm" .stack "api" "id" }}'}
            vpc: {vars: {name: vpc}}
    """,
    "stacks/mixins/region/us-east-1.yaml": "vars: {region: us-east-1, environment: ue1}\n",
    "stacks/mixins/stage/dev.yaml": "vars: {stage: dev}\n",
    "stacks/orgs/eg/_defaults.yaml": "vars: {namespace: eg, tenant: plat}\n",
    "stacks/orgs/eg/dev/us-east-1.yaml": """
        import: [orgs/eg/_defaults, mixins/stage/dev, mixins/region/us-east-1, catalog/components]
        components:
          terraform:
            secretsmanager/app:
              vars:
                context_name: eg
                secrets:
                  api-key: {path: app, generate_random_password: true}
    """,
}
"""Cloud Posse's reference architecture: `environment` is the region, and kms, rds, lambda and ecs are theirs."""

NO_SECRETS: Files = {
    "atmos.yaml": """
        base_path: "./"
        components: {terraform: {base_path: components/terraform}}
        stacks:
          base_path: stacks
          included_paths: ["deploy/**/*"]
          name_pattern: "{environment}-{stage}"
        templates: {settings: {enabled: true, gomplate: {enabled: true}}}
    """,
    "stacks/defaults/app.yaml": """
        components:
          terraform:
            app:
              metadata: {component: ecs-task, terraform_workspace: "{{ .atmos_stack }}-{{ .atmos_component }}"}
              vars:
                name: app
                ecs: !terraform.state ecs/cluster .
                containers: {app: {image: !env "APP_IMAGE example/app:1", environment: [{name: COLOR, value: blue}]}}
    """,
    "stacks/deploy/dev.yaml": """
        import: [defaults/app]
        vars: {namespace: ex1, tenant: plat, stage: dev, environment: ue2, region: us-east-2}
        components:
          terraform:
            vpc: {metadata: {component: vpc}, vars: {cidr_block: 10.0.0.0/16}}
            account-map: {vars: {iam_role_arn_template_template: "arn:%s:iam::%s:role/%s-%s-%s-%s-%%s"}}
    """,
    "stacks/deploy/audit.yaml": """
        vars: {namespace: ex1, tenant: core, stage: audit, environment: gbl, region: us-east-2}
        components: {terraform: {guardduty/root: {vars: {delegated: true}}, kms: {vars: {aliases: [alias/x]}}}}
    """,
}
"""An ECS application and a landing zone in one: what four real repositories have, and no secret."""

VENDORED: Files = {
    **NO_SECRETS,
    "stacks/deploy/auto.yaml": """
        import: [catalog/spacelift/vendored]
        vars: {stage: auto, environment: ue2, region: us-east-2}
        components: {terraform: {spacelift: {vars: {enabled: true}}}}
    """,
    "stacks/deploy/prod.yaml": """
        vars: {stage: prod, environment: ue2, region: us-east-2}
        components:
          terraform:
            secretsmanager/app:
              vars: {context_name: shop, secrets: {token: {path: api, generate_random_password: true}}}
    """,
}
"""One import that only vendoring brings."""

GEODESIC: Files = {
    "rootfs/usr/local/etc/atmos/atmos.yaml": """
        base_path: ""
        stacks: {base_path: stacks, included_paths: ["orgs/**/*"], name_template: "{{.vars.namespace}}-{{.vars.stage}}"}
    """,
    "stacks/orgs/eg/dev.yaml": """
        vars: {namespace: eg, stage: dev, region: eu-west-2}
        components:
          terraform:
            secretsmanager/app:
              vars:
                context_name: eg
                environment: dev
                secrets: {api-key: {path: app, generate_random_password: true}}
    """,
}
"""An image: atmos.yaml below rootfs, no clone of git."""

STORES: Files = {
    "operator.yaml": OPERATOR,
    "atmos.yaml": """
        base_path: "."
        stacks: {base_path: stacks, included_paths: ["*.yaml"], name_pattern: "{stage}"}
        stores:
          secrets/asm: {kind: aws/asm, secret: true, options: {region: eu-west-2, prefix: acme/secrets}}
          secrets/ssm: {kind: aws/ssm, secret: true, options: {region: eu-west-2, prefix: /acme/secrets}}
    """,
    "stacks/dev.yaml": """
        vars: {stage: dev, region: eu-west-2}
        components:
          terraform:
            app:
              metadata: {component: ecs-task}
              secrets:
                vars:
                  API_KEY: {description: Key of the partner, store: secrets/asm, required: true}
                  TOKEN: {description: Another, store: secrets/ssm, required: true}
              vars: {name: app, api_key: !secret API_KEY}
    """,
}
"""Atmos's own secrets: one in Secrets Manager, one in Parameter Store."""

SSM_PARAMETERS: Files = {
    **{name: text for name, text in NO_SECRETS.items() if name == "atmos.yaml"},
    "stacks/deploy/dev.yaml": """
        vars: {stage: dev, environment: ue2, region: us-east-2}
        components:
          terraform:
            ssm-parameters:
              vars:
                params:
                  /app/dev/db-password: {value: "", description: Password, type: SecureString, overwrite: false}
            aurora-postgres: {vars: {name: db, ssm_path_prefix: /aurora-postgres, cluster_size: 2}}
    """,
}
"""Cloud Posse's way without Secrets Manager."""

CANARY = "canary-Qv73-plain-password"
"""Stands where a team keeps a password in plain text: no first screen may print it."""

APPLICATION: Files = {
    "atmos.yaml": """
        base_path: "."
        components: {terraform: {base_path: components/terraform}}
        stacks:
          base_path: stacks
          included_paths: ["deploy/**/*"]
          excluded_paths: ["**/_defaults.yaml"]
          name_template: "{{ .vars.stage }}"
    """,
    "stacks/catalog/app.yaml": f"""
        components:
          terraform:
            app-api:
              metadata: {{component: app-api}}
              vars:
                secret_names: [app/db, app/session]
                database: {{user: app, password: {CANARY}}}
                partner_arn: "arn:aws:secretsmanager:eu-central-1:111122223333:secret:partner-a1b2c3"
                secrets_enabled: true
              env: {{API_TOKEN: {CANARY}}}
            network: {{vars: {{cidr_block: 10.0.0.0/16}}}}
    """,
    "stacks/deploy/_defaults.yaml": "vars: {region: eu-central-1}\n",
    "stacks/deploy/dev.yaml": """
        import:
          - catalog/app
          - path: deploy/_defaults

        vars:
          stage: dev
    """,
    "stacks/deploy/prod.yaml": """
        vars: {stage: prod, account_id: "111122223333"}
        import: [catalog/app, deploy/_defaults]
    """,
    "components/terraform/app-api/main.tf": f"""
        locals {{
          fallback = "{CANARY}"
        }}

        resource "aws_secretsmanager_secret" "db" {{
          name = var.secret_names[0]
        }}

        resource "aws_ssm_parameter" "session" {{
          name  = "/app/session"
          value = "{CANARY}"
        }}
    """,
}
"""An application whose own Terraform code makes its secrets; two stacks, named by their stage."""

DATABASE: Files = {
    "atmos.yaml": """
        base_path: "."
        components: {terraform: {base_path: components/terraform}}
        stacks:
          base_path: stacks
          included_paths: ["**/*"]
          excluded_paths: ["**/_*.yaml"]
          name_pattern: "{tenant}-{stage}"
        templates: {settings: {enabled: true}}
    """,
    "stacks/_rds.yaml": f"""
        components:
          terraform:
            rds:
              metadata: {{component: rds}}
              vars: {{name: appdb, engine: postgres, manage_master_user_password: true}}
            cache: {{vars: {{auth_token: {CANARY}, token_ttl: 3600}}}}
    """,
    "stacks/acme/dev.yaml": """
        vars: {namespace: plat, tenant: platform, environment: usw2, stage: dev, region: us-west-2}
        import:
          - _rds
        components: {terraform: {vpc: {vars: {name: vpc}}}}
    """,
}
"""A database whose password RDS makes; every manifest without an underscore is a stack."""

RENDERED_TWICE: Files = {
    "atmos.yaml": """
        base_path: "."
        components: {terraform: {base_path: components/terraform}}
        stacks: {base_path: stacks, included_paths: ["deploy/**/*"], name_pattern: "{stage}"}
        templates: {settings: {enabled: true, evaluations: 2, sprig: {enabled: true}}}
    """,
    "stacks/deploy/lab-network.yaml": """
        vars: {stage: lab}
        components: {terraform: {vpc: {vars: {name: vpc}}}}
    """,
    "stacks/deploy/lab.yaml": """
        vars: {stage: lab}
        components:
          terraform:
            codebuild: {vars: {name: "{{ .vars.stage }}-build"}}
            eks: {vars: {name: "{{ .vars.stage }}-eks"}}
    """,
}
"""Templates that Atmos renders twice, a stack of two manifests, and no region in any variable."""
