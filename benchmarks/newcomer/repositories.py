"""Repositories in the styles of real ones, by path: none of them knows of this project, but for what a row adds."""

from __future__ import annotations

from collections.abc import Mapping

Files = Mapping[str, str]

ACCOUNT = "111122223333"
"""The embedded account's id."""

OPERATOR = """
    targets:
      - {stacks: "*", account_id: "111122223333"}
    repository: github.com/acme/infrastructure
    grants: {preset: single-team}
"""

TF_ATMOS: Files = {
    "atmos.yaml": """
        base_path: "."
        components: {terraform: {base_path: components/terraform}}
        stacks:
          base_path: stacks
          included_paths: ["orgs/**/*.yaml"]
          excluded_paths: ["**/_defaults.yaml"]
          name_template: "{{ .vars.tenant }}-{{ .vars.account }}-{{ .vars.environment }}"
        templates: {settings: {enabled: true, sprig: {enabled: true}, gomplate: {enabled: true}}}
    """,
    "stacks/catalog/infrastructure/defaults.yaml": """
        name: infrastructure
        metadata:
          description: "Core infrastructure"
          compliance: {hipaa: false, pci: false}
        components:
          terraform:
            vpc: {vars: {enabled: true, cidr_block: "${vpc_cidr}"}}
            eks: {vars: {enabled: true, cluster_name: "main", vpc_id: "${output.vpc.vpc_id}"}}
            rds: {vars: {enabled: true, identifier: "main", engine: postgres}}
            monitoring: {vars: {enabled: true}}
    """,
    "stacks/catalog/secretsmanager/defaults.yaml": """
        components:
          terraform:
            secretsmanager/defaults:
              metadata: {type: abstract, component: secretsmanager}
              vars:
                enabled: true
                secrets_enabled: true
                default_rotation_days: 30
                default_rotation_automatically: false
                random_password_length: 32
    """,
    "stacks/orgs/fnx/dev/eu-west-2/main.yaml": """
        import: [catalog/infrastructure/defaults, catalog/secretsmanager/defaults]
        vars: {tenant: fnx, account: dev, environment: testenv-01, stage: dev, region: eu-west-2, vpc_cidr: 10.0.0.0/16}
        components:
          terraform:
            secretsmanager/app:
              metadata: {component: secretsmanager, inherits: [secretsmanager/defaults]}
              vars:
                recovery_window_in_days: 7
                secrets:
                  app_credentials: {name: credentials, path: app, generate_random_password: true}
                  app_keys: {name: api-keys, path: app/api, generate_random_password: true}
                  istio_certificates:
                    name: istio-certificates
                    path: certificates
                    secret_data: |-
                      {"tls.crt_ssm_parameter": "/fnx/certificates/example.com-wildcard/cert", "reference_only": "true"}
    """,
    "stacks/orgs/fnx/staging/eu-west-2/main.yaml": """
        import: [catalog/infrastructure/defaults, catalog/secretsmanager/defaults]
        vars:
          tenant: fnx
          account: staging
          environment: staging-01
          stage: staging
          region: eu-west-2
          account_id: "${env:AWS_STAGING_ACCOUNT_ID}"
          vpc_cidr: "10.1.0.0/16"
        components:
          terraform:
            secretsmanager/app:
              metadata: {component: secretsmanager, inherits: [secretsmanager/defaults]}
              vars:
                context_name: app
                secrets:
                  ssh_keys: {name: ssh-keys, path: ssh}
                  db: {name: db, path: database, generate_random_password: true}
    """,
    "stacks/orgs/fnx/prod/eu-west-2/main.yaml": """
        import: [catalog/infrastructure/defaults, catalog/secretsmanager/defaults]
        vars:
          tenant: fnx
          account: prod
          environment: production
          stage: prod
          region: eu-west-2
          account_id: "${env:AWS_PROD_ACCOUNT_ID}"
          vpc_cidr: "10.2.0.0/16"
        components:
          terraform:
            kms/main: {metadata: {component: kms}, vars: {description: Main key, aliases: [alias/production-main]}}
            secretsmanager/infra:
              metadata: {component: secretsmanager, inherits: [secretsmanager/defaults]}
              vars:
                context_name: infra
                secrets:
                  tls_certificates: {name: tls-certificates, path: certificates}
                  service_accounts: {name: service-accounts, path: accounts}
                  db: {name: db, path: database, generate_random_password: true, enable_rotation: true}
    """,
}
"""Faults and all: sections that Atmos refuses, one name for three stacks, no context, kms with `aliases`."""

