"""What goes into each function's archive: its runtime's facts, and the packages each kind of store needs.

Every package is pinned, in constraints.txt here or in the one above, and taken without its dependencies: those that are
needed stand below as packages of their own. `tests/deploy` checks that the pins suit each other, and runs what results
with nothing else installed.
"""

from dataclasses import dataclass

MB = 1000 * 1000
PYTHONS = ("3.10", "3.11", "3.12", "3.13", "3.14")
ARCHITECTURES = {"x86_64": "x86_64", "arm64": "aarch64"}  # as the clouds call them, as wheels do
# No function looks at these; `test` and `tests` are whole folders.
USELESS = r".*\.(pyi|pyx|pxd|c|h|S)|(.*/)?tests?/.*|.*/test_\w+\.py|.*/py\.typed"


@dataclass(frozen=True)
class Package:
    """One package of the registry.

    Attributes:
        keep: a regular expression for the paths that go in.
        drop: one for paths that do not, although `keep` takes them.
        root: set for packages that have no wheel: the folder of the modules in the source distribution, ending in "/".
    """

    name: str
    keep: str = ".*"
    drop: str = ""
    root: str = ""


@dataclass(frozen=True)
class Function:
    """One function and the runtime it is made for. Sizes are of the archive, in bytes.

    Attributes:
        cloud: the scheme of its own cloud's stores.
        python: the default version; `offered` are those that the runtime has.
        own_limit: with its own cloud's stores alone; a promise of ours.
        limit: what the cloud takes without a detour through a bucket.
        code: the folder of the handler in the archive, `packages` that of the packages.
        provided: of FORWARDS, those whose packages the runtime brings.
        brings: packages that it needs whatever its configuration.
        has: packages that the runtime has in a version that will do.
    """

    name: str
    cloud: str
    handler: str
    python: str
    offered: tuple[str, ...]
    own_limit: int
    limit: int
    code: str = ""
    packages: str = ""
    provided: tuple[str, ...] = ()
    brings: tuple[Package, ...] = ()
    has: tuple[str, ...] = ()


_CERTIFI = Package("certifi")
_DATEUTIL = Package("python-dateutil", drop=r"dateutil/zoneinfo/.*\.tar\.gz")
_SIX = Package("six")
_URLLIB3 = Package("urllib3", drop=r"urllib3/contrib/emscripten/.*")

# Objects move without an SDK. botocore finds credentials that are not simply there, for which it needs sts and the
# services of single sign-on; sqs is for replies. The other 440 services are 15 of its 16 MB.
_BOTOCORE = (
    Package(
        "botocore",
        keep=r"(?!botocore/data/).*|botocore/data/([^/]+|(sqs|sso|sso-oidc|sts)/.*)",
        drop=r".*/examples-1\.json",
    ),
    Package("jmespath"),
    _DATEUTIL,
    _SIX,
    _URLLIB3,
)

# Our own requests need no SDK; certifi is for a runtime without authorities of its own.
_OBS = (_CERTIFI,)

# Requests are signed with RSA, which Python itself does not have; all else is our own. What of cryptography neither
# reads a private key nor signs stays out: certificates are the most of it.
_NOT_RSA = (
    r"fernet\.py|x509/.*|hazmat/(asn1|backends|bindings/openssl)/.*|hazmat/primitives/((kdf|twofactor)/.*"
    r"|(cmac|constant_time|hmac|hpke|keywrap|padding|poly1305)\.py|serialization/pkcs(7|12)\.py)"
)
_OCI = (
    Package("cryptography", drop=rf"cryptography/({_NOT_RSA})"),
    Package("cffi", keep=r"_cffi_backend\..*"),  # cryptography's compiled part asks for the backend alone
    _CERTIFI,
)

SDKS: dict[str, tuple[Package, ...]] = {"s3": (), "obs": _OBS, "oci": _OCI, "file": ()}  # by the scheme of stores
CLOUDS = {"s3": "aws", "obs": "huawei", "oci": "oracle", "file": "local"}  # the folder of each below clouds/
BROKERS = ("amqp", "sqs")
ROLE = "role"
WEBHOOK = "webhook"
POSTGRES = "postgres"
# By the type of forwards; by the broker of `[copier]`; for stores of S3 whose keys are neither in the configuration nor
# in the environment; and for the database in which a scheduled reconcile remembers what need not be asked again.
FORWARDS = {
    "oms": (_CERTIFI,),
    WEBHOOK: (_CERTIFI,),
    "amqp": (Package("amqp"), Package("vine")),
    "sqs": _BOTOCORE,
    "role": _BOTOCORE,
    "postgres": (Package("psycopg"), Package("psycopg-binary"), Package("typing-extensions")),
}
# What a person installs for each, who takes the dependencies as they come: for `fn deploy`.
DIRECT = {
    "s3": (),
    "role": ("botocore",),
    "obs": ("certifi",),
    "oci": ("cryptography", "certifi"),
    "file": (),
    "oms": ("certifi",),
    WEBHOOK: ("certifi",),
    "amqp": ("amqp",),
    "sqs": ("botocore",),
    "postgres": ("psycopg", "psycopg-binary"),
}
TOML = Package("tomli")  # before Python 3.11

FUNCTIONS = {
    function.name: function
    for function in (
        Function(
            "s3_notifications",
            cloud="s3",
            handler="app.py",
            python="3.12",
            offered=("3.11", "3.12", "3.13", "3.14"),
            own_limit=600_000,
            limit=50 * MB,
            provided=("role", "sqs"),
        ),
        Function(
            "obs_trigger",
            cloud="obs",
            handler="index.py",
            python="3.10",
            offered=("3.10", "3.12"),
            own_limit=600_000,
            limit=40 * MB,
            has=("certifi",),  # Open Telekom Cloud's list of bundled packages, the same for 3.6 to 3.12
        ),
        Function(
            "oci_events",
            cloud="oci",
            handler="func.py",
            python="3.12",
            offered=("3.11", "3.12"),
            own_limit=5 * MB,
            limit=25 * MB,
            code="function/",
            packages="python/",
            # Nothing says that the runtime of code-only functions has it, and the handler imports it.
            brings=(Package("fdk"), Package("httptools"), Package("iso8601")),
        ),
    )
}
