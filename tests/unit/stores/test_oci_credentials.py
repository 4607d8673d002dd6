"""Who signs requests to Oracle: found without the SDK where a function has it, renewed, named where it is refused."""

import base64
import json
from datetime import datetime, timedelta, timezone
from pathlib import Path

import pytest
from cryptography.hazmat.primitives import serialization

from bucketrelay.clouds.oracle import credentials, service
from bucketrelay.clouds.oracle.credentials import Access, signer_of
from bucketrelay.clouds.oracle.signers import SdkSigner, TokenSigner
from bucketrelay.clouds.oracle.store import oci_store
from bucketrelay.errors import StoreRefused, StoreUnavailable
from bucketrelay.model import Address, Meta
from bucketrelay_emulators.engine.faults import Fault
from bucketrelay_emulators.oci.emulator import OciEmulator
from bucketrelay_emulators.oci.sign import pem, private_key

NS, BUCKET = "mytenancy", "photos"
PLACE = Address("oci", BUCKET, NS)
PLAIN = Meta(content_type="text/plain")


@pytest.fixture
def cloud():
    with OciEmulator() as made:
        made.create_bucket(BUCKET)
        yield made


@pytest.fixture
def opened(cloud):
    """Makes stores on the emulator, and closes them."""
    made = []

    def make(address=PLACE, **options):
        made.append(oci_store(address, **{"endpoint": cloud.endpoint, "retries": 0, **options}))
        return made[-1]

    yield make
    for store in made:
        store.close()


@pytest.fixture
def config(cloud, tmp_path):
    """Writes a configuration file; gives its path."""

    def write(**profiles):
        sections = {"DEFAULT": cloud.config, **profiles}
        text = ""
        for name, values in sections.items():
            lines = "".join(f"{key}={value}\n" for key, value in values.items() if isinstance(value, str))
            text += f"[{name}]\n{lines}"
        (tmp_path / "config").write_text(text)
        return str(tmp_path / "config")

    return write


def sealed(cloud, passphrase):
    """The emulator's API key as PEM under a passphrase."""
    plain = serialization.load_pem_private_key(Path(cloud.config["key_file"]).read_bytes(), None)
    seal = serialization.BestAvailableEncryption(passphrase.encode())
    return plain.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, seal).decode()


def no_sdk(*_):
    pytest.fail("the SDK is not needed")


class TestApiKey:
    def test_a_profile_inherits_from_the_default_one(self, opened, config):
        with_profile = config(OTHER={"region": "eu-frankfurt-1"})
        store = opened(config_file=with_profile, profile="OTHER")
        assert store.look("a") is None
        assert store.requests.region == "eu-frankfurt-1"

    def test_a_key_under_a_passphrase_is_opened_with_the_files(self, cloud, opened, config, tmp_path):
        (tmp_path / "sealed.pem").write_text(sealed(cloud, "häschen"))
        key = {"key_file": str(tmp_path / "sealed.pem")}
        assert opened(config_file=config(S={**key, "pass_phrase": "häschen"}), profile="S").look("a") is None
        for wrong in ({}, {"pass_phrase": "igel"}):
            with pytest.raises(StoreRefused, match=r"no usable credentials.*pass") as refused:
                opened(config_file=config(S={**key, **wrong}), profile="S").look("a")
            assert "igel" not in str(refused.value)

    def test_a_passphrase_that_the_key_does_not_need_is_no_mistake(self, opened, config):
        assert opened(config_file=config(S={"pass_phrase": "other profile's"}), profile="S").look("a") is None

    def test_the_file_that_the_environment_names_is_read_where_there_is_no_usual_one(self, opened, config, monkeypatch):
        monkeypatch.setattr(credentials, "_DEFAULT_FILE", "/nowhere/config")
        monkeypatch.setenv("OCI_CONFIG_FILE", config())
        assert opened().look("a") is None

    @pytest.mark.parametrize("text", ["[DEFAULT", "no=section", "[DEFAULT]\nuser=\xff"])
    def test_a_file_that_is_none_is_said_to_be(self, opened, tmp_path, text):
        (tmp_path / "config").write_bytes(text.encode("latin-1"))
        with pytest.raises(StoreRefused, match="no usable credentials") as refused:
            opened(config_file=str(tmp_path / "config")).look("a")
        assert "\n" not in str(refused.value)


