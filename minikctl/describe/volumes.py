"""A pod's volumes. Source: k8s.io/kubectl/pkg/describe (describeVolumes and the print*VolumeSource it calls)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from minikctl.describe.volume_sources import describe_pod_source
from minikctl.describe.writer import Writer

Obj = Mapping[str, Any]


def volumes(writer: Writer, given: list[Obj], indent: str = "") -> None:
    """`indent` is in front of the title where they are part of something, such as a template."""
    if not given:
        writer.write(0, f"{indent}Volumes:\t<none>\n")
        return
    writer.write(0, f"{indent}Volumes:\n")
    for volume in given:
        writer.write(1, f"{' ' if indent else ''}{volume['name']}:\n")
        for kind, describe in _KINDS.items():
            if kind in volume:
                describe(writer, volume[kind] or {})
                break
        else:
            if not describe_pod_source(writer, volume):
                writer.write(1, "<unknown>\n")


def _true(value: Any) -> str:
    return "true" if value else "false"


def _fields(writer: Writer, type_: str, fields: Mapping[str, Any]) -> None:
    writer.write(2, f"Type:\t{type_}\n")
    for name, value in fields.items():
        writer.write(2, f"{name}:\t{value}\n")


def _empty_dir(writer: Writer, source: Obj) -> None:
    fields = {"Medium": source.get("medium", ""), "SizeLimit": source.get("sizeLimit", "<unset>")}
    _fields(writer, "EmptyDir (a temporary directory that shares a pod's lifetime)", fields)


def _secret(writer: Writer, source: Obj) -> None:
    fields = {"SecretName": source.get("secretName", ""), "Optional": _true(source.get("optional"))}
    _fields(writer, "Secret (a volume populated by a Secret)", fields)


def _config_map(writer: Writer, source: Obj) -> None:
    fields = {"Name": source.get("name", ""), "Optional": _true(source.get("optional"))}
    _fields(writer, "ConfigMap (a volume populated by a ConfigMap)", fields)


def _downward_api(writer: Writer, source: Obj) -> None:
    writer.write(2, "Type:\tDownwardAPI (a volume populated by information about the pod)\n")
    writer.write(2, "Items:\n")
    for item in source.get("items") or []:
        where = item.get("fieldRef", {}).get("fieldPath") or item.get("resourceFieldRef", {}).get("resource", "")
        writer.write(3, f"{where} -> {item['path']}\n")


def _projected(writer: Writer, source: Obj) -> None:
    writer.write(2, "Type:\tProjected (a volume that contains injected data from multiple sources)\n")
    for part in source.get("sources") or []:
        if "secret" in part:
            secret = part["secret"]
            writer.write(2, f"SecretName:\t{secret.get('name', '')}\n")
            writer.write(2, f"Optional:\t{_true(secret.get('optional'))}\n")
        elif "downwardAPI" in part:
            writer.write(2, "DownwardAPI:\ttrue\n")
        elif "configMap" in part:
            config_map = part["configMap"]
            writer.write(2, f"ConfigMapName:\t{config_map.get('name', '')}\n")
            writer.write(2, f"Optional:\t{_true(config_map.get('optional'))}\n")
        elif "serviceAccountToken" in part:
            writer.write(
                2, f"TokenExpirationSeconds:\t{part['serviceAccountToken'].get('expirationSeconds', 0)}\n"
            )


def _claim(writer: Writer, source: Obj) -> None:
    fields = {"ClaimName": source.get("claimName", ""), "ReadOnly": _true(source.get("readOnly"))}
    _fields(writer, "PersistentVolumeClaim (a reference to a PersistentVolumeClaim in the same namespace)", fields)


def _git_repo(writer: Writer, source: Obj) -> None:
    fields = {"Repository": source.get("repository", ""), "Revision": source.get("revision", "")}
    _fields(writer, "GitRepo (a volume that is pulled from git when the pod is created)", fields)


def _image(writer: Writer, source: Obj) -> None:
    fields = {"Reference": source.get("reference", ""), "PullPolicy": source.get("pullPolicy", "")}
    _fields(writer, "Image (a container image or OCI artifact)", fields)


_KINDS = {
    "emptyDir": _empty_dir,
    "secret": _secret,
    "configMap": _config_map,
    "downwardAPI": _downward_api,
    "projected": _projected,
    "persistentVolumeClaim": _claim,
    "gitRepo": _git_repo,
    "image": _image,
}
