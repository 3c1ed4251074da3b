from __future__ import annotations

from pathlib import Path

import pytest

from xds.config import Settings, keys, load, markdown_table
from xds.errors import Misconfigured

README = Path(__file__).parent.parent / "README.md"
ENOUGH = {"XDS_REPOSITORY_UNIQUE_ID": "1.2.3", "XDS_IDENTITY_REQUIRED": "false"}
KNOWN = {"XDS_IDENTITY_REQUIRED": "true", "XDS_IDENTITY_ISSUERS": "/etc/identity-provider.xml"}
SECURE = """
[tls]
certificate = "server.pem"
key = "server-key.pem"
client_ca = "ca.pem"
"""


def loaded(folder: Path, text: str = "", **variables: str) -> Settings:
    file = folder / "xds.toml"
    file.write_text(text)
    return load(file, ENOUGH | variables)


def mistakes(folder: Path, text: str, **variables: str) -> str:
    with pytest.raises(Misconfigured) as caught:
        loaded(folder, text, **variables)
    return str(caught.value)


def test_paths_start_at_the_folder_of_the_file(tmp_path):
    settings = loaded(tmp_path, SECURE + '[registry]\naffinity_domain = ["a.toml", "/etc/b.xml"]')

    assert settings.tls.certificate == tmp_path / "server.pem"
    assert settings.repository.documents == tmp_path / "documents"
    assert settings.registry.affinity_domain == (tmp_path / "a.toml", Path("/etc/b.xml"))
    assert settings.database.url == f"sqlite:///{tmp_path}/xds.db"


def test_a_variable_goes_before_the_file(tmp_path):
    text = "[server]\nport = 1000\nworkers = 3\n[registry]\nenabled = true"

    settings = loaded(
        tmp_path, text, XDS_SERVER_PORT="2000", XDS_MLLP_ENABLED="true", XDS_REGISTRY_AFFINITY_DOMAIN="/a:/b"
    )

    assert (settings.server.port, settings.server.workers, settings.mllp.enabled) == (2000, 3, True)
    assert settings.registry.affinity_domain == (Path("/a"), Path("/b"))


def test_xds_config_names_the_file(tmp_path):
    file = tmp_path / "other.toml"
    file.write_text("[server]\nport = 1234")

    assert load(None, ENOUGH | {"XDS_CONFIG": str(file)}).server.port == 1234


def test_without_any_file_the_variables_and_defaults_hold(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)

    settings = load(None, ENOUGH)

    assert settings.base_url == "http://127.0.0.1:8443"
    assert settings.repository.documents == tmp_path / "documents"


def test_a_named_file_that_is_absent_is_a_mistake(tmp_path):
    with pytest.raises(Misconfigured, match=r"none\.toml can't be read"):
        load(tmp_path / "none.toml", ENOUGH)


def test_a_file_that_is_no_toml_is_a_mistake(tmp_path):
    assert "is not TOML" in mistakes(tmp_path, "[server\n")


def test_oids_may_be_given_as_urns_and_are_bare_inside(tmp_path):
    text = '[server]\nhome_community_id = "urn:oid:1.2.9"\n[repository]\nunique_id = "urn:oid:1.2.8"'

    settings = load_without_environment(tmp_path, text)

    assert (settings.server.home_community_id, settings.repository.unique_id) == ("1.2.9", "1.2.8")


def load_without_environment(folder: Path, text: str) -> Settings:
    file = folder / "xds.toml"
    file.write_text(text)
    return load(file, {"XDS_IDENTITY_REQUIRED": "false"})


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("[server]\nport = 'x'", "server.port: expected int, found 'x'"),
        ("[server]\nport = 70000", "server.port: expected int <= 65535, found 70000"),
        ("[server]\nworkers = 0", "server.workers: expected int >= 1, found 0"),
        ("[server]\nhots = 'x'", "server.hots: no such key; did you mean host?"),
        ("[servr]\nhost = 'x'", "servr: no such section; did you mean server?"),
        ("server = 1", "server: expected a section, [server], found 1"),
        ("[log]\nlevel = 'loud'", "log.level: expected one of debug, info, warning, error, found 'loud'"),
        ("[registry]\naffinity_domain = 'x'", "registry.affinity_domain: expected array, found 'x'"),
        ("[server]\nhome_community_id = 'x'", "server.home_community_id: expected an OID such as 1.2.3, found 'x'"),
        ("[server]\nbase_url = 'x'", "server.base_url: expected http://… or https://…, found 'x'"),
        ("[tls]\nkey = 'x'", "tls.certificate, tls.key: expected both or neither"),
        ("[tls]\nclient_ca = 'x'", "tls.client_ca: needs tls.certificate"),
        ("[registry]\nenabled = false\n[repository]\nenabled = false", "expected at least one to be true"),
        ("[repository]\nregistry_url = 'http://x'", "repository.registry_url: expected none"),
        ("[repository]\nregistry_key = 'x'", "repository.registry_certificate, repository.registry_key: expected both"),
        ("[consent]\nsource = 'mitz'", "consent.source: Mitz needs consent.policy and mitz.url"),
        ("[consent]\nsource = 'elsewhere'", "consent.source: expected one of register, mitz, found 'elsewhere'"),
        ("[mitz]\nurl = 'http://x'", "mitz.url: expected https://…, found 'http://x'"),
        ("[mitz]\nurl = 'https://x'", "mitz.certificate, mitz.key: expected both"),
        ("[pages]\nbase_url = 'http://x.example'", "pages.base_url: expected https://"),
        ("[pages]\nhost = '0.0.0.0'", "pages.base_url: expected a URL"),
        ("[pages]\noidc_issuer = 'https://idp.example/'", "pages.oidc_issuer: expected https://"),
        ("[pages]\noidc_issuer = 'https://idp.example'", "pages.oidc_issuer, pages.oidc_client_id: expected both"),
        ("[repository]\nenabled = false\n[registry]\nenabled = false\n[mllp]\nenabled = true", "mllp.enabled: "),
    ],
)
def test_a_mistake_names_its_key_and_what_is_expected(tmp_path, text, expected):
    assert expected in mistakes(tmp_path, text)


