"""Fails when a member imports a distribution that its pyproject does not declare: one shared environment hides that."""

from __future__ import annotations

import ast
import re
import sys
import tomllib
from importlib.metadata import packages_distributions
from pathlib import Path

ROOT = Path(__file__).parents[2]
MEMBERS = {
    "libs/kernel": "src/preau_kernel",
    "libs/chassis": "src/preau_chassis",
    "libs/stack": "src/preau_stack",
    "identity-svc": "src/identity_svc",
    "agenda-svc": "src/agenda_svc",
    "billing-svc": "src/billing_svc",
    "payment-gateway-svc": "src/payment_gateway_svc",
    "payment-gateway-svc/simulator": "src/payfip_simulator",
    "gateway": "src/gateway",
}
# Import names whose distribution metadata is ambiguous: namespace packages shared by several distributions.
NAMESPACES = {
    "google.protobuf": "protobuf",
    "google.rpc": "googleapis-common-protos",
    "google.type": "googleapis-common-protos",
    "grpc": "grpcio",
    "grpc_health": "grpcio-health-checking",
    "grpc_reflection": "grpcio-reflection",
    "grpc_status": "grpcio-status",
    "opentelemetry.exporter": "opentelemetry-exporter-otlp-proto-grpc",
    "opentelemetry.proto": "opentelemetry-proto",
    "opentelemetry.sdk": "opentelemetry-sdk",
    "opentelemetry": "opentelemetry-api",
    "preau": "preau-proto",
}


def normal(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()


def imported_modules(package: Path) -> dict[str, Path]:
    found: dict[str, Path] = {}
    for file in package.rglob("*.py"):
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Import):
                found.update({alias.name: file for alias in node.names})
            elif isinstance(node, ast.ImportFrom) and node.level == 0 and node.module:
                found[node.module] = file
                # `from google.type import date_pb2` names the namespace; keep the longest form too.
                found.update({f"{node.module}.{alias.name}": file for alias in node.names})
    return found


def distribution_of(module: str, by_package: dict[str, list[str]]) -> set[str]:
    for prefix, distribution in NAMESPACES.items():
        if module == prefix or module.startswith(prefix + "."):
            return {distribution}
    return {normal(name) for name in by_package.get(module.split(".", maxsplit=1)[0], [])}


def main() -> int:
    by_package = {name: list(names) for name, names in packages_distributions().items()}
    problems = []
    for member, package in MEMBERS.items():
        project = tomllib.loads((ROOT / member / "pyproject.toml").read_text(encoding="utf-8"))["project"]
        declared = {normal(re.split(r"[\[<>=!;~ ]", item)[0]) for item in project["dependencies"]} | {
            normal(project["name"])
        }
        for module, file in sorted(imported_modules(ROOT / member / package).items()):
            if module.split(".")[0] in sys.stdlib_module_names or module.split(".")[0] == "__future__":
                continue
            owners = distribution_of(module, by_package)
            if owners and owners.isdisjoint(declared):
                problems.append(f"{file.relative_to(ROOT)}: imports {module}, not declared in {member}/pyproject.toml")
    print("\n".join(sorted(set(problems))) or f"declared imports: {len(MEMBERS)} members, all declared")
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main())
