"""The checks as values: what is asked, which permission it takes, what to do where it fails."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType

from bucketrelay.model import Address

NOTHING: Mapping[str, str] = MappingProxyType({})


@dataclass(frozen=True, slots=True)
class Finding:
    """What became of one check. `ok` is None where it could not be told, or is nothing but worth knowing."""

    check: str
    store: str  # the store's name in the configuration; a forward's for `forward`
    ok: bool | None
    detail: str
    remedy: str = ""


@dataclass(frozen=True, slots=True)
class Check:
    """One question.

    `needs` are permissions by scheme, in the cloud's own words; `{bucket}` and `{prefix}` stand for the store's.
    """

    name: str
    of: str  # which stores are asked
    call: str
    remedy: str
    needs: Mapping[str, str] = field(default_factory=lambda: NOTHING)

    def advice(self, address: Address) -> str:
        """The remedy for one store, with the permission where it takes one."""
        need = self.needs.get(address.scheme, "")
        said = f"{self.remedy}: {need}" if need else self.remedy
        return said.replace("{bucket}", address.bucket).replace("{prefix}", address.prefix)


_OBJECTS = "arn:aws:s3:::{bucket}/{prefix}*"
_ALLOW = "Allow dynamic-group … to manage objects in compartment … where all {target.bucket.name='{bucket}', "
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
        {
            "s3": f"s3:ListBucket on arn:aws:s3:::{{bucket}} and s3:GetObject on {_OBJECTS}",
            "obs": "obs:bucket:ListBucket on {bucket} and obs:object:GetObject on {bucket}/{prefix}*",
            "oci": "Allow dynamic-group … to read objects in compartment … where target.bucket.name='{bucket}'",
        },
    ),
    Check(
        "list",
        "every store",
        "the first page of a listing",
        "grant the permission",
        {
            "s3": "s3:ListBucket on arn:aws:s3:::{bucket}",
            "obs": "obs:bucket:ListBucket on {bucket}",
            "oci": "OBJECT_INSPECT (to inspect objects) in {bucket}",
        },
    ),
    Check(
        "read",
        "sources with an object; targets and the log store read their probe",
        "GET of one byte",
        "grant the permission",
        {
            "s3": f"s3:GetObject on {_OBJECTS}, and for KMS kms:Decrypt",
            "obs": "obs:object:GetObject on {bucket}/{prefix}*",
            "oci": "OBJECT_READ (to read objects) in {bucket}",
        },
    ),
    Check(
        "write",
        "targets, the log store",
        "PUT of a small object below .bucketrelay-doctor/; its user metadata must be there again",
        "grant the permission",
        {
            "s3": f"s3:PutObject on {_OBJECTS}, and for KMS kms:GenerateDataKey",
            "obs": "obs:object:PutObject on {bucket}/{prefix}*",
            "oci": _ALLOW + "any {request.permission='OBJECT_CREATE', request.permission='OBJECT_OVERWRITE'}}",
        },
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
        {
            "s3": f"s3:PutObject, s3:AbortMultipartUpload and s3:ListMultipartUploadParts on {_OBJECTS}",
            "obs": "obs:object:PutObject, AbortMultipartUpload and ListMultipartUploadParts on {bucket}/{prefix}*",
            "oci": "OBJECT_CREATE and OBJECT_OVERWRITE, both, in {bucket}",
        },
    ),
    Check(
        "delete",
        "targets, the log store",
        "DELETE of the small object, which must be gone then",
        "grant the permission, and remove what is left below .bucketrelay-doctor/",
        {
            "s3": f"s3:DeleteObject on {_OBJECTS}",
            "obs": "obs:object:DeleteObject on {bucket}/{prefix}*",
            "oci": _ALLOW + "request.permission='OBJECT_DELETE'}",
        },
    ),
    Check(
        "loop",
        "targets, the log store",
        "the small object looked for in each source that would take it: two names may be one bucket",
        "give the log store and the targets buckets of their own, or prefixes that no source contains: else what the"
        " function writes calls it again, without end",
    ),
    Check(
        "versioning",
        'targets of routes with deletes = "follow"',
        "the bucket's versioning",
        "switch the bucket's versioning on, with a lifecycle rule for old versions: then a wrong delete can be undone",
        {
            "s3": "s3:GetBucketVersioning to ask for it",
            "obs": "obs:bucket:GetBucketVersioning to ask for it",
            "oci": "BUCKET_READ (to read buckets) to ask for it",
        },
    ),
    Check(
        "uploads",
        "targets",
        "the bucket's lifecycle rules: one must remove abandoned multipart uploads, which cost money and are not seen",
        "add a lifecycle rule for {bucket} that removes incomplete multipart uploads after 7 days",
        {
            "s3": "AbortIncompleteMultipartUpload; to ask for it takes s3:GetLifecycleConfiguration",
            "obs": "AbortIncompleteMultipartUpload; to ask for it takes obs:bucket:GetLifecycleConfiguration",
            "oci": "target multipart-uploads, action ABORT; to ask for it takes BUCKET_READ (to read buckets)",
        },
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
        {
            "s3": "sets it up; to ask for it takes s3:GetBucketNotification",
            "obs": "sets it up where FunctionGraph has OBS triggers; to ask for it takes"
            " obs:bucket:GetBucketNotification",
            "oci": "sets it up; to ask for it takes to inspect cloudevents-rules in the bucket's compartment",
        },
    ),
    Check(
        "function",
        "what the sources' events go to",
        "timeout and memory of the function; of a queue visibility, dead letters and how failures are reported",
        "as the finding says",
        {
            "s3": "lambda:GetFunctionConfiguration, lambda:ListEventSourceMappings, sqs:GetQueueAttributes",
            "obs": "cannot be asked: FunctionGraph's SDK is no part of this",
            "oci": "to inspect fn-function in the function's compartment",
        },
    ),
    Check(
        "forward",
        "forwards",
        "nothing: to ask would be to tell",
        "send one event by hand: bucketrelay replicate EVENT.json",
    ),
)
CHECKS: Mapping[str, Check] = MappingProxyType({check.name: check for check in _ALL})


def table() -> str:
    """The checks as the table of docs/doctor.md."""
    lines = ["| check | asked of | call | what to do where it fails |", "|---|---|---|---|"]
    for check in CHECKS.values():
        needs = "".join(f"<br>**{scheme}**: {_escaped(need)}" for scheme, need in check.needs.items())
        lines.append(f"| `{check.name}` | {check.of} | {check.call} | {check.remedy}{needs} |")
    return "\n".join(lines) + "\n"


def _escaped(text: str) -> str:
    return text.replace("|", "\\|").replace("*", "\\*")
