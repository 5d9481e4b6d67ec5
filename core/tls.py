"""Whom this installation believes when it calls others over TLS: the certificate authorities, read once a process.

Reading them takes a tenth of a second, which every client of `httpx` spends anew unless it is given what was read.
"""

from functools import cache
from ssl import SSLContext

import httpx


@cache
def trusted_authorities() -> SSLContext:
    """Those of `certifi`, or in their place those of SSL_CERT_FILE or SSL_CERT_DIR, if the process has one of them."""
    return httpx.create_ssl_context()
