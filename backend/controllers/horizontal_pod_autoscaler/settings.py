"""What kube-controller-manager's flags --horizontal-pod-autoscaler-* set. Times are seconds.

Source of the defaults: pkg/controller/podautoscaler/config/v1alpha1/defaults.go.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Settings:
    sync_period: float = 15.0
    downscale_stabilization: float = 300.0
    tolerance: float = 0.1
    cpu_initialization_period: float = 300.0
    initial_readiness_delay: float = 30.0
