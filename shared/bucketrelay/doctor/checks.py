"""The checks as values: what is asked, which permission it takes, what to do where it fails."""

from collections.abc import Mapping
from types import MappingProxyType

from bucketrelay.clouds.registry import facts
from bucketrelay.model import Address
from bucketrelay.values import dataclass


@dataclass(frozen=True, slots=True)
class Finding:
    """What one check found. `ok` is None where nothing could be found out, or for a mere note."""

    check: str
    store: str  # the store's name in the configuration; a forward's for `forward`
    ok: bool | None
    detail: str
    remedy: str = ""


@dataclass(frozen=True, slots=True)
class Check:
    """One question. The permission that it takes is among the facts of the store's cloud."""

    name: str
    of: str  # which stores are asked
    call: str
    remedy: str

    def advice(self, address: Address, route: str = "ROUTE", *, answered: bool = False) -> str:
        """The remedy for one store, with the permission where it takes one, and the name of a route that needs it.

        Args:
            answered: the question was allowed, so the permission to ask it is not what is missing.
        """
        need = facts(address.scheme).needs.get(self.name, "")
        if answered:
            need = need.partition(TO_ASK)[0].rstrip("; ") if need.partition(TO_ASK)[2] else need
            need = "" if need.endswith(" to ask for it") else need
        words = f"{self.remedy}: {need}" if need else self.remedy
        return words.replace("{bucket}", address.bucket).replace("{prefix}", address.prefix).replace("ROUTE", route)


