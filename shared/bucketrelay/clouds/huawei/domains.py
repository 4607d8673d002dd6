"""Huawei's clouds: within each, names of buckets are unique over all regions. Data; reads nothing.

Source: docs "Regions and Endpoints" of OBS: `obs.<region>.myhuaweicloud.com`, in Europe `…eu`.
"""

FIRST = "huawei"
_CLOUDS = {".myhuaweicloud.com": FIRST, ".myhuaweicloud.eu": "huawei-eu"}


def cloud_of(host: str) -> str:
    """`huawei`, `huawei-eu`; "" for a server of somebody else's (Open Telekom Cloud's, an emulator's)."""
    where = f".{host.lower()}"
    return next((name for domain, name in _CLOUDS.items() if where.endswith(domain)), "")