class TestTokens:
    @pytest.fixture
    def principal(self, cloud, monkeypatch):
        monkeypatch.setattr(credentials, "_of_sdk", no_sdk)

        def put(**changed):
            for name, value in {**cloud.resource_principal(), **changed}.items():
                monkeypatch.setenv(name, value)

        return put

    def test_a_resource_principal_of_files_needs_no_sdk(self, opened, principal):
        principal()
        store = opened()
        store.put("a", b"1", PLAIN)
        assert store.requests.region == "us-phoenix-1"

    def test_a_resource_principal_of_values_too(self, cloud, opened, principal):
        files = cloud.resource_principal()
        names = ("OCI_RESOURCE_PRINCIPAL_RPST", "OCI_RESOURCE_PRINCIPAL_PRIVATE_PEM")
        principal(**{name: Path(files[name]).read_text() for name in names})
        opened().put("a", b"1", PLAIN)

    def test_the_files_are_read_again_before_the_token_ends(self, monkeypatch):
        now, read = [1000.0], []
        key = pem(private_key("session"))

        def current():
            read.append(now[0])
            return token(exp=now[0] + 900), key, ""

        signer = TokenSigner(current, "r", now=lambda: now[0])
        for moment, times in ((1000, 1), (1800, 1), (1841, 2), (2600, 2), (2690, 3)):
            now[0] = float(moment)
            signer.authorization("GET", "h", "/", {"date": "d", "host": "h"})
            assert len(read) == times, moment

    def test_after_a_401_the_files_are_read_again_and_the_request_is_made_once_more(self, cloud, opened, principal):
        principal()
        store = opened()
        store.put("a", b"1", PLAIN)
        cloud.resource_principal(ttl=7200)  # the platform writes new ones into the same files
        cloud.faults.order(Fault(status=401, code="NotAuthenticated", operation="PutObject"))
        store.put("b", b"2", PLAIN)
        assert [request.status for request in cloud.requests] == [200, 401, 200]

    def test_a_401_for_credentials_that_are_what_they_were_is_told_at_once(self, cloud, opened, principal):
        principal()
        store = opened()
        cloud.faults.order(Fault(status=401, code="NotAuthenticated", operation="PutObject"))
        with pytest.raises(StoreRefused, match=r"NotAuthenticated.*clock"):
            store.put("b", b"2", PLAIN)
        assert len(cloud.requests) == 1

    def test_a_session_token_of_the_configuration_file_is_used(self, cloud, opened, config):
        files = cloud.resource_principal()
        session = {
            "security_token_file": files["OCI_RESOURCE_PRINCIPAL_RPST"],
            "key_file": files["OCI_RESOURCE_PRINCIPAL_PRIVATE_PEM"],
        }
        assert opened(config_file=config(S=session), profile="S").look("a") is None

    @pytest.mark.parametrize("text", ["", "no token", "a.b.c", "a.e30.c.d"])
    def test_what_is_no_token_is_said_to_be_none(self, opened, principal, text):
        principal(OCI_RESOURCE_PRINCIPAL_RPST=text)
        with pytest.raises(StoreRefused, match=r"no usable credentials|NotAuthenticated"):
            opened().put("a", b"1", PLAIN)


