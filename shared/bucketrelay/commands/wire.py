"""`bucketrelay wire ROUTE`: the bucket's events for a route, merged with what is configured there."""

from contextlib import closing
from pathlib import Path

import click

from bucketrelay.clouds.bucket import Cloud, Kind, Plan, Unwirable, Wish
from bucketrelay.clouds.registry import cloud
from bucketrelay.commands.rows import Rows, plural
from bucketrelay.commands.terminal import CONTROL, FAILED, common, complain, configuration, usage
from bucketrelay.config import Config
from bucketrelay.errors import RelayError
from bucketrelay.routes import ANY_BUCKET, Route

_HELP = {
    "function": "Call this function: Lambda ARN, FunctionGraph URN, OCI function OCID.",
    "queue": "Send to this SQS queue (ARN), which a function reads: the way to recommend in AWS.",
    "topic": "Tell this topic: SNS ARN, SMN URN, OCI Notifications OCID.",
}


@click.command()
@click.argument("route")
@click.option("--function", metavar="ARN|URN|OCID", help=_HELP["function"])
@click.option("--queue", metavar="ARN", help=_HELP["queue"])
@click.option("--topic", metavar="ARN|URN|OCID", help=_HELP["topic"])
@click.option("--event-bridge", is_flag=True, help="Send everything to EventBridge (S3).")
@click.option("--undo", is_flag=True, help="Remove what an earlier run set up for the route, and nothing else.")
@click.option("--dry-run", is_flag=True, help="Print what would change, touch nothing.")
@common
def wire(  # noqa: PLR0913 — one parameter for each option
    *,
    route: str,
    function: str | None,
    queue: str | None,
    topic: str | None,
    event_bridge: bool,
    undo: bool,
    dry_run: bool,
    config_file: Path | None,
    as_json: bool,
    quiet: bool,
    verbose: bool,
) -> None:
    """Set up the events of ROUTE's source bucket, so that its changes reach the function.

    What else is configured there stays as it is. Running it twice changes nothing more.
    """
    given: dict[Kind, str | None] = {"function": function, "queue": queue, "topic": topic}
    targets: list[tuple[Kind, str]] = [(kind, target) for kind, target in given.items() if target]
    targets += [("event_bridge", "")] if event_bridge else []
    if undo and targets:
        usage("--undo removes what is named bucketrelay-ROUTE, wherever it goes: leave the target out")
    if not undo and len(targets) > 1:
        usage("give one of --function, --queue, --topic, --event-bridge")
    config = configuration(config_file, quiet=quiet)
    chosen = _route(config, route)
    wish = None if undo else Wish(route, *(targets[0] if targets else ("function", "")))
    with closing(_cloud(config, chosen)) as adapter:
        plan = _wire(adapter, chosen, wish, dry_run=dry_run)
    if verbose and plan.steps:
        click.echo(plan.after.decode(errors="replace").translate(CONTROL), err=True)
    _show(plan, chosen, done=not dry_run, as_json=as_json, quiet=quiet)


def _wire(adapter: Cloud, route: Route, wish: Wish | None, *, dry_run: bool) -> Plan:
    if wish is not None and not wish.target and wish.kind != "event_bridge" and route.source.scheme != "obs":
        usage("say where the events go: --function, --queue or --topic, or in S3 --event-bridge")
    try:
        plan = adapter.plan_undo(route.name) if wish is None else adapter.plan(wish)
        if not dry_run:
            adapter.carry_out(plan)
    except Unwirable as error:
        usage(f"{route.name}: {error}")
    except RelayError as error:
        complain(f"{route.name}: {error}")
        raise SystemExit(FAILED) from error
    return plan


def _show(plan: Plan, route: Route, *, done: bool, as_json: bool, quiet: bool) -> None:
    with Rows(("change" if done else "would change", "what", "detail"), as_json) as rows:
        for step in plan.steps:
            fields = {"change": step.verb, "subject": step.subject, "detail": step.detail, "done": done}
            cells = (step.verb, step.subject, step.detail)
            rows.add(cells, {"route": route.name, "source": route.source.url, **fields})
    if quiet:
        return
    for note in plan.notes:
        complain(note)
    if not plan.steps:
        click.echo(f"{route.source.url}: nothing to change", err=True)
    else:
        click.echo(
            f"{plural(len(plan.steps), 'change')} {'made' if done else 'to make; nothing was touched'}", err=True
        )


def _route(config: Config, name: str) -> Route:
    chosen = next((route for route in config.routes if route.name == name), None)
    if chosen is None:
        usage(f"no route is named {name!r}: there is {', '.join(route.name for route in config.routes) or 'none'}")
    return chosen


def _cloud(config: Config, route: Route) -> Cloud:
    if route.source.bucket == ANY_BUCKET:
        usage(f"the route {route.name} takes any bucket: name one as its source, or wire each by hand")
    adapter = cloud(config.stores[route.source_store].address, config.stores[route.source_store].reveal())
    if adapter is None:
        scheme = route.source.scheme
        usage(f"{scheme}:// has no events to wire: run bucketrelay reconcile {route.name} on a schedule instead")
    return adapter
