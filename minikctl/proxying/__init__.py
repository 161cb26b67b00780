"""An HTTP server on this machine that passes requests on to an API server, as their user: `minikctl proxy`.

Source: k8s.io/kubectl/pkg/proxy/proxy_server.go. The server is the standard library's, a thread for each connection.
"""
