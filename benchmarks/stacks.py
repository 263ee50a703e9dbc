"""How long a large Atmos repository takes to resolve, against parsing its files once: a table of docs/evidence.md.

    .venv/bin/python benchmarks/stacks.py [--scales 0.25,1,4] [--runs 3]

The repository is generated: at scale 1 it has 836 manifests, 195 stacks, 2,114 imports and 9,261 component instances
with three levels of inheritance and, where templates are on, a template in every tenth component. The peer is
`yaml.load` with `yaml.CSafeLoader` of every one of these files, once. Each measurement is a process of its own; the two
alternate, and the fastest run of each counts.
"""

from __future__ import annotations

import argparse
import json
import platform
import random
import resource
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

ATMOS = """\
base_path: "."
stacks:
  base_path: stacks
  included_paths: ["orgs/**/*"]
  excluded_paths: ["**/_defaults.yaml"]
  name_template: "{{ .vars.tenant }}-{{ .vars.environment }}-{{ .vars.stage }}"
components:
  terraform:
    base_path: components/terraform
templates:
  settings:
    enabled: %s
    sprig: {enabled: true}
"""


@dataclass(frozen=True, slots=True)
class Shape:
    """How much of everything a generated repository has.

    Attributes:
        stacks: top-level manifests, one stack each.
        catalogs: catalog manifests, each with five components of which two are abstract.
        regions: mixins of regions.
        tenants: tenants, each with four stages.
        imports: entries of `import` in all manifests.
        instances: components of all stacks.
    """

    stacks: int
    catalogs: int
    regions: int
    tenants: int
    imports: int
    instances: int

    @classmethod
    def at(cls, scale: float) -> Shape:
        """The shape of a real large repository, or a multiple of it."""
        tenants = max(1, round(5 * scale))
        regions = 15
        stacks = round(195 * scale)
        catalogs = round(836 * scale) - stacks - regions - 5 * tenants - 1
        return cls(stacks, catalogs, regions, tenants, round(2114 * scale), round(9261 * scale))

    @property
    def manifests(self) -> int:
        """All manifest files."""
        return self.stacks + self.catalogs + self.regions + 5 * self.tenants + 1


PER_CATALOG = 5
STAGES = ("dev", "staging", "prod", "audit")
ORGANISATION = {
    "vars": {"namespace": "acme", "tags": {"Org": "acme", "ManagedBy": "Atmos"}},
    "terraform": {
        "backend_type": "s3",
        "backend": {"s3": {"bucket": "acme-tfstate", "key": "terraform.tfstate", "encrypt": True}},
    },
}


class Generator:
    """Writes a repository of a shape into a folder, the same one each time."""

    def __init__(self, folder: Path, shape: Shape, *, templates: bool) -> None:
        self._folder = folder
        self._shape = shape
        self._templates = templates
        self._random = random.Random(f"{shape}")  # noqa: S311 - a repeatable repository, no secret

    def write(self) -> None:
        """Write atmos.yaml and all manifests."""
        shape = self._shape
        self._folder.mkdir(parents=True)
        (self._folder / "atmos.yaml").write_text(ATMOS % str(self._templates).lower())
        for number in range(shape.regions):
            region = {"region": f"region-{number}", "environment": f"r{number}"}
            self._manifest(f"mixins/region/r{number}", {"vars": region})
        self._manifest("orgs/acme/_defaults", ORGANISATION)
        for tenant in (f"t{number}" for number in range(shape.tenants)):
            variables = {"tenant": tenant, "tags": {"Tenant": tenant}}
            self._manifest(f"orgs/acme/{tenant}/_defaults", {"import": ["orgs/acme/_defaults"], "vars": variables})
            for stage in STAGES:
                defaults = {
                    "import": [f"orgs/acme/{tenant}/_defaults"],
                    "vars": {"stage": stage, "tags": {"Stage": stage}},
                    "settings": {"spacelift": {"workspace_enabled": stage != "audit"}},
                }
                self._manifest(f"orgs/acme/{tenant}/{stage}/_defaults", defaults)
        for number in range(shape.catalogs):
            self._manifest(f"catalog/c{number}", self._catalog(number))
        self._stacks()

    def _stacks(self) -> None:
        shape = self._shape
        catalogs = shape.imports - 5 * shape.tenants - 2 * shape.stacks
        own = shape.instances - catalogs * PER_CATALOG
        for number in range(shape.stacks):
            tenant, place = number % shape.tenants, number // shape.tenants
            stage, region = STAGES[place % len(STAGES)], place // len(STAGES) % shape.regions
            imported = self._random.sample(range(shape.catalogs), share(catalogs, shape.stacks, number))
            components: dict[str, Any] = {
                f"app-{n}": {
                    "metadata": {"component": "app", "inherits": [f"c{self._random.choice(imported)}/base"]},
                    "vars": {"name": f"app-{n}", "replicas": n, "tags": {"App": f"app-{n}"}},
                }
                for n in range(share(own, shape.stacks, number))
            }
            for catalog in imported[::2]:
                changed = {"enabled": True, "size": f"m5.{stage}", "zones": ["a", "b", "c"]}
                components[f"c{catalog}/one"] = {"vars": changed}
            folder = f"orgs/acme/t{tenant}/{stage}"
            imports = [f"{folder}/_defaults", f"mixins/region/r{region}", *(f"catalog/c{one}" for one in imported)]
            stack = {
                "import": imports,
                "vars": {"environment": f"r{region}n{number}"},
                "components": {"terraform": components},
            }
            self._manifest(f"{folder}/r{region}-{number}", stack)

    def _catalog(self, number: int) -> dict[str, Any]:
        name = f"c{number}"
        defaults = {
            "metadata": {"type": "abstract", "component": name},
            "settings": {"depends_on": {"1": {"component": "vpc"}}},
            "vars": {
                "enabled": True,
                "name": name,
                "size": "m5.large",
                "min_size": 1,
                "max_size": 3,
                "encrypted": True,
                "description": f"The {name} of the platform, see the runbook",
                "retention_days": 30,
                "allowed_cidrs": ["10.0.0.0/8", "172.16.0.0/12"],
                "tags": {"Component": name, "Team": f"team-{number % 7}"},
                "logging": {
                    "enabled": True,
                    "bucket": f"{name}-logs",
                    "prefix": "logs/",
                    "rules": [{"days": 30}, {"days": 365}],
                },
            },
        }
        base = {
            "metadata": {"type": "abstract", "inherits": [f"{name}/defaults"]},
            "vars": {"max_size": 5, "logging": {"prefix": f"{name}/"}, "tags": {"Tier": "base"}},
        }
        concrete = {
            f"{name}/{which}": {
                "metadata": {"inherits": [f"{name}/base"]},
                "vars": {"name": f"{name}-{which}", "size": "m5.xlarge", "alias": self._alias(number, place)},
            }
            for place, which in enumerate(("one", "two", "three"))
        }
        return {"components": {"terraform": {f"{name}/defaults": defaults, f"{name}/base": base, **concrete}}}

    def _alias(self, number: int, place: int) -> str:
        """A value that is a template in one component of every second catalog, which is a tenth of all."""
        if place == 1 and number % 2:
            return "{{ .vars.tenant }}-{{ .vars.stage }}-{{ .vars.name | upper }}"
        return f"alias-{number}-{place}"

    def _manifest(self, name: str, content: dict[str, Any]) -> None:
        path = self._folder / "stacks" / f"{name}.yaml"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(yaml.dump(content, Dumper=yaml.CSafeDumper, sort_keys=False))


