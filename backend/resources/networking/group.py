"""The kinds of networking.k8s.io, by name."""

from backend.resources.networking.ingress import INGRESS
from backend.resources.networking.ingress_class import INGRESS_CLASS
from backend.resources.networking.ip_address import IP_ADDRESS
from backend.resources.networking.network_policy import NETWORK_POLICY
from backend.resources.networking.service_cidr import SERVICE_CIDR

KINDS = (INGRESS_CLASS, INGRESS, IP_ADDRESS, NETWORK_POLICY, SERVICE_CIDR)
