"""NetworkPolicies, enforced by rules of this machine's kernel."""
