"""RBAC's rules: what covers what, and rules put together again."""

import pytest

from backend.meta.policy_rules import broken_down, compacted, lacking


def rule(verbs, resources, groups="core", *names):
    split = ["" if group == "core" else group for group in groups.split()]
    made = {"verbs": verbs.split(), "apiGroups": split, "resources": resources.split()}
    return {**made, "resourceNames": [*names]} if names else made


def urls(verbs, *paths):
    return {"verbs": verbs.split(), "nonResourceURLs": [*paths]}


@pytest.mark.parametrize(
    ("held", "wanted"),
    [
        (rule("get list", "pods"), rule("get", "pods")),
        (rule("*", "pods"), rule("get", "pods")),
        (rule("get", "*"), rule("get", "pods/log")),
        (rule("get", "pods", "*"), rule("get", "pods", "apps batch")),
        (rule("get", "*/scale"), rule("get", "pods/scale")),
        (rule("get", "pods"), rule("get", "pods", "core", "a")),
        (rule("get", "pods", "core", "a", "b"), rule("get", "pods", "core", "b")),
        (urls("get", "/a/*"), urls("get", "/a/b", "/a/*")),
        (urls("*", "*"), urls("get", "/a")),
    ],
)
def test_what_is_covered(held, wanted):
    assert lacking([held], [wanted]) == []


@pytest.mark.parametrize(
    ("held", "wanted"),
    [
        (rule("get", "pods"), rule("*", "pods")),
        (rule("get", "pods"), rule("get", "*")),
        (rule("get", "pods"), rule("get", "pods/log")),
        (rule("get", "*/scale"), rule("get", "scale")),
        (rule("get", "pods", "core", "a"), rule("get", "pods")),
        (rule("get", "pods", "core", "a"), rule("get", "pods", "core", "b")),
        (rule("get", "pods"), rule("get", "pods", "apps")),
        (urls("get", "/a/*"), urls("get", "/a")),
        (urls("get", "/a"), urls("get", "*")),
        (rule("*", "*", "*"), urls("get", "/a")),
        (urls("*", "*"), rule("get", "pods")),
    ],
)
def test_what_is_not(held, wanted):
    assert lacking([held], [wanted]) == broken_down([wanted])


def test_several_rules_cover_together():
    held = [rule("get", "pods secrets"), rule("list", "pods")]
    assert lacking(held, [rule("get list", "pods secrets")]) == [rule("list", "secrets")]


def test_what_was_broken_down_is_put_together_by_its_verbs():
    rules = [
        rule("get list", "pods secrets"),
        rule("watch", "pods"),
        rule("get", "pods", "core", "a"),
        urls("get", "/a"),
    ]
    before = [dict(each) for each in rules]
    assert compacted(broken_down(rules)) == [
        urls("get", "/a"),
        rule("get list watch", "pods"),
        rule("get list", "secrets"),
        rule("get", "pods", "core", "a"),
    ]
    assert rules == before
