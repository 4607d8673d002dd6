"""Buckets and the namespace."""

from collections.abc import Iterable

from bucketrelay_emulators.engine.engine import Bucket, Engine
from bucketrelay_emulators.engine.values import BucketExists, BucketNotEmpty, NoSuchBucket
from bucketrelay_emulators.oci.events import COMPARTMENT, bucket_ocid
from bucketrelay_emulators.oci.wire import Answer, Refusal, Request, answer_json, rfc3339


class Buckets:
    """What a bucket has besides its objects: whether it emits events, and whether the caller may see it."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self.emitting: set[tuple[str, str]] = set()
        self.denied: set[str] = set()
        self._versioned: set[tuple[str, str]] = set()
        self._lifecycle: dict[tuple[str, str], list[object]] = {}

    def find(self, namespace: str, name: str) -> Bucket:
        """The bucket. Raises Refusal: the service does not tell a missing bucket from one that is not allowed."""
        refusal = Refusal(
            404,
            "BucketNotFound",
            f"Either the bucket named '{name}' does not exist in the namespace '{namespace}' or you are not authorized "
            "to access it",
        )
        if name in self.denied:
            raise refusal
        try:
            return self._engine.bucket(name, namespace)
        except NoSuchBucket as error:
            raise refusal from error

    def make(self, namespace: str, name: str, *, events: bool) -> Bucket:
        """A new bucket. Raises BucketExists."""
        made = self._engine.create_bucket(name, namespace)
        if events:
            self.emitting.add((namespace, name))
        return made

    def create(self, namespace: str, request: Request) -> Answer:
        """CreateBucket; `objectEventsEnabled` is false unless asked for."""
        details = request.json()
        name = details.get("name")
        if not isinstance(name, str) or not name or not isinstance(details.get("compartmentId"), str):
            raise Refusal(400, "InvalidParameter", "a bucket has a name and a compartmentId")
        try:
            made = self.make(namespace, name, events=details.get("objectEventsEnabled") is True)
        except BucketExists as error:
            raise Refusal(
                409, "BucketAlreadyExists", f"Either the bucket '{name}' exists or you may not see it"
            ) from error
        return self._describe(made)

    def show(self, bucket: Bucket) -> Answer:
        """GetBucket and HeadBucket."""
        return self._describe(bucket)

    def update(self, bucket: Bucket, request: Request) -> Answer:
        """UpdateBucket: here only `objectEventsEnabled` and `versioning`."""
        asked, place = request.json(), (bucket.namespace, bucket.name)
        for name, on, those in (
            ("objectEventsEnabled", True, self.emitting),
            ("versioning", "Enabled", self._versioned),
        ):
            if (wanted := asked.get(name)) is not None:
                (those.add if wanted == on else those.discard)(place)
        if "versioning" in asked:
            bucket.keep_versions(on=asked["versioning"] == "Enabled")
        return self._describe(bucket)

    def lifecycle(self, bucket: Bucket) -> Answer:
        """GetObjectLifecyclePolicy."""
        rules = self._lifecycle.get((bucket.namespace, bucket.name))
        if rules is None:
            raise Refusal(404, "LifecyclePolicyNotFound", f"Bucket '{bucket.name}' has no lifecycle policy")
        return answer_json({"items": rules})

    def set_lifecycle(self, bucket: Bucket, request: Request) -> Answer:
        """PutObjectLifecyclePolicy: kept, and not carried out."""
        rules = request.json().get("items")
        self._lifecycle[bucket.namespace, bucket.name] = list(rules) if isinstance(rules, list) else []
        return self.lifecycle(bucket)

    def delete(self, bucket: Bucket) -> Answer:
        """DeleteBucket."""
        try:
            self._engine.delete_bucket(bucket.name, bucket.namespace)
        except BucketNotEmpty as error:
            raise Refusal(409, "BucketNotEmpty", f"Bucket named '{bucket.name}' is not empty") from error
        self.emitting.discard((bucket.namespace, bucket.name))
        return Answer(204)

    def list(self, namespace: str) -> Answer:
        """ListBuckets, all of them on one page."""
        seen: Iterable[Bucket] = (b for b in self._engine.buckets(namespace) if b.name not in self.denied)
        return answer_json(
            [{"namespace": namespace, "name": b.name, "compartmentId": COMPARTMENT, "etag": _etag(b)} for b in seen]
        )

    def _describe(self, bucket: Bucket) -> Answer:
        shown = {
            "namespace": bucket.namespace,
            "name": bucket.name,
            "compartmentId": COMPARTMENT,
            "etag": _etag(bucket),
            "timeCreated": rfc3339(bucket.created),
            "publicAccessType": "NoPublicAccess",
            "storageTier": "Standard",
            "objectEventsEnabled": (bucket.namespace, bucket.name) in self.emitting,
            "versioning": "Enabled" if (bucket.namespace, bucket.name) in self._versioned else "Disabled",
            "id": bucket_ocid(bucket.namespace, bucket.name),
        }
        return answer_json(shown, headers={"etag": _etag(bucket)})


def _etag(bucket: Bucket) -> str:
    return bucket_ocid(bucket.namespace, bucket.name)[-12:]
