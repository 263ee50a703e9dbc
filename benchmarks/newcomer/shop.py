"""A small shop that knows of this project: one stack, two secrets, one reader; rows change it."""

from __future__ import annotations

from collections.abc import Mapping

Files = Mapping[str, str]

OPERATOR = """
    targets:
      - {stacks: "*", account_id: "111122223333"}
    repository: github.com/acme/infrastructure
    grants: {preset: single-team}
"""

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
