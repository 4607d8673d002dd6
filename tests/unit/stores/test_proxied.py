"""HTTPS_PROXY and NO_PROXY lead every store and every forward alike."""

import pytest

from bucketrelay.clouds.aws.store import s3_store
from bucketrelay.clouds.huawei.store import obs_store
from bucketrelay.clouds.oracle.store import oci_store
from bucketrelay.deadline import Deadline
from bucketrelay.errors import StoreUnavailable
from bucketrelay.forward import Notice
from bucketrelay.forward.oms import OmsForward
from bucketrelay.forward.webhook import WebhookForward
from bucketrelay.http.post import Retry
from bucketrelay.model import Address, Task
from bucketrelay_emulators.oci.emulator import OciEmulator
from fakes import at_once
from unit.http.peers import Peer, request

HOST = "storage.invalid"  # no resolver knows it: who reaches it asked the proxy (RFC 6761, 6.4)
KEYS = {"access_key": "AK", "secret_key": "SK"}
FORWARDS = {
    "webhook": lambda **how: WebhookForward(f"https://{HOST}/hook", **how),
    "oms": lambda **how: OmsForward(
        f"https://{HOST}/v2/0123/sync-tasks/t/events", keys=lambda: ("AK", "SK", ""), **how
    ),
}


def look(kind):
    """Ask a store of this kind, at an address that only the proxy can lead to."""
    with OciEmulator() as cloud:
        usual = {"endpoint": f"https://{HOST}", "retries": 0, "timeout": 5, "pace": at_once()}
        store = {
            "s3": lambda: s3_store(Address("s3", "b"), **KEYS, **usual),
            "obs": lambda: obs_store(Address("obs", "b"), path_style=True, **KEYS, **usual),
            "oci": lambda: oci_store(Address("oci", "b", "mytenancy"), config_file=cloud.config_file, **usual),
        }[kind]()
        try:
            with pytest.raises(StoreUnavailable) as error:
                store.look("k")
        finally:
            store.close()
    return str(error.value)


def tell(kind):
    """Tell a forward of this kind, once."""
    made = FORWARDS[kind](shown="the receiver", retry=Retry(attempts=1))
    notice = Notice(Task("r", "photos", "k", forward="f", cause="e-1"), Address("s3", "photos"))
    return str(made.tell([notice], Deadline())[0])


@pytest.fixture
def asked(monkeypatch):
    """What a proxy is asked that connects to nobody."""
    asked = []

    def refuse(sock):
        asked.append(request(sock)[0])
        sock.sendall(b"HTTP/1.1 403 No\r\n\r\n")

    for name in ("http_proxy", "https_proxy", "all_proxy", "no_proxy", "HTTP_PROXY", "ALL_PROXY", "NO_PROXY"):
        monkeypatch.delenv(name, raising=False)
    with Peer(*[refuse] * 8) as proxy:
        monkeypatch.setenv("HTTPS_PROXY", f"http://127.0.0.1:{proxy.port}")
        yield asked


@pytest.mark.parametrize("kind", ["s3", "obs", "oci", "webhook", "oms"])
def test_all_go_through_the_proxy_and_name_it_where_it_refuses(asked, kind):
    error = tell(kind) if kind in FORWARDS else look(kind)
    assert set(asked) == {f"CONNECT {HOST}:443 HTTP/1.1"}
    assert "its proxy 127.0.0.1" in error


@pytest.mark.parametrize("kind", ["s3", "obs", "oci", "webhook", "oms"])
def test_none_does_where_no_proxy_excepts_the_host(asked, kind, monkeypatch):
    monkeypatch.setenv("NO_PROXY", HOST)
    error = tell(kind) if kind in FORWARDS else look(kind)
    assert asked == []
    assert "cannot be reached" in error
