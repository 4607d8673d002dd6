"""Crypt4GH: objects whose header is encrypted anew for another reader, while the body's bytes pass untouched.

The format is GA4GH's (samtools.github.io/hts-specs/crypt4gh.pdf, version 1.0). Only headers are ever decrypted here.
"""