def share(total: int, parts: int, number: int) -> int:
    """How much of `total` part `number` of `parts` gets."""
    return total * (number + 1) // parts - total * number // parts


def peer(folder: Path) -> dict[str, float]:
    """Parse every manifest once."""
    files = sorted(folder.glob("stacks/**/*.yaml"))
    started = time.perf_counter()
    for path in files:
        with path.open("rb") as stream:
            yaml.load(stream, Loader=yaml.CSafeLoader)
    return {"seconds": time.perf_counter() - started}


def ours(folder: Path) -> dict[str, float]:
    """Resolve every stack, in the way of every command."""
    from secrets_pipeline.stacks import AtmosRepository  # noqa: PLC0415 - the peer's process must not carry it

    started = time.perf_counter()
    resolution = AtmosRepository.open(folder, env={}).resolve()
    seconds = time.perf_counter() - started
    if resolution.errors:
        raise SystemExit(str(resolution.errors[0]))
    instances = sum(len(kind) for stack in resolution.stacks.values() for kind in stack.components.values())
    return {"seconds": seconds, "stacks": len(resolution.stacks), "instances": instances}


def measured(what: str, folder: Path) -> dict[str, float]:
    """One measurement in a process of its own, with its peak memory in MiB."""
    done = subprocess.run(
        [sys.executable, __file__, "--measure", what, str(folder)], capture_output=True, text=True, check=False
    )
    if done.returncode:
        raise SystemExit(done.stderr)
    result: dict[str, float] = json.loads(done.stdout)
    return result


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--scales", default="0.25,1,4")
    parser.add_argument("--runs", type=int, default=3)
    parser.add_argument("--keep", type=Path, help="generate the repository of scale 1 there, and stop")
    parser.add_argument("--measure", nargs=2, metavar=("WHAT", "FOLDER"), help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.keep:
        Generator(arguments.keep, Shape.at(1), templates=True).write()
        return
    if arguments.measure:
        what, folder = arguments.measure
        result = {"peer": peer, "ours": ours}[what](Path(folder))
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
        print(json.dumps({**result, "peak": peak}))
        return
    report([float(scale) for scale in arguments.scales.split(",")], arguments.runs)


def report(scales: list[float], runs: int) -> None:
    """Print the table."""
    print(f"Python {platform.python_version()}, PyYAML {yaml.__version__}, the fastest of {runs} runs each")
    print()
    print("| manifests | stacks | components | templates | CSafeLoader, once | resolved | ratio | peak memory |")
    print("|--:|--:|--:|---|--:|--:|--:|--:|")
    for scale in scales:
        for templates in (False, True):
            with tempfile.TemporaryDirectory() as temporary:
                folder = Path(temporary) / "repository"
                shape = Shape.at(scale)
                Generator(folder, shape, templates=templates).write()
                pairs = [(measured("peer", folder), measured("ours", folder)) for _ in range(runs)]
            parse = min(pair[0]["seconds"] for pair in pairs)
            best = min((pair[1] for pair in pairs), key=lambda result: result["seconds"])
            print(
                f"| {shape.manifests:,} | {best['stacks']:,} | {best['instances']:,} | {'on' if templates else 'off'} "
                f"| {parse:.2f} s | {best['seconds']:.2f} s | {best['seconds'] / parse:.1f} | {best['peak']:.0f} MiB |"
            )


if __name__ == "__main__":
    main()
