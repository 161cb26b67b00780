from __future__ import annotations

import datetime
import ssl
import stat
from pathlib import Path

import pytest
from cryptography import x509

from backend.apiserver import pki


def server_certificate(keys: pki.Pki) -> x509.Certificate:
    return x509.load_pem_x509_certificate(keys.server_cert.read_bytes())


def test_keys_are_made_once_and_only_their_owner_reads_them(tmp_path: Path) -> None:
    keys = pki.ensure(tmp_path / "pki")
    files = {path.name: path.read_bytes() for path in (tmp_path / "pki").iterdir()}
    assert set(files) == {"ca.crt", "ca.key", "sa.key", "server.crt", "server.key"}
    assert {stat.S_IMODE(path.stat().st_mode) for path in (tmp_path / "pki").iterdir()} == {0o600}
    pki.ensure(tmp_path / "pki")
    assert {path.name: path.read_bytes() for path in (tmp_path / "pki").iterdir()} == files
    ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER).load_cert_chain(keys.server_cert, keys.server_key)


def test_the_server_is_known_by_all_its_names(tmp_path: Path) -> None:
    names = server_certificate(pki.ensure(tmp_path, ["203.0.113.9"])).extensions.get_extension_for_class(
        x509.SubjectAlternativeName
    )
    assert {"localhost", "kubernetes", "kubernetes.default.svc.cluster.local"} <= set(
        names.value.get_values_for_type(x509.DNSName)
    )
    addresses = {str(address) for address in names.value.get_values_for_type(x509.IPAddress)}
    assert {"127.0.0.1", "::1", "203.0.113.9", *pki.host_addresses()} <= addresses


def test_a_new_address_renews_the_certificate_and_keeps_the_ca(tmp_path: Path) -> None:
    before = server_certificate(pki.ensure(tmp_path))
    ca = (tmp_path / "ca.crt").read_bytes()
    after = server_certificate(pki.ensure(tmp_path, ["203.0.113.9"]))
    assert after.serial_number != before.serial_number
    assert (tmp_path / "ca.crt").read_bytes() == ca


def test_a_certificate_that_ends_soon_is_renewed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pki, "LEAF_DAYS", 20)
    before = server_certificate(pki.ensure(tmp_path))
    monkeypatch.undo()
    after = server_certificate(pki.ensure(tmp_path))
    assert after.not_valid_after_utc - before.not_valid_after_utc > datetime.timedelta(days=300)


def test_a_new_ca_signs_a_new_certificate(tmp_path: Path) -> None:
    keys = pki.ensure(tmp_path)
    before = server_certificate(keys)
    keys.ca_key.unlink()
    pki.ensure(tmp_path)
    after = server_certificate(keys)
    assert after.serial_number != before.serial_number
    after.verify_directly_issued_by(x509.load_pem_x509_certificate(keys.ca_cert.read_bytes()))


def test_a_client_certificate_carries_its_user_and_groups(tmp_path: Path) -> None:
    pair = pki.client_certificate(pki.ensure(tmp_path), "jane", ["dev", "ops"])
    certificate = x509.load_pem_x509_certificate(pair.certificate)
    assert certificate.subject.rfc4514_string() == "CN=jane,O=ops,O=dev"


def test_a_private_file_is_replaced_whole(tmp_path: Path) -> None:
    path = tmp_path / "secret"
    path.write_text("old")
    path.chmod(0o644)
    pki.write_private(path, b"new")
    assert (path.read_bytes(), stat.S_IMODE(path.stat().st_mode)) == (b"new", 0o600)
    assert [entry.name for entry in tmp_path.iterdir()] == ["secret"]
