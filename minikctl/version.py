"""Version numbers that the program tells."""

from __future__ import annotations

MINIKCTL = "0.1.0"
KUBERNETES = "v1.37.1"
"""The Kubernetes release whose kubectl minikctl follows."""

KUSTOMIZE = "v5.8.1"
"""The release of kustomize that kubectl of that version has built in; `version` prints it as kubectl does."""

GIT_COMMIT = ""
