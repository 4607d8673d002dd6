"""A certificate for 127.0.0.1, and the authority that vouches for it."""

import ipaddress
from datetime import datetime, timedelta, timezone
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

NOW = datetime.now(timezone.utc)


def _name(word: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, word)])


def _signed(builder: x509.CertificateBuilder, key: ec.EllipticCurvePrivateKey) -> bytes:
    made = builder.not_valid_before(NOW - timedelta(days=1)).not_valid_after(NOW + timedelta(days=2))
    made = made.serial_number(x509.random_serial_number())
    return made.sign(key, hashes.SHA256()).public_bytes(serialization.Encoding.PEM)


def certificates(folder: Path) -> None:
    """`ca.pem`, `server.pem` and `server.key` in *folder*."""
    authority, server = ec.generate_private_key(ec.SECP256R1()), ec.generate_private_key(ec.SECP256R1())
    ca = x509.CertificateBuilder().subject_name(_name("tests")).issuer_name(_name("tests"))
    ca = ca.public_key(authority.public_key()).add_extension(
        x509.BasicConstraints(ca=True, path_length=0), critical=True
    )
    usage = x509.KeyUsage(True, False, False, False, False, True, True, False, False)
    ca = ca.add_extension(usage, critical=True)
    own = x509.SubjectKeyIdentifier.from_public_key(authority.public_key())
    ca = ca.add_extension(own, critical=False)
    leaf = x509.CertificateBuilder().subject_name(_name("broker")).issuer_name(_name("tests"))
    names = x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address("127.0.0.1"))])
    leaf = leaf.public_key(server.public_key()).add_extension(names, critical=False)
    whose = x509.AuthorityKeyIdentifier.from_issuer_subject_key_identifier(own)
    leaf = leaf.add_extension(whose, critical=False)
    (folder / "ca.pem").write_bytes(_signed(ca, authority))
    (folder / "server.pem").write_bytes(_signed(leaf, authority))
    form = (serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    (folder / "server.key").write_bytes(server.private_bytes(*form))
