"""The kinds of authorization.k8s.io, by name: questions, which are answered and not stored."""

from backend.resources.resource import Resource


def _review(kind: str, *, namespaced: bool = False) -> Resource:
    return Resource(
        group="authorization.k8s.io",
        version="v1",
        kind=kind,
        plural=f"{kind.lower()}s",
        singular=kind.lower(),
        namespaced=namespaced,
        schema=f"io.k8s.api.authorization.v1.{kind}",
        verbs=("create",),
    )


KINDS: tuple[Resource, ...] = (
    _review("LocalSubjectAccessReview", namespaced=True),
    _review("SelfSubjectAccessReview"),
    _review("SelfSubjectRulesReview"),
    _review("SubjectAccessReview"),
)
