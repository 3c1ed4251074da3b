from __future__ import annotations

from pathlib import Path

import pytest
import trustme


@pytest.fixture(scope="module")
def files(tmp_path_factory) -> Path:
    """A CA, a server and a client certificate, and those of another CA."""
    folder = tmp_path_factory.mktemp("tls")
    for prefix in ("", "other-"):
        authority = trustme.CA(key_type=trustme.KeyType.ECDSA)
        authority.cert_pem.write_to_path(folder / f"{prefix}ca.pem")
        for name in ("server", "client"):
            certificate = authority.issue_cert("localhost", key_type=trustme.KeyType.ECDSA)
            certificate.cert_chain_pems[0].write_to_path(folder / f"{prefix}{name}.pem")
            certificate.private_key_pem.write_to_path(folder / f"{prefix}{name}-key.pem")
    return folder