TF_ATMOS_EARLIER: Files = {
    "atmos.yaml": """
        base_path: "."
        stacks:
          base_path: stacks
          included_paths: ["account/**/*.yaml"]
          name_template: "{{ .vars.tenant }}-{{ .vars.account }}-{{ .vars.environment }}"
    """,
    "stacks/account/fnx/testenv-01/main.yaml": """
        vars: {account: dev, environment: fnx, region: eu-west-2, tenant: testenv-01, account_id: "111122223333"}
        components:
          terraform:
            vpc: {vars: {cidr: "10.0.0.0/16"}}
            kms: {vars: {alias: alias/fnx-main}}
            rds: {vars: {identifier: fnx-db, engine: postgres, master_username: app, db_name: app}}
            secretsmanager_app_db:
              vars:
                context_name: myapp
                default_kms_key_id: "${output.kms.key_id}"
                secrets:
                  db_credentials: {name: credentials, path: rds, generate_random_password: true}
                  db_connection:
                    name: connection
                    path: rds
                    secret_data: "postgresql://app:${output.secretsmanager_app_db.secret_values.db_credentials}@${output.rds.endpoint}:5432/app"
            secretsmanager_api:
              vars:
                context_name: myapp
                default_kms_key_id: "${output.kms.key_id}"
                secrets:
                  api_key: {name: api-key, path: integration, generate_random_password: true}
                  jwt_secret: {name: jwt-secret, path: auth, generate_random_password: true}
                  oauth_config:
                    name: oauth-config
                    path: auth
                    secret_data: |
                      {"clientId": "test", "clientSecret": "${output.secretsmanager_api.secret_values.api_key}"}
            secretsmanager_infra:
              vars:
                context_name: myapp
                default_kms_key_id: "${output.kms.key_id}"
                secrets:
                  vpn_config:
                    name: vpn-config
                    path: network
                    secret_data: |
                      {"endpoint": "${output.vpc.vpn_endpoint}", "key": "${ssm:/fnx/network/vpn/preshared-key}"}
                  monitoring_webhook: {name: monitoring-webhook, path: monitoring, generate_random_password: true}
                  istio_certificates:
                    name: istio-certificates
                    path: certificates
                    secret_data: '{"tls.crt": "${ssm:/fnx/certificates/example.com-wildcard/cert}"}'
    """,
}
"""Components with names of their own, a port twice, an output of Terraform's, parameters that are nowhere."""

OURS = """
    settings:
      secrets_pipeline:
        components:
          secretsmanager_app_db: secretsmanager
          secretsmanager_api: secretsmanager
          secretsmanager_infra: secretsmanager
"""

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

SHOP: Files = {
    "operator.yaml": OPERATOR,
    "atmos.yaml": """
        base_path: "."
        stacks:
          base_path: stacks
          included_paths: ["*.yaml"]
          name_template: "{{.vars.context_name}}-{{.vars.environment}}"
    """,
    "stacks/dev.yaml": """
        vars: {context_name: shop, environment: dev, region: eu-west-2}
        components:
          terraform:
            secretsmanager/app:
              vars:
                create_kms_key: true
                secrets:
                  api-key: {path: api, generate_random_password: true}
                  url: {path: api, secret_data: "https://x?key=${output.secretsmanager/app.secret_values.api-key}"}
                consumers:
                  first: {type: app, role_arn: "arn:aws:iam::111122223333:role/first", secrets: [api-key]}
    """,
}
"""One stack, two secrets, one reader."""

SECOND_REGION = """
    vars: {context_name: shop, environment: second, region: us-east-1}
    components:
      terraform:
        secretsmanager/app: {vars: {secrets: {token: {path: api, generate_random_password: true}}}}
"""

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


def shop_with(*entries: str) -> Files:
    """Return the shop with these lines as its secrets, of which a reader is nobody."""
    head = """
vars: {context_name: shop, environment: dev, region: eu-west-2}
components:
  terraform:
    secretsmanager/app:
      vars:
        secrets:
"""
    return {**SHOP, "stacks/dev.yaml": head + "".join(f"          {entry}\n" for entry in entries)}


def large(secrets: int, size: int) -> Files:
    """Return the shop with so many literal secrets, so many characters in all."""
    text = "lorem ipsum " * (size // secrets // 12)
    return shop_with(*(f"s{number}: {{path: bulk, secret_data: {text}}}" for number in range(secrets)))
