"""TLS to an API server: what kubeconfig says about certificates, and Go's texts for what goes wrong."""

from __future__ import annotations

import os
import socket
import ssl

from minikctl.client.errors import ConnectError, Failure


def context(
    *,
    ca_file: str = "",
    ca_data: bytes | None = None,
    cert_file: str = "",
    cert_data: bytes | None = None,
    key_file: str = "",
    key_data: bytes | None = None,
    insecure: bool = False,
) -> ssl.SSLContext:
    """A client's context. Data wins over files, as in kubeconfig; Failure says which file cannot be read."""
    made = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    made.set_alpn_protocols(["http/1.1"])
    if insecure:
        made.check_hostname = False
        made.verify_mode = ssl.CERT_NONE
    elif ca_data or ca_file:
        pem = ca_data if ca_data else _read(ca_file, "certificate-authority")
        try:
            made.load_verify_locations(cadata=pem.decode("ascii"))
        except (ssl.SSLError, UnicodeDecodeError):
            raise Failure("unable to load root certificates: unable to parse bytes as PEM block") from None
    else:
        made.load_default_certs()
    if cert_data or cert_file:
        _load_pair(
            made,
            cert_data or _read(cert_file, "client-certificate"),
            key_data or _read(key_file, "client-key"),
        )
    return made


def _read(path: str, what: str) -> bytes:
    try:
        with open(path, "rb") as file:
            return file.read()
    except OSError as error:
        text = (error.strerror or "").lower()
        raise Failure(f"unable to read {what} {path}: open {path}: {text}") from None


def _load_pair(made: ssl.SSLContext, cert: bytes, key: bytes) -> None:
    """OpenSSL wants a file: give it one that is only in memory, or else one that only its owner can read."""
    if hasattr(os, "memfd_create"):
        handle = os.memfd_create("client-certificate")
        path = f"/proc/self/fd/{handle}"
    else:
        import tempfile

        handle, path = tempfile.mkstemp()
    try:
        os.write(handle, cert.rstrip(b"\n") + b"\n" + key)
        made.load_cert_chain(path)
    except ssl.SSLError:
        raise Failure("tls: failed to find any PEM data in certificate input") from None
    finally:
        os.close(handle)
        if not path.startswith("/proc/"):
            os.unlink(path)


def wrap(made: ssl.SSLContext, sock: socket.socket, server_name: str, host: str) -> ssl.SSLSocket:
    """`sock` after the handshake; ConnectError with Go's text, and `sock` closed, if that fails."""
    try:
        return made.wrap_socket(sock, server_hostname=server_name)
    except ssl.SSLCertVerificationError as error:
        sock.close()
        raise ConnectError(
            f"tls: failed to verify certificate: {_verify_text(error, server_name)}", host
        ) from None
    except TimeoutError:
        sock.close()
        raise ConnectError("net/http: TLS handshake timeout", host) from None
    except (ssl.SSLError, OSError) as error:
        sock.close()
        reason = getattr(error, "reason", None)
        if reason in ("WRONG_VERSION_NUMBER", "HTTP_REQUEST"):
            raise ConnectError("http: server gave HTTP response to HTTPS client", host) from None
        raise ConnectError(f"remote error: tls: {str(reason or error).lower().replace('_', ' ')}", host) from None


def _verify_text(error: ssl.SSLCertVerificationError, server_name: str) -> str:
    """crypto/x509's words for OpenSSL's verdict. Source of the numbers: openssl/x509_vfy.h."""
    match error.verify_code:
        case 10 | 9:
            return "x509: certificate has expired or is not yet valid"
        case 62 | 64:
            return f"x509: certificate is not valid for {server_name}"
        case _:
            return "x509: certificate signed by unknown authority"
