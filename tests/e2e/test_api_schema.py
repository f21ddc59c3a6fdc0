"""schemathesis over the OpenAPI document with a signed-in token: no 5xx, no answer outside its schema."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

from preau_stack.running import RunningPlatform

CHECKS = "not_a_server_error,status_code_conformance,content_type_conformance,response_schema_conformance"
EXAMPLES = os.environ.get("PREAU_SCHEMATHESIS_EXAMPLES", "25")


def test_no_input_gives_an_answer_that_the_document_does_not_know(platform: RunningPlatform, tmp_path: Path) -> None:
    with platform.client("casepilote") as client:
        username, password = platform.account("casepilote")
        token = client.post("/api/v1/sessions", json={"username": username, "password": password}).json()["token"]
        host = client.headers["Host"]
        document = tmp_path / "openapi.json"
        document.write_bytes(client.get("/schema").content)
    command = [
        str(Path(sys.executable).with_name("schemathesis")), "run", str(document),
        "--url", f"http://127.0.0.1:{platform.ports['gateway']}",
        "--header", f"Host: {host}", "--header", f"Authorization: Bearer {token}",
        "--checks", CHECKS, "--max-examples", EXAMPLES, "--seed", "20250820", "--no-color", "--workers", "1",
        "--phases", "examples,coverage,fuzzing", "--exclude-operation-id", "closeSession",
        "--exclude-operation-id", "openSession",
    ]  # fmt: skip
    done = subprocess.run(command, check=False, capture_output=True, text=True, cwd=tmp_path, timeout=600)
    assert done.returncode == 0, done.stdout[-6_000:] + done.stderr[-2_000:]
