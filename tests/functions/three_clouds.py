"""Three clouds on this machine, a user's clients of each, and our functions in their real runtimes between them."""

import json
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bucketrelay_emulators.local_clouds import NAMESPACE, Emulated, Held, LocalMoto, local_clouds, store_table
from functions.runtimes import FnRuntime, FunctionGraphRuntime, LambdaRuntime

__all__ = ["NAMESPACE", "Emulated", "Held", "LocalMoto", "ThreeClouds", "local_clouds", "three_clouds", "toml"]

ROOT = Path(__file__).parents[2]
SOURCE, TARGET, LOGS = "src-bucket", "target-bucket", "log-bucket"


@dataclass
class ThreeClouds:
    """The clouds by scheme, and the function of each with the routes source → a target in every cloud."""

    views: dict[str, Any]
    functions: dict[str, Any]

    def lists(self) -> dict[str, list[dict[str, Any]]]:
        """The lines of the success and failed lists."""
        found: dict[str, list[dict[str, Any]]] = {"success_object": [], "failed_object": []}
        for key in self.views["s3"].keys(LOGS):
            if key.split("/")[0] not in found:
                continue
            body = self.views["s3"].read(LOGS, key).body
            found[key.split("/")[0]] += [json.loads(line) for line in body.splitlines()]
        return found

    def clear(self) -> None:
        """Empty every bucket."""
        for view in self.views.values():
            for bucket in (SOURCE, TARGET):
                for key in view.keys(bucket):
                    view.remove(bucket, key)
        for key in self.views["s3"].keys(LOGS):
            self.views["s3"].remove(LOGS, key)

    def invoke(self, cloud: str, event: object) -> Any:
        """The answer of the cloud's function to one event."""
        answer = self.functions[cloud].invoke(event)
        if cloud != "oci":
            return answer
        return {"status": answer.status, "body": answer.body}


def toml(views: dict[str, Any], source: str) -> str:
    """From one cloud's source bucket to a target bucket in each, with the lists in S3."""
    stores = {"source": (views[source], SOURCE), "logs": (views["s3"], LOGS)}
    stores.update({f"to-{scheme}": (view, TARGET) for scheme, view in views.items()})
    text = 'log = "logs"\n' + "".join(store_table(name, view, bucket) for name, (view, bucket) in stores.items())
    targets = json.dumps([f"to-{scheme}" for scheme in views])
    return text + f'[[routes]]\nname = "all"\nsource = "source"\ntargets = {targets}\ndeletes = "follow"\n'


@contextmanager
def three_clouds() -> Iterator[ThreeClouds]:
    """Everything up; down again at the end."""
    with ExitStack() as stack:
        views = stack.enter_context(local_clouds())
        for view in views.values():
            for bucket in (SOURCE, TARGET):
                view.create(bucket)
        views["s3"].create(LOGS)
        functions = {
            scheme: stack.enter_context(
                runtime(
                    ROOT / "functions" / folder,
                    paths=[ROOT / "shared"],
                    env={"BUCKETRELAY_TOML": toml(views, scheme)},
                )
            )
            for scheme, runtime, folder in (
                ("s3", LambdaRuntime, "s3_notifications"),
                ("obs", FunctionGraphRuntime, "obs_trigger"),
                ("oci", FnRuntime, "oci_events"),
            )
        }
        yield ThreeClouds(views, functions)
