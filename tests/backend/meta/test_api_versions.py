from backend.meta.api_versions import version_priority


def test_the_preferred_version_comes_first():
    versions = ["foo1", "v1alpha1", "v10", "v1beta2", "v2", "v1", "foo10", "v11beta2", "v1beta10"]
    assert sorted(versions, key=version_priority) == [
        "v10", "v2", "v1", "v11beta2", "v1beta10", "v1beta2", "v1alpha1", "foo1", "foo10",
    ]  # fmt: skip
