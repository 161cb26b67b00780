"""The flags that every command takes. Source of names and texts: `kubectl options` (v1.37)."""

from __future__ import annotations

from minikctl.command import Flag

GLOBAL_FLAGS = (
    Flag("as", "string", "",
         "Username to impersonate for the operation. User could be a regular user or a service account in a"
         " namespace."),
    Flag("as-group", "stringArray", [],
         "Group to impersonate for the operation, this flag can be repeated to specify multiple groups."),
    Flag("as-uid", "string", "", "UID to impersonate for the operation."),
    Flag("as-user-extra", "stringArray", [],
         "User extras to impersonate for the operation, this flag can be repeated to specify multiple values for the"
         " same key."),
    Flag("certificate-authority", "string", "", "Path to a cert file for the certificate authority"),
    Flag("client-certificate", "string", "", "Path to a client certificate file for TLS"),
    Flag("client-key", "string", "", "Path to a client key file for TLS"),
    Flag("cluster", "string", "", "The local cluster (profile) to use. The default is $MINIKCTL_CLUSTER, or minikctl"),
    Flag("context", "string", "", "The name of the kubeconfig context to use"),
    Flag("insecure-skip-tls-verify", "bool", False,
         "If true, the server's certificate will not be checked for validity. This will make your HTTPS connections"
         " insecure"),
    Flag("kubeconfig", "string", "", "Path to the kubeconfig file to use for CLI requests."),
    Flag("match-server-version", "bool", False, "Require server version to match client version"),
    Flag("namespace", "string", "", "If present, the namespace scope for this CLI request", short="n"),
    Flag("password", "string", "", "Password for basic authentication to the API server"),
    Flag("request-timeout", "string", "0",
         "The length of time to wait before giving up on a single server request. Non-zero values should contain a"
         " corresponding time unit (e.g. 1s, 2m, 3h). A value of zero means don't timeout requests."),
    Flag("server", "string", "", "The address and port of the Kubernetes API server", short="s"),
    Flag("tls-server-name", "string", "",
         "Server name to use for server certificate validation. If it is not provided, the hostname used to contact"
         " the server is used"),
    Flag("token", "string", "", "Bearer token for authentication to the API server"),
    Flag("user", "string", "", "The name of the kubeconfig user to use"),
    Flag("username", "string", "", "Username for basic authentication to the API server"),
    Flag("v", "int", 0, "number for the log level verbosity", short="v"),
    Flag("warnings-as-errors", "bool", False,
         "Treat warnings received from the server as errors and exit with a non-zero exit code"),
)  # fmt: skip


def with_globals(own: tuple[Flag, ...]) -> tuple[Flag, ...]:
    """A command's flags and the global ones, without those that a flag of its own hides by having their name."""
    names = {flag.name for flag in own}
    return (*own, *(flag for flag in GLOBAL_FLAGS if flag.name not in names))
