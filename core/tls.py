"""Whom this installation believes when it calls others over TLS: the certificate authorities, read once a process.

Reading them takes a tenth of a second, which every client of `httpx` spends anew unless it is given what was read.
"""

from functools import cache
from ssl import SSLContext

import httpx


@cache
def trusted_authorities(trust_env: bool) -> SSLContext:
    """Those of `certifi`; with `trust_env` those of SSL_CERT_FILE or SSL_CERT_DIR, if the process has one."""
    return httpx.create_ssl_context(trust_env=trust_env)
