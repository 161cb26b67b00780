"""The kinds of authentication.k8s.io, by name: questions, which are answered and not stored."""

from backend.resources.resource import Resource


def _review(kind: str) -> Resource:
    return Resource(
        group="authentication.k8s.io",
        version="v1",
        kind=kind,
        plural=f"{kind.lower()}s",
        singular=kind.lower(),
        namespaced=False,
        schema=f"io.k8s.api.authentication.v1.{kind}",
        verbs=("create",),
    )


KINDS: tuple[Resource, ...] = (_review("SelfSubjectReview"), _review("TokenReview"))
