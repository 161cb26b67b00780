"""`minikctl certificate approve`. Source: k8s.io/kubectl/pkg/cmd/certificates/certificates.go."""

from __future__ import annotations

from minikctl.command import Command, Invocation
from minikctl.commands.certificate.decision import Decision, decide, decision_flags

_APPROVAL = Decision(
    "Approved", "Denied", "KubectlApprove", "This CSR was approved by kubectl certificate approve.", "approved"
)


def run(call: Invocation) -> int:
    return decide(call, _APPROVAL)


COMMAND = Command(
    use="approve (-f FILENAME | NAME)",
    short="Approve a certificate signing request",
    long="Approve a certificate signing request: tell its signer to issue the certificate that it asks for.\n\n"
    "Whoever gets the certificate can do what its subject may do. Be sure of what that is before you approve.",
    examples="""
  # Approve the request csr-sqgzp
  minikctl certificate approve csr-sqgzp""",
    run=run,
    flags=decision_flags("approved"),
)