class TestSdk:
    def test_what_only_the_sdk_can_find_signs_by_the_sdk(self, cloud, opened, monkeypatch):
        """Instance principals, and resource principals of other versions; here an API key stands for their keys."""
        from oci.signer import Signer

        names = ("tenancy", "user", "fingerprint")
        signer = Signer(*(cloud.config[name] for name in names), cloud.config["key_file"])
        monkeypatch.setattr("oci.auth.signers.InstancePrincipalsSecurityTokenSigner", lambda: signer)
        store = opened(auth="instance_principal", region="us-phoenix-1")
        store.put("a b/ü", b"1", PLAIN)
        upload = store.begin("b", PLAIN)
        store.commit(upload, [store.put_part(upload, 1, b"12")])
        assert [info.key for info in store.list()] == ["a b/ü", "b"]
        assert isinstance(store.requests.identities.signer, SdkSigner)

    def test_an_instance_that_is_none_is_refused_in_one_line(self, opened, monkeypatch):
        def nothing():
            raise ConnectionError("no route\nto 169.254.169.254")

        monkeypatch.setattr("oci.auth.signers.InstancePrincipalsSecurityTokenSigner", nothing)
        with pytest.raises(
            StoreUnavailable, match=r"^oci://photos@mytenancy: no credentials could be had: no route to"
        ):
            opened(auth="instance_principal").look("a")

    def test_another_version_of_resource_principals_is_the_sdks(self, monkeypatch):
        monkeypatch.setattr("oci.auth.signers.get_resource_principals_signer", lambda: "the SDK's")
        environ = {"OCI_RESOURCE_PRINCIPAL_VERSION": "1.1"}
        assert isinstance(signer_of(Access(), "oci://b", environ), SdkSigner)


class TestRefusals:
    def test_what_a_refused_head_does_not_say_a_get_does(self, cloud, opened, tmp_path):
        """Answers to HEAD have no code: a wrong key must not read as a permission that is missing."""
        (tmp_path / "other.pem").write_text(pem(private_key("somebody else")))
        store = opened(config_file=cloud.config_file, key_file=str(tmp_path / "other.pem"))
        for sure in (True, False):
            with pytest.raises(StoreRefused, match=r"NotAuthenticated.*check user, tenancy, fingerprint"):
                store.look("a", trust_bare_404=not sure)

    def test_a_clock_that_is_wrong_is_put_right_by_the_servers_once(self, cloud, opened, monkeypatch):
        late = datetime.now(timezone.utc) + timedelta(hours=1)
        monkeypatch.setattr(cloud.engine, "now", lambda: late)
        store = opened(config_file=cloud.config_file)
        store.put("a", b"1", PLAIN)
        assert store.look("a").size == 1
        assert [request.status for request in cloud.requests] == [401, 200, 200]

    def test_without_a_region_nothing_is_guessed(self, cloud, config, monkeypatch):
        monkeypatch.delenv("OCI_REGION", raising=False)
        del cloud.config["region"]
        store = oci_store(PLACE, config_file=config())
        with pytest.raises(StoreRefused, match="no region: set region"):
            store.look("a")


class TestNamespace:
    def test_a_namespace_that_the_url_leaves_out_is_part_of_the_address(self, cloud, opened):
        """With it and without it, it is one bucket: two identities would overwrite each other for ever."""
        store = opened(Address("oci", BUCKET, prefix="in/"), config_file=cloud.config_file)
        assert store.address == Address("oci", BUCKET, NS, "in/")
        assert [store.address.namespace, cloud.requests.operations()] == [NS, ["GetNamespace"]]

    def test_an_address_is_told_also_where_nobody_can_be_asked(self, cloud):
        store = oci_store(
            Address("oci", BUCKET), endpoint="http://127.0.0.1:9", config_file=cloud.config_file, retries=0
        )
        assert store.address == Address("oci", BUCKET)

    @pytest.mark.parametrize("answer", [b"null", b'""', b"{}", b"<html>"])
    def test_what_is_no_namespace_is_not_taken_for_one(self, cloud, opened, monkeypatch, answer):
        monkeypatch.setattr(service.Service, "send", lambda *_: service.Answer(200, {}, answer))
        with pytest.raises(StoreUnavailable):
            opened(Address("oci", BUCKET), config_file=cloud.config_file).requests.namespace  # noqa: B018 - it asks


def token(exp):
    """A JWT, as far as it is read here."""
    claims = base64.urlsafe_b64encode(json.dumps({"exp": exp}).encode()).decode().rstrip("=")
    return f"e30.{claims}.c2ln"
