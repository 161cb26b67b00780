"""An operator as its author would write it for any cluster: run by `kopf run`, in a process of its own."""

import kopf


@kopf.on.startup()
def configure(settings: kopf.OperatorSettings, **_):
    settings.posting.level = 30
    settings.persistence.finalizer = "operator.example.com/held"


@kopf.on.create("operator.example.com", "v1", "widgets")
def created(spec, patch, **_):
    patch.status["greeting"] = f"hello {spec['name']}"
    return {"size": spec["size"]}


@kopf.on.update("operator.example.com", "v1", "widgets", field="spec.size")
def resized(old, new, patch, **_):
    patch.status["resized"] = f"{old} to {new}"


@kopf.on.delete("operator.example.com", "v1", "widgets")
def deleted(name, logger, **_):
    logger.warning("farewell %s", name)


@kopf.timer("operator.example.com", "v1", "widgets", interval=0.2, initial_delay=0.1)
def tick(status, patch, **_):
    patch.status["ticks"] = min(status.get("ticks", 0) + 1, 3)
