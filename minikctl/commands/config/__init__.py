"""`minikctl config`: look at and change the kubeconfig that minikctl itself uses."""