TO_ASK = "to ask for it takes"  # in a permission: what stands before it is part of the remedy
_ALL = (
    Check(
        "reach",
        "every store",
        "GET of a key that does not exist: is there an answer?",
        "check endpoint, region, ca_file, the network and proxies",
    ),
    Check(
        "clock",
        "every store",
        "the same answer's Date, compared with this machine's clock: at most 5 minutes apart",
        "set this machine's clock, by NTP: signatures carry the time, and requests that seem old are refused",
    ),
    Check(
        "credentials",
        "every store",
        "the same answer: was the signature accepted?",
        "check the store's keys or profile, that temporary ones have not expired, or that the function has its role",
    ),
    Check(
        "bucket",
        "every store",
        "the same answer: is the bucket there, in this region?",
        "create the bucket, or mend the store's url, region and endpoint; in OCI also the policy: a bucket"
        " that may not be seen is said not to exist",
    ),
    Check(
        "look",
        "every store",
        "the same answer: 404 for the key, not 403. Without it a deleted object looks like a forbidden one",
        "grant the permission",
    ),
    Check(
        "list",
        "every store",
        "the first page of a listing",
        "grant the permission",
    ),
    Check(
        "read",
        "sources with an object; targets and the log store read their probe",
        "GET of one byte",
        "grant the permission",
    ),
    Check(
        "tags",
        "sources with an object, whose tags are read; targets, whose probe is written once more with a tag",
        "GET of the object's tags; PUT of the probe",
        "grant the permission, or tags stay behind: as `degraded`, and under strict as a failure",
    ),
    Check(
        "write",
        "targets, the log store",
        "PUT of a small object below .bucketrelay-doctor/; its user metadata must be there again",
        "grant the permission",
    ),
    Check(
        "conditional",
        "targets",
        "PUT of the same object on the condition that there is none: must be refused",
        "nothing has to be done: without conditions a target may go back to an older version for a moment when two"
        " events of one key are worked on at once, and ends right all the same",
    ),
    Check(
        "multipart",
        "targets",
        "a multipart upload begun and abandoned",
        "grant the permission",
    ),
    Check(
        "delete",
        "targets, the log store",
        "DELETE of the small object, which must be gone then",
        "grant the permission, and remove what is left below .bucketrelay-doctor/",
    ),
    Check(
        "loop",
        "targets, the log store",
        "the small object looked for in each source that would take it: two names may be one bucket",
        "give the log store and the targets buckets of their own, or prefixes that no source contains: else what the"
        " function writes calls it again, without end",
    ),
    Check(
        "heartbeat",
        "sources of routes with `probe`",
        "PUT and DELETE of a small object named like a heartbeat, `.bucketrelay-probe`, but which no route takes",
        "grant the permission, or take `probe` out of the route; and remove the object, where it is left",
    ),
    Check(
        "versioning",
        'targets of routes with deletes = "follow"',
        "the bucket's versioning",
        "switch the bucket's versioning on, with a lifecycle rule for old versions: then a wrong delete can be undone",
    ),
    Check(
        "uploads",
        "targets",
        "the bucket's lifecycle rules: one must remove abandoned multipart uploads, which cost money and are not seen",
        "add a lifecycle rule for {bucket} that removes incomplete multipart uploads after 7 days",
    ),
    Check(
        "events",
        "sources in OCI",
        "the bucket's objectEventsEnabled",
        "bucketrelay wire ROUTE, or oci os bucket update --bucket-name {bucket} --object-events-enabled true",
    ),
    Check(
        "wired",
        "sources",
        "the bucket's notifications, in OCI the rules of its compartment: each event that the routes need must go"
        " somewhere",
        "bucketrelay wire ROUTE",
    ),
    Check(
        "function",
        "what the sources' events go to",
        "timeout and memory of the function; of a queue visibility, dead letters and how failures are reported",
        "as the finding says",
    ),
    Check(
        "forward",
        "forwards",
        "nothing: to ask would be to tell",
        "send one event by hand: bucketrelay replicate EVENT.json",
    ),
    Check(
        "broker",
        "[copier], [datasets]",
        "a connection with the user and the vhost of `broker`",
        "check host and port, user, password and vhost, with amqps ca_file, and that the broker runs",
    ),
    Check(
        "queue",
        "[copier], [datasets]",
        "a passive declaration, and the beginning of a consumer that no message goes to; of SQS its address",
        "grant the permission to read it, and to configure it where it is to be made",
    ),
    Check(
        "replies",
        "[copier] with replies",
        "as of `queue`, and a message to a queue that does not exist, which the broker must bring back",
        "grant the permission to write to amq.default, and to configure the queue where it is to be made",
    ),
    Check(
        "exchange",
        "[datasets]",
        "a passive declaration of the exchange that invalid messages go to",
        "declare it, with a queue that is bound by the routing key error: until then reports of invalid messages wait",
    ),
    Check(
        "archive",
        "[datasets]",
        "the queries of a sync, of no file",
        "mend database; or GRANT USAGE ON SCHEMA sda, and SELECT ON sda.files, sda.checksums, sda.datasets and"
        " sda.file_dataset, to its user",
    ),
    Check(
        "keys",
        "[datasets]",
        "key_file opened with its passphrase, and receiver_key read",
        "name the files that crypt4gh-keygen wrote, with passphrase as it was given then",
    ),
    Check(
        "remote",
        "[datasets]",
        "GET /ready, with user and password",
        "mend url, user or password of remote, or ask the partner whether the API and its broker run",
    ),
)
CHECKS: Mapping[str, Check] = MappingProxyType({check.name: check for check in _ALL})


def table() -> str:
    """The checks as the table of docs/doctor.md."""
    lines = ["| check | asked of | call | what to do where it fails |", "|---|---|---|---|"]
    for check in CHECKS.values():
        known = {scheme: facts(scheme).needs.get(check.name, "") for scheme in ("s3", "obs", "oci")}
        needs = "".join(f"<br>**{scheme}**: {_escape(need)}" for scheme, need in known.items() if need)
        lines.append(f"| `{check.name}` | {check.of} | {check.call} | {check.remedy}{needs} |")
    return "\n".join(lines) + "\n"


def _escape(text: str) -> str:
    return text.replace("|", "\\|").replace("*", "\\*")
