"""The repository of tf-atmos as it is, and as it was: its own faults are in it."""

from __future__ import annotations

from benchmarks.newcomer.shop import Files

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
