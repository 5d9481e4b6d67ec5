"""Whom we believe over TLS."""

import ssl
from collections.abc import Iterator
from pathlib import Path

import pytest

from satcom.core.tls import trusted_authorities


@pytest.fixture(autouse=True)
def _as_in_a_new_process() -> Iterator[None]:
    trusted_authorities.cache_clear()
    yield
    trusted_authorities.cache_clear()


def test_an_operator_who_names_an_authority_of_his_own_believes_that_one_alone(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    mine, [one, *_] = tmp_path / "mine.pem", trusted_authorities().get_ca_certs(binary_form=True)
    mine.write_text(ssl.DER_cert_to_PEM_cert(one), encoding="ascii")
    trusted_authorities.cache_clear()
    monkeypatch.setenv("SSL_CERT_FILE", str(mine))
    assert trusted_authorities().cert_store_stats()["x509_ca"] == 1


def test_else_those_that_browsers_believe(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("SSL_CERT_FILE", "SSL_CERT_DIR"):
        monkeypatch.delenv(name, raising=False)
    assert trusted_authorities().cert_store_stats()["x509_ca"] > 50
    assert trusted_authorities() is trusted_authorities()
