"""What the tables of kinds with a pod template share. Source: layoutContainerCells of printers.go."""

from __future__ import annotations

from backend.meta.types import Obj
from backend.resources.resource import Column

CONTAINERS_COLUMN = Column("Containers", priority=1, description="Names of each container in the template.")
IMAGES_COLUMN = Column("Images", priority=1, description="Images referenced by each container in the template.")


def containers_and_images(template: Obj) -> list[str]:
    """The cells of the two columns."""
    containers = (template.get("spec") or {}).get("containers") or ()
    return [",".join(container.get(field, "") for container in containers) for field in ("name", "image")]
