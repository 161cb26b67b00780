"""The controllers that sign, or need what is signed: certificates for requests, and tokens kept in Secrets."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from backend.controllers.certificates.approver import CsrApprover
from backend.controllers.certificates.cleaner import CsrCleaner
from backend.controllers.certificates.conditions import CSRS
from backend.controllers.certificates.signer import CsrSigner, Sign
from backend.controllers.certificates.trust_bundle_publisher import TrustBundlePublisher
from backend.controllers.legacy_tokens import LegacyTokens, SignToken
from backend.machinery.client import SERVICE_ACCOUNTS, Client
from backend.machinery.clock import Clock
from backend.machinery.controller import Controller
from backend.machinery.informer import Informer

_PUBLISHER = "kube-apiserver-serving-clustertrustbundle-publisher"


@dataclass(frozen=True, slots=True)
class Signers:
    """What only the API server's side can do, since it has the keys."""

    certificate: Sign
    token: SignToken


class Credentials:
    """`informers` are run by whoever runs `controllers`."""

    def __init__(
        self, client: Client, acting_as: Callable[[str], Client], signers: Signers, ca_bundle: str,
        clock: Clock | None = None,
    ) -> None:  # fmt: skip
        own = acting_as("certificate-controller")
        csrs = Informer(own, CSRS, clock=clock)
        accounts = Informer(client, SERVICE_ACCOUNTS, clock=clock)
        tokens = LegacyTokens(client, signers.token, ca_bundle, accounts=accounts, clock=clock)
        publisher = TrustBundlePublisher(acting_as(_PUBLISHER), ca_bundle, clock=clock)
        self.informers = [csrs, accounts, tokens.secrets, publisher.bundles]
        self.controllers: list[Controller] = [
            CsrApprover(own, csrs=csrs, clock=clock).controller,
            CsrSigner(own, signers.certificate, csrs=csrs, clock=clock).controller,
            CsrCleaner(own, csrs=csrs, clock=clock).controller,
            tokens.controller,
            publisher.controller,
        ]
