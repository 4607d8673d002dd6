"""The storage classes of the clouds: their words, and which word of another cloud comes nearest. Pure."""

from collections.abc import Mapping
from types import MappingProxyType

# Sources: the S3 service model of botocore; OBS API reference, "x-obs-storage-class"; OCI SDK, `storage_tier`.
KNOWN: Mapping[str, frozenset[str]] = MappingProxyType(
    {
        "s3": frozenset(
            {
                "STANDARD",
                "REDUCED_REDUNDANCY",
                "STANDARD_IA",
                "ONEZONE_IA",
                "INTELLIGENT_TIERING",
                "GLACIER",
                "DEEP_ARCHIVE",
                "OUTPOSTS",
                "GLACIER_IR",
                "SNOW",
                "EXPRESS_ONEZONE",
                "FSX_OPENZFS",
            }
        ),
        "obs": frozenset({"STANDARD", "WARM", "COLD", "DEEP_ARCHIVE", "INTELLIGENT_TIERING"}),
        "oci": frozenset({"Standard", "InfrequentAccess", "Archive"}),
    }
)
_RARELY_READ = ("STANDARD_IA", "ONEZONE_IA", "GLACIER_IR", "INTELLIGENT_TIERING", "WARM", "InfrequentAccess")
# Not the archives (GLACIER, DEEP_ARCHIVE, COLD, Archive): what is in one cannot be read, so it could neither be copied
# nor compared again without being restored first. Who wants them says so with `storage_classes`.
USUAL: Mapping[str, Mapping[str, str]] = MappingProxyType(
    {
        "s3": MappingProxyType(
            {"WARM": "STANDARD_IA", "InfrequentAccess": "STANDARD_IA"}
            | {word: word for word in ("STANDARD_IA", "ONEZONE_IA", "GLACIER_IR", "INTELLIGENT_TIERING")}
        ),
        "obs": MappingProxyType(dict.fromkeys(_RARELY_READ, "WARM")),
        "oci": MappingProxyType(dict.fromkeys(_RARELY_READ, "InfrequentAccess")),
    }
)


def known(scheme: str = "") -> list[str]:
    """The words of one cloud, or of all, sorted."""
    return sorted(KNOWN[scheme] if scheme else frozenset().union(*KNOWN.values()))
