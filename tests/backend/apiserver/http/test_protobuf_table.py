"""The table of protobuf fields, held against the Go types that are compiled into kubectl.

Run this file to write the table anew, after an update of kubectl.
"""

from __future__ import annotations

import re
import shutil
import sys
from pathlib import Path

import pytest

from backend.apiserver.http import protobuf
from tests.support.go_types import Binary, ProtobufTable

SERVED = re.compile(
    r"^(admissionregistration|apps|authentication|authorization|autoscaling|batch|certificates|coordination|core|discovery|events|flowcontrol|"
    r"meta|networking|node|policy|rbac|resource|scheduling|storage|storagemigration)\.v\d+\."
)
TABLE = Path(protobuf.__file__).with_name("protobuf_fields.txt")


def kubectl_lines() -> list[str]:
    kubectl = Path(sys.executable).with_name("kubectl")
    found = str(kubectl) if kubectl.exists() else shutil.which("kubectl")
    assert found, "kubectl is not installed"
    return ProtobufTable(Binary(Path(found)), SERVED).lines


@pytest.mark.kubectl
def test_the_table_is_what_kubectl_is_made_of() -> None:
    assert TABLE.read_text().splitlines() == kubectl_lines()


if __name__ == "__main__":
    TABLE.write_text("\n".join(kubectl_lines()) + "\n")
