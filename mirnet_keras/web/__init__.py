"""A page that restores photos, in the visitor's browser or through the service."""

from mirnet_keras.web.errors import WebError
from mirnet_keras.web.page_files import SITE, TYPES, page_files, preset_title, site_facts
from mirnet_keras.web.server import HEADERS, serving
from mirnet_keras.web.site import build_site

__all__ = [
    "HEADERS",
    "SITE",
    "TYPES",
    "WebError",
    "build_site",
    "page_files",
    "preset_title",
    "serving",
    "site_facts",
]
