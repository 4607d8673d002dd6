"""Which proxy leads to a server, by the variables that everybody reads."""

import urllib.request

import pytest

from bucketrelay.errors import ConfigError
from bucketrelay.http.connections import Connections
from bucketrelay.http.proxies import Proxy, proxy_for

PROXY = Proxy("proxy.example", 3128)
ADDRESS = "http://proxy.example:3128"


@pytest.mark.parametrize(
    ("environ", "found"),
    [
        ({}, None),
        ({"HTTPS_PROXY": ADDRESS}, PROXY),
        ({"https_proxy": "proxy.example:3128"}, PROXY),
        ({"ALL_PROXY": ADDRESS}, PROXY),
        ({"HTTP_PROXY": ADDRESS}, None),
        ({"https_proxy": "", "HTTPS_PROXY": ""}, None),
        ({"https_proxy": "http://user:p%40ss@[::1]"}, Proxy("::1", 80, "Basic dXNlcjpwQHNz")),
    ],
)
def test_the_variables_name_it(environ, found):
    assert proxy_for("https", "store.example", 443, environ) == found


def test_http_proxy_of_a_cgi_script_is_a_visitors_header():
    environ = {"HTTP_PROXY": ADDRESS, "REQUEST_METHOD": "GET"}
    assert proxy_for("http", "store.example", 80, environ) is None
    assert proxy_for("http", "store.example", 80, {**environ, "http_proxy": ADDRESS}) == PROXY


@pytest.mark.parametrize(
    ("listed", "excepted"),
    [
        ("*", True),
        ("store.example", True),
        ("example", True),
        (".example", True),
        ("*.example", True),
        ("other.example, STORE.Example", True),
        ("other.example store.example", True),
        ("store.example:443", True),
        ("store.example:80", False),
        ("tore.example", False),
        ("store.example.org", False),
        ("", False),
    ],
)
def test_no_proxy_excepts_hosts_and_domains(listed, excepted):
    found = proxy_for("https", "store.example", 443, {"HTTPS_PROXY": ADDRESS, "NO_PROXY": listed})
    assert (found is None) is excepted


@pytest.mark.parametrize("listed", ["10.0.0.0/8", "10.1.2.3", "::1,10.1.0.0/16"])
def test_no_proxy_excepts_networks(listed):
    assert proxy_for("http", "10.1.2.3", 80, {"http_proxy": ADDRESS, "no_proxy": listed}) is None
    assert proxy_for("http", "11.1.2.3", 80, {"http_proxy": ADDRESS, "no_proxy": listed}) == PROXY


@pytest.mark.parametrize("listed", ["", "*", "store.example", ".example", "example", "other", "store.example:443"])
def test_it_is_read_as_the_standard_library_reads_it(listed):
    environ = {"https": ADDRESS, "no": listed}
    ours = proxy_for("https", "store.example", 443, {"https_proxy": ADDRESS, "no_proxy": listed}) is None
    assert ours is bool(urllib.request.proxy_bypass_environment("store.example:443", environ))


@pytest.mark.parametrize("value", ["socks5://proxy:1080", "https://proxy:3128", "http://", "http://a:port"])
def test_what_is_no_proxy_we_can_use_is_a_mistake_that_names_the_variable(value):
    with pytest.raises(ConfigError, match="HTTPS_PROXY"):
        proxy_for("https", "store.example", 443, {"HTTPS_PROXY": value})


def test_its_password_is_in_no_repr():
    assert "dXNl" not in repr(proxy_for("https", "a", 443, {"https_proxy": "http://user:pass@proxy"}))


@pytest.mark.parametrize(("environ", "direct"), [({}, True), ({"https_proxy": ADDRESS}, False)])
def test_behind_one_no_connection_is_ready(environ, direct):
    """What a proxy takes to pass a request on, no deadline of ours knows."""
    connections = Connections("https://store.example", environ=environ)
    connections._idle.append(None)
    assert connections.ready is direct
