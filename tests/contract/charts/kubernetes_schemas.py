"""Objects judged by Kubernetes' own schemas (from kubernetes-validate), and by ours for what operators add."""

from __future__ import annotations

import json
from functools import cache
from pathlib import Path
from typing import Any

import kubernetes_validate.utils as published
from jsonschema import Draft202012Validator
from referencing import Registry, Resource

VERSIONS = ("1.31", "1.32", "1.33", "1.34", "1.35", "1.36", "1.37")
_CRDS = Path(__file__).parent / "crds"


@cache
def _folder(version: str) -> str:
    (full,) = {each for each in published.all_versions() if published.major_minor(each) == version}
    return f"kubernetes-json-schema/v{full}-local-strict"


@cache
def _registry(version: str) -> Registry[Any]:
    definitions = published.schema_contents(f"{_folder(version)}/_definitions.json", version)
    return Resource.from_contents(definitions) @ Registry()


@cache
def _validator(version: str, kind: str, api_version: str) -> Draft202012Validator:
    ours = _CRDS / f"{api_version.partition('/')[0]}_{kind.lower()}.json"
    if ours.exists():
        return Draft202012Validator(json.loads(ours.read_text()))
    group, _, name = api_version.rpartition("/")
    place = "-".join(part for part in (kind.lower(), group.partition(".")[0], name) if part)
    schema = published.schema_contents(f"{_folder(version)}/{place}.json", version)
    return Draft202012Validator(schema, registry=Resource.from_contents(schema) @ _registry(version))


def problems(version: str, item: dict[str, Any]) -> list[str]:
    """What a strict API server of that version would say."""
    validator = _validator(version, item["kind"], item["apiVersion"])
    name = f"{item['kind']}/{item['metadata']['name']}"
    return [f"{name} {'.'.join(map(str, one.path))}: {one.message[:200]}" for one in validator.iter_errors(item)]
