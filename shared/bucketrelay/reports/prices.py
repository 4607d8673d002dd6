"""What requests and traffic cost: a table that the user may replace. Data, and the reading of it.

The figures are list prices as they were publicly known on the date beside them, and no offer: look yours up. Where a
price is not known here it is left out, and the estimate says so.
"""

from collections.abc import Mapping
from types import MappingProxyType

from bucketrelay.values import dataclass

SORTS = ("write", "list", "read", "delete")


@dataclass(frozen=True, slots=True)
class Prices:
    """One cloud's prices.

    Args:
        write, list, read, delete: US dollars for 1,000 requests of that sort; None: not known.
        out: US dollars for a GiB that leaves the cloud.
        source: where they are published.
        date: when they were looked up.
    """

    write: float | None = None
    list: float | None = None
    read: float | None = None
    delete: float | None = None
    out: float | None = None
    source: str = ""
    date: str = ""


PRICES: Mapping[str, Prices] = MappingProxyType(
    {
        # S3 Standard, us-east-1; out to the internet, the first 10 TB of a month.
        "s3": Prices(0.005, 0.005, 0.0004, 0.0, 0.09, "aws.amazon.com/s3/pricing", "2025-06"),
        # Beyond 50,000 requests and 10 TB out a month, which are free.
        "oci": Prices(0.00034, 0.00034, 0.00034, 0.0, 0.0085, "oracle.com/cloud/price-list", "2025-06"),
        "obs": Prices(source="huaweicloud.com/intl/en-us/pricing", date="not known here: differs by region"),
        "file": Prices(0.0, 0.0, 0.0, 0.0, 0.0, "a directory", "always"),
    }
)


def read_prices(text: Mapping[str, object]) -> Mapping[str, Prices]:
    """The table with what a user's file says in place of ours: `[s3]` with `write list read delete out source date`.

    Raises:
        ValueError: a key is no price.
        TypeError: a section is none, or a price is no number.
    """
    table = dict(PRICES)
    for scheme, section in text.items():
        if not isinstance(section, dict):
            raise TypeError(f"{scheme} is no section: write [s3], [obs], [oci] or [rclone]")
        for key, value in section.items():
            wanted = str if key in ("source", "date") else (int, float)
            if key not in (*SORTS, "out", "source", "date"):
                raise ValueError(f"{scheme}.{key} is no price: there are {', '.join(SORTS)} and out")
            if not isinstance(value, wanted) or isinstance(value, bool):
                raise TypeError(f"{scheme}.{key} is no {'text' if wanted is str else 'number'}")
        table[scheme] = Prices(**section)
    return table
