"""Rules of this house that no general linter knows. Each prints the place and the reason."""

from __future__ import annotations

import ast
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]
SOURCES = ("libs", "identity-svc", "agenda-svc", "billing-svc", "payment-gateway-svc", "gateway")
MONEY = ("billing-svc", "payment-gateway-svc")


def check(file: Path) -> list[str]:
    place = file.relative_to(ROOT).as_posix()
    problems = []
    for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Call):
            name = node.func.id if isinstance(node.func, ast.Name) else ""
            if name == "call" and not any(keyword.arg in {"timeout", None} for keyword in node.keywords):
                problems.append(
                    f"{place}:{node.lineno}: call() without timeout= (style: deadlines are part of the error model)"
                )
            text = ast.unparse(node.func)
            if text in {"os.environ.get", "os.getenv"} and "/libs/stack/" not in f"/{place}":
                problems.append(f"{place}:{node.lineno}: {text} outside settings")
            if text in {"datetime.now", "date.today", "uuid4", "uuid.uuid4"} and "/domain/" in place:
                problems.append(f"{place}:{node.lineno}: {text} in a domain: time and ids are passed in")
        if isinstance(node, ast.Name) and node.id == "float" and place.startswith(MONEY) and "/domain/" in place:
            problems.append(f"{place}:{node.lineno}: float near money")
    return problems


def main() -> int:
    files = [f for top in SOURCES for f in (ROOT / top).rglob("*.py") if "/tests/" not in f.as_posix()]
    problems = [problem for file in files for problem in check(file)]
    print("\n".join(problems) or f"house rules: {len(files)} files")
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main())
