"""`minikctl certificate deny`. Source: k8s.io/kubectl/pkg/cmd/certificates/certificates.go."""

from __future__ import annotations

from minikctl.command import Command, Invocation
from minikctl.commands.certificate.decision import Decision, decide, decision_flags

_DENIAL = Decision(
    "Denied", "Approved", "KubectlDeny", "This CSR was denied by kubectl certificate deny.", "denied"
)


def run(call: Invocation) -> int:
    return decide(call, _DENIAL)


COMMAND = Command(
    use="deny (-f FILENAME | NAME)",
    short="Deny a certificate signing request",
    long="Deny a certificate signing request: tell its signer not to issue a certificate.",
    examples="""
  # Deny the request csr-sqgzp
  minikctl certificate deny csr-sqgzp""",
    run=run,
    flags=decision_flags("denied"),
)
