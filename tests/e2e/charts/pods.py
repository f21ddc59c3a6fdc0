"""A rendered workload as the pod that podman can play: what its Kubernetes reader lacks is put in place by hand.

Taken out: probes (asked by the tests themselves), lifecycle, spreading. Put in: Secrets' values and files.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

from scripts.charts_secrets import Contents

Object = dict[str, Any]

_REFERENCE = re.compile(r"\$\(([A-Z_]+)\)")


def as_pod(workload: Object, name: str, secrets: Contents, folder: Path) -> list[Object]:
    """The pod called ``name``, and the claims it uses."""
    spec = dict(workload["spec"]["template"]["spec"])
    for key in ("topologySpreadConstraints", "serviceAccountName", "automountServiceAccountToken"):
        spec.pop(key, None)
    (container,) = (dict(each) for each in spec["containers"])
    # podman would publish each port on the host.
    for key in ("startupProbe", "livenessProbe", "readinessProbe", "lifecycle", "ports"):
        container.pop(key, None)
    container["env"] = _environment(container["env"], name, secrets)
    if arguments := container.pop("args", None):
        known = {variable["name"]: variable["value"] for variable in container["env"]}
        container["args"] = [_REFERENCE.sub(lambda found: known[found[1]], each) for each in arguments]
    own = {"runAsUser": spec["securityContext"]["runAsUser"], "runAsGroup": spec["securityContext"]["runAsGroup"]}
    container["securityContext"] = {**container["securityContext"], **own}
    spec["containers"] = [container]
    spec["restartPolicy"] = "Never" if workload["kind"] == "Job" else "Always"
    claims = []
    volumes = [_volume(volume, secrets, folder / name) for volume in spec["volumes"]]
    for template in workload["spec"].get("volumeClaimTemplates", []):
        claim = f"{name}-{template['metadata']['name']}"
        claims.append(
            {"apiVersion": "v1", "kind": "PersistentVolumeClaim", "metadata": {"name": claim}, "spec": template["spec"]}
        )
        volumes.append({"name": template["metadata"]["name"], "persistentVolumeClaim": {"claimName": claim}})
    spec["volumes"] = volumes
    labels = workload["spec"]["template"]["metadata"]["labels"]
    return [*claims, {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": name, "labels": labels}, "spec": spec}]


def _environment(variables: list[Object], pod: str, secrets: Contents) -> list[Object]:
    known: dict[str, str] = {}
    for variable in variables:
        value = _value(variable, pod, secrets)
        if value is not None:
            known[variable["name"]] = _REFERENCE.sub(lambda found: known[found[1]], value)
    return [{"name": name, "value": value} for name, value in known.items()]


def _value(variable: Object, pod: str, secrets: Contents) -> str | None:
    if "value" in variable:
        return str(variable["value"])
    source = variable["valueFrom"]
    if "fieldRef" in source:
        assert source["fieldRef"] == {"fieldPath": "metadata.name"}
        return pod
    reference = source["secretKeyRef"]
    held = secrets[reference["name"]]
    if reference.get("optional") and reference["key"] not in held:
        return None
    return held[reference["key"]].decode()


def _volume(volume: Object, secrets: Contents, folder: Path) -> Object:
    if "secret" not in volume:
        return {"name": volume["name"], "emptyDir": {}} if "emptyDir" in volume else volume
    place = folder / volume["name"]
    place.mkdir(parents=True, exist_ok=True)
    for item in volume["secret"]["items"]:
        (place / item["path"]).write_bytes(secrets[volume["secret"]["secretName"]][item["key"]])
        (place / item["path"]).chmod(0o444)
    return {"name": volume["name"], "hostPath": {"path": str(place), "type": "Directory"}}
