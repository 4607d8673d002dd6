"""What the configuration files of AWS's tools say of a profile, which botocore alone reads.

It loads botocore, and is imported only where that is needed.
"""

from typing import Any

from botocore import exceptions
from botocore.configprovider import ConfiguredEndpointProvider
from botocore.session import Session

from bucketrelay.errors import StoreRefused


def session_of(profile: str) -> Session:
    """The SDK's session for a profile; "" for the one that the environment names."""
    return Session(profile=profile or None)


def settings(profile: str) -> dict[str, Any]:
    """What the configuration file says; only what it does say. Raises StoreRefused where there is no such profile."""
    try:
        session = session_of(profile)
        scoped = session.get_scoped_config()
        values: dict[str, Any] = {
            "region": session.get_config_variable("region"),
            "profile_region": scoped.get("region"),
            "ca_file": session.get_config_variable("ca_bundle"),
            "endpoint": _endpoint(session, scoped),
            "dual_stack": session.get_config_variable("use_dualstack_endpoint"),
            "fips": session.get_config_variable("use_fips_endpoint"),
        }
    except exceptions.BotoCoreError as error:
        raise StoreRefused(f"the configuration of AWS's tools: {error}: mend profile, or the file") from error
    style = str((scoped.get("s3") or {}).get("addressing_style", "")) if isinstance(scoped.get("s3"), dict) else ""
    if style in ("path", "virtual"):
        values["path_style"] = style == "path"
    return {name: value for name, value in values.items() if value is not None and value != ""}


def _endpoint(session: Session, scoped: Any) -> str:
    if session.get_config_variable("ignore_configured_endpoint_urls"):
        return ""
    provider = ConfiguredEndpointProvider(full_config=session.full_config, scoped_config=scoped, client_name="s3")
    return str(provider.provide() or "")