def test_all_mistakes_are_reported_at_once(tmp_path):
    found = mistakes(tmp_path, "[server]\nport = 0\n[log]\nlevel = 1\nx = 2", XDS_MLLP_PORT="many")

    assert [line.split(":")[0] for line in found.splitlines()] == [
        "server.port",
        "mllp.port (in the variable XDS_MLLP_PORT)",
        "log.x",
        "log.level",
    ]


def test_a_variable_that_is_no_setting_is_a_mistake(tmp_path):
    assert mistakes(tmp_path, "", XDS_SERVER_PROT="1") == "XDS_SERVER_PROT: this environment variable is no setting"


def test_a_secret_is_not_shown(tmp_path):
    found = mistakes(tmp_path, "[database]\nurl = ['postgresql://xds:geheim@db/xds']")

    assert "database.url" in found
    assert "geheim" not in found


def test_a_repository_needs_its_id(tmp_path):
    with pytest.raises(Misconfigured, match=r"repository\.unique_id: expected an OID"):
        load_without_environment(tmp_path, "")


@pytest.mark.parametrize("host", ["0.0.0.0", "192.0.2.1", "::", "xds.example.nl"])
def test_other_machines_can_connect_only_with_mutual_tls(tmp_path, host):
    where = f"[server]\nhost = '{host}'\nbase_url = 'https://xds.example.nl'\n"

    assert "server.host: " in mistakes(tmp_path, where)
    assert "server.host: " in mistakes(tmp_path, where + SECURE.replace('client_ca = "ca.pem"', ""))
    assert loaded(tmp_path, where + SECURE, **KNOWN).server.host == host


@pytest.mark.parametrize("host", ["127.0.0.1", "127.8.8.8", "::1", "localhost"])
def test_loopback_may_go_without_tls(tmp_path, host):
    assert loaded(tmp_path, f"[server]\nhost = '{host}'").server.host == host


def test_the_identity_feed_is_protected_alike(tmp_path):
    feed = "[mllp]\nenabled = true\nhost = '192.0.2.1'\n"

    assert "mllp.host: " in mistakes(tmp_path, feed)
    assert "mllp.host: " in mistakes(tmp_path, feed + "tls = false\n" + SECURE)
    assert loaded(tmp_path, feed + SECURE, **KNOWN).mllp_tls


def test_identity_is_required_where_nothing_else_is_said(tmp_path):
    file = tmp_path / "xds.toml"
    file.write_text("[repository]\nunique_id = '1.2.3'\n" + SECURE)
    with pytest.raises(Misconfigured, match=r"identity\.required: needs identity\.issuers and tls\.client_ca"):
        load(file, {})
    file.write_text(file.read_text() + "[identity]\nissuers = ['identity-provider.xml']")
    settings = load(file, {})
    assert settings.identity.required and settings.identity.issuers == (tmp_path / "identity-provider.xml",)
    assert settings.audience == settings.base_url
    assert load(file, {"XDS_IDENTITY_AUDIENCE": "urn:x"}).audience == "urn:x"


@pytest.mark.parametrize("section", ["server", "mllp"])
def test_only_loopback_may_go_without_identity(tmp_path, section):
    where = "[mllp]\nenabled = true\n" if section == "server" else "[server]\nport = 1\n[mllp]\nenabled = true\n"
    text = f"[server]\nhost = '192.0.2.1'\n{where}" if section == "server" else f"{where}host = '192.0.2.1'\n"

    assert "identity.required: expected true" in mistakes(tmp_path, text + SECURE)
    assert loaded(tmp_path, text + SECURE, **KNOWN).identity.required


def test_a_wildcard_host_needs_a_url(tmp_path):
    assert "server.base_url: expected a URL" in mistakes(tmp_path, "[server]\nhost = '0.0.0.0'" + SECURE)


def test_the_base_url_follows_the_address(tmp_path):
    assert loaded(tmp_path, "[server]\nhost = '::1'\nport = 1" + SECURE).base_url == "https://[::1]:1"
    assert loaded(tmp_path, "[server]\nbase_url = 'https://x.nl/xds/'").base_url == "https://x.nl/xds"


def test_every_key_has_a_meaning():
    assert len({key.variable for key in keys()}) == len(keys()) > 20
    assert all(key.meaning and key.default for key in keys())


def test_the_readme_has_the_table_of_settings():
    assert markdown_table() in README.read_text("utf-8")


def test_a_repository_that_knows_who_asks_is_known_to_a_registry_elsewhere(tmp_path):
    text = SECURE + "[registry]\nenabled = false\n[repository]\nregistry_url = 'https://registry.example/registry'"
    shown = "\nregistry_certificate = 'own.pem'\nregistry_key = 'own-key.pem'"

    assert "the registry must know who asks" in mistakes(tmp_path, text, **KNOWN)
    assert "the registry must know who asks" in mistakes(tmp_path, text.replace("https", "http") + shown, **KNOWN)
    assert loaded(tmp_path, text + shown, **KNOWN).repository.registry_certificate.name == "own.pem"
    assert loaded(tmp_path, SECURE + "[registry]\nenabled = false", **KNOWN).repository.registry_url is None
