"""What looks at everything that knows how far replication has come, for a configuration."""

from bucketrelay.config import Config
from bucketrelay.drivers.status import Survey, Thresholds
from bucketrelay.model import Result
from bucketrelay.system import System


def survey(config: Config, system: System) -> Survey:
    """The survey of all routes."""

    def target(result: Result) -> str:
        route = next((route for route in config.routes if route.name == result.route), None)
        if route is None:
            return ""
        if route.forward:
            return route.forward
        urls = {name: config.stores[name].address.of("") for name in route.targets}
        inside = [name for name, url in urls.items() if result.target.startswith(url)]
        return max(inside, key=lambda name: len(urls[name]), default="")

    limits = config.alarms
    thresholds = Thresholds(lag=limits.lag, failed=limits.failed, dead=limits.dead, books=limits.books)
    return Survey(config.routes, system.log(), target, system.now, thresholds=thresholds)
