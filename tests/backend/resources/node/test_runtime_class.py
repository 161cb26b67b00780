"""Runtime classes."""

from backend.resources.node.runtime_class import RUNTIME_CLASS


def texts(found):
    return [str(cause) for cause in found]


def made(**fields):
    return {"metadata": {"name": "x"}, "handler": "runc", **fields}


def test_rules_of_runtime_classes():
    assert texts(RUNTIME_CLASS.validate(made(overhead={"podFixed": {"cpu": "100m"}}))) == []
    toleration = {"key": "a", "operator": "Exists"}
    assert texts(RUNTIME_CLASS.validate(made(scheduling={"tolerations": [toleration, toleration]}))) == [
        'scheduling.tolerations[1]: Duplicate value: {"key":"a","operator":"Exists"}'
    ]
    (fault,) = texts(RUNTIME_CLASS.validate(made(handler="A")))
    assert fault.startswith('handler: Invalid value: "A": a lowercase RFC 1123 label must consist of')


def test_a_handler_stays():
    assert texts(RUNTIME_CLASS.validate_update(made(handler="other"), made())) == [
        'handler: Invalid value: "other": field is immutable'
    ]
