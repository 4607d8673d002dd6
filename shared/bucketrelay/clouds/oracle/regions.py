"""Oracle's regions: which realm each is in, and the domain of its services. Data; reads nothing.

Source: `oci/regions_definitions.py` of the SDK 2.189, with which `tests/unit/sign` compares. A region that is not here
yet is taken for one of the commercial realm, as the SDK takes it; the store's `endpoint` says what is right elsewhere.
"""

import re
from functools import lru_cache

# A line for each realm: its name, its domain, and its regions with the three letters that stand for each.
_REALMS = (
    "oc1 oraclecloud.com yny=ap-chuncheon-1 hyd=ap-hyderabad-1 mel=ap-melbourne-1 bom=ap-mumbai-1"
    " kix=ap-osaka-1 icn=ap-seoul-1 syd=ap-sydney-1 nrt=ap-tokyo-1 yul=ca-montreal-1 yyz=ca-toronto-1"
    " ams=eu-amsterdam-1 fra=eu-frankfurt-1 zrh=eu-zurich-1 jed=me-jeddah-1 dxb=me-dubai-1"
    " gru=sa-saopaulo-1 cwl=uk-cardiff-1 lhr=uk-london-1 iad=us-ashburn-1 phx=us-phoenix-1"
    " sjc=us-sanjose-1 vcp=sa-vinhedo-1 scl=sa-santiago-1 mtz=il-jerusalem-1 mrs=eu-marseille-1"
    " sin=ap-singapore-1 auh=me-abudhabi-1 lin=eu-milan-1 arn=eu-stockholm-1 jnb=af-johannesburg-1"
    " cdg=eu-paris-1 qro=mx-queretaro-1 mad=eu-madrid-1 ord=us-chicago-1 mty=mx-monterrey-1"
    " aga=us-saltlake-2 bog=sa-bogota-1 vap=sa-valparaiso-1 xsp=ap-singapore-2 ruh=me-riyadh-1"
    " onm=ap-delhi-1 hsg=ap-batam-1 orf=eu-madrid-3 nrq=eu-turin-1 jbp=ap-kulai-2 lej=af-casablanca-1\n"
    "oc2 oraclegovcloud.com lfi=us-langley-1 luf=us-luke-1\n"
    "oc3 oraclegovcloud.com ric=us-gov-ashburn-1 pia=us-gov-chicago-1 tus=us-gov-phoenix-1\n"
    "oc4 oraclegovcloud.uk ltn=uk-gov-london-1 brs=uk-gov-cardiff-1\n"
    "oc8 oraclecloud8.com nja=ap-chiyoda-1 ukb=ap-ibaraki-1\n"
    "oc9 oraclecloud9.com mct=me-dcc-muscat-1 ibr=me-ibri-1\n"
    "oc10 oraclecloud10.com wga=ap-dcc-canberra-1\n"
    "oc14 oraclecloud14.com bgy=eu-dcc-milan-1 mxp=eu-dcc-milan-2 snn=eu-dcc-dublin-2 dtm=eu-dcc-rating-2"
    " dus=eu-dcc-rating-1 ork=eu-dcc-dublin-1\n"
    "oc15 oraclecloud15.com dac=ap-dcc-gazipur-1\n"
    "oc19 oraclecloud.eu vll=eu-madrid-2 str=eu-frankfurt-2\n"
    "oc20 oraclecloud20.com beg=eu-jovanovac-1\n"
    "oc21 oraclecloud21.com doh=me-dcc-doha-1 vve=me-alrayyan-1\n"
    "oc23 oraclecloud23.com ebb=us-somerset-1 ebl=us-thames-1\n"
    "oc24 oraclecloud24.com avz=eu-dcc-zurich-1 avf=eu-crissier-1\n"
    "oc26 oraclecloud26.com ahu=me-abudhabi-3 rba=me-alain-1\n"
    "oc29 oraclecloud29.com rkt=me-abudhabi-2 shj=me-abudhabi-4\n"
    "oc35 oraclecloud35.com dtz=ap-seoul-2 dln=ap-suwon-1 bno=ap-chuncheon-2\n"
    "oc42 oraclecloud42.com yxj=us-ashburn-2 pgc=us-newark-1\n"
    "oc51 oraclecloud51.com jsk=eu-budapest-1\n"
    "oc52 oraclecloud52.com hnw=sa-riodejaneiro-1\n"
)
_COMMERCIAL = ("oc1", "oraclecloud.com")
_STORAGE = re.compile(r"(?:.*\.)?objectstorage\.(?P<region>[a-z0-9-]+)\.(?P<domain>.+)")
_DEDICATED = "oci.customer-oci.com"  # a tenancy's own names of the servers: docs "Object Storage Dedicated Endpoints"


def region_name(region: str) -> str:
    """`us-ashburn-1`, also where its three letters (`iad`) are given."""
    return _table()[0].get(region.lower(), region.lower())


def realm_of(region: str) -> str:
    """The realm: buckets of one copy to each other, and are known by namespace and name."""
    return _table()[1].get(region_name(region), _COMMERCIAL)[0]


def region_at(host: str) -> str:
    """The region whose Object Storage answers at *host*; "" where that is no server of Oracle's."""
    match = _STORAGE.fullmatch(host.lower())
    domains = {_DEDICATED, _COMMERCIAL[1], *(domain for _, domain in _table()[1].values())}
    return region_name(match["region"]) if match and match["domain"] in domains else ""


def service_endpoint(service: str, region: str) -> str:
    """Where a service answers.

    Args:
        service: `objectstorage`, `functions`, `events`.
    """
    name = region_name(region)
    domain = _table()[1].get(name, _COMMERCIAL)[1]
    return f"https://{service}.{name}.{'' if service == 'objectstorage' else 'oci.'}{domain}"


@lru_cache(maxsize=1)
def _table() -> tuple[dict[str, str], dict[str, tuple[str, str]]]:
    """Regions by their letters; realm and domain by region."""
    names: dict[str, str] = {}
    places: dict[str, tuple[str, str]] = {}
    for line in _REALMS.splitlines():
        realm, domain, *regions = line.split()
        for letters, _, name in (region.partition("=") for region in regions):
            names[letters], places[name] = name, (realm, domain)
    return names, places
