"""Where the API stands below another path of its host: every `href` that goes out begins with it.

What is kept begins at the root, so that the path may change with the proxy before it.
"""

from satcom.core.entity import OWN_PREFIX
from satcom.core.values import Json

OURS = ("/tmf-api/", f"{OWN_PREFIX}/")


def rooted(body: Json, root: str) -> Json:
    """The body with `root` before every reference to an object of ours."""
    if isinstance(body, list):
        return [rooted(one, root) for one in body]
    if not isinstance(body, dict):
        return body
    return {name: _reference(name, value, root) for name, value in body.items()}


def rooted_path(path: str, root: str) -> str:
    return root + path if path.startswith(OURS) else path


def _reference(name: str, value: Json, root: str) -> Json:
    if isinstance(value, str):
        return rooted_path(value, root) if name.lower().endswith("href") else value
    return rooted(value, root)
