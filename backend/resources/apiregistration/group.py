"""The kinds of apiregistration.k8s.io/v1, by name."""

from backend.resources.apiregistration.api_service import API_SERVICE

KINDS = (API_SERVICE,)
