"""What is written, and how: the options of an S3 store that are not about reaching it."""

from collections.abc import Mapping
from typing import Any

from bucketrelay.clouds.aws.facts import ABILITIES
from bucketrelay.model import NOTHING
from bucketrelay.store import Abilities
from bucketrelay.values import dataclass, field, replace


@dataclass(frozen=True, slots=True)
class Options:
    """The options.

    Attributes:
        storage_class: of what is written and has none of its own, e.g. `STANDARD_IA`.
        storage_classes: other stores' classes and the class here that each becomes, beside the usual ones.
        acl: a canned ACL of what is written, e.g. `bucket-owner-full-control` for a bucket of another account.
        sse: `AES256`, `aws:kms` or `aws:kms:dsse`, of what is written; with *kms_key*.
        request_payer: we pay for the requests, which buckets of others may ask for.
    """

    storage_class: str = ""
    storage_classes: Mapping[str, str] = field(default_factory=lambda: NOTHING)
    acl: str = ""
    sse: str = ""
    kms_key: str = ""
    request_payer: bool = False

    @property
    def headers(self) -> dict[str, str]:
        """What goes with every write."""
        placed = {
            "x-amz-storage-class": self.storage_class,
            "x-amz-server-side-encryption": self.sse,
            "x-amz-server-side-encryption-aws-kms-key-id": self.kms_key,
            "x-amz-acl": self.acl,
        }
        return {name: value for name, value in placed.items() if value}

    def abilities(self, *, aws: bool) -> Abilities:
        """What a bucket can hold. Other servers have other classes than AWS, and refuse what they do not know."""
        classes = {**(ABILITIES.classes if aws else {}), **self.storage_classes}
        return replace(ABILITIES, classes=classes, consistent=aws, creates_once=aws)


def options_of(options: Mapping[str, Any]) -> Options:
    """Those among a store's options, which are checked."""
    return Options(**{name: value for name, value in options.items() if name in Options.__dataclass_fields__})
