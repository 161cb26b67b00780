"""Storage version migrations."""

from backend.resources.storagemigration.storage_version_migration import STORAGE_VERSION_MIGRATION as MIGRATION


def texts(found):
    return [str(cause) for cause in found]


def made(resource="deployments", group="apps", **conditions):
    status = {"conditions": [{"type": name, "status": value} for name, value in conditions.items()]}
    spec = {"resource": {"resource": resource, "group": group}}
    return {"metadata": {"name": "m"}, "spec": spec, "status": status}


def test_a_migration_names_a_resource_that_stays():
    assert MIGRATION.row(made(), 0.0) == ["m", "deployments.apps"]
    assert texts(MIGRATION.validate(made(resource=""))) == [
        "spec.resource.resource: Required value: resource is required to be set"
    ]
    (fault,) = texts(MIGRATION.validate_update(made("pods", ""), made()))
    assert fault.startswith("spec: Invalid value: ")
    assert fault.endswith(": field is immutable")


def test_a_migration_ends_once():
    assert texts(MIGRATION.validate_status_update(made(Running="True"), made())) == []
    (fault,) = texts(MIGRATION.validate_status_update(made(), made(Failed="True")))
    assert fault.endswith("Failed condition cannot be set to false once it is true")
    (fault,) = texts(MIGRATION.validate_status_update(made(Running="True", Succeeded="True"), made()))
    assert fault.endswith("Running condition cannot be true when success condition is true")
