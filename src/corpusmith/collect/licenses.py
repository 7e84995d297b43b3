"""Licences as sources write them, to SPDX ids (https://spdx.org/licenses/)."""

from __future__ import annotations

import re

_CC = re.compile(
    r"(?:https?:)?//(?:www\.)?creativecommons\.org/"
    r"(?:licenses/(?P<kind>by(?:-nc)?(?:-nd|-sa)?)/(?P<version>\d\.\d)(?:/(?P<port>[a-z]{2,3}))?"
    r"|publicdomain/(?P<public>zero|mark)/(?P<pversion>\d\.\d))",
    re.IGNORECASE,
)
_CC_NAME = re.compile(
    r"(?:creative commons |cc[- ]?)(?P<kind>by(?:[- ]nc)?(?:[- ](?:nd|sa))?)"
    r"[- ]v?(?P<version>\d(?:\.\d)?)",
    re.IGNORECASE,
)

_IDS = (
    "0BSD AFL-3.0 AGPL-3.0 AGPL-3.0-only AGPL-3.0-or-later Apache-1.1 Apache-2.0 Artistic-1.0 "
    "Artistic-2.0 BSD-1-Clause BSD-2-Clause BSD-3-Clause BSD-4-Clause BSL-1.0 CC0-1.0 CC-BY-2.0 "
    "CC-BY-2.5 CC-BY-3.0 CC-BY-4.0 CC-BY-SA-2.0 CC-BY-SA-2.5 CC-BY-SA-3.0 CC-BY-SA-4.0 "
    "CC-BY-NC-4.0 CC-BY-ND-4.0 CC-BY-NC-SA-4.0 CC-BY-NC-ND-4.0 CDDL-1.0 CECILL-2.1 ECL-2.0 "
    "EPL-1.0 EPL-2.0 EUPL-1.2 GFDL-1.3 GPL-2.0 GPL-2.0-only GPL-2.0-or-later GPL-3.0 "
    "GPL-3.0-only GPL-3.0-or-later ISC LGPL-2.1 LGPL-2.1-only LGPL-2.1-or-later LGPL-3.0 "
    "LGPL-3.0-only LGPL-3.0-or-later LPPL-1.3c MIT MIT-0 MPL-1.1 MPL-2.0 MS-PL NCSA ODbL-1.0 "
    "OFL-1.1 OpenSSL PHP-3.01 PostgreSQL PSF-2.0 Python-2.0 Ruby Unlicense UPL-1.0 Vim W3C "
    "WTFPL X11 Zlib ZPL-2.1"
)
# The national versions that SPDX lists; others are named by the version they were ported from.
_PORTED = (
    "CC-BY-2.5-AU CC-BY-3.0-AT CC-BY-3.0-AU CC-BY-3.0-DE CC-BY-3.0-IGO CC-BY-3.0-NL CC-BY-3.0-US "
    "CC-BY-NC-3.0-DE CC-BY-NC-ND-3.0-DE CC-BY-NC-ND-3.0-IGO CC-BY-NC-SA-2.0-DE CC-BY-NC-SA-2.0-FR "
    "CC-BY-NC-SA-2.0-UK CC-BY-NC-SA-3.0-DE CC-BY-NC-SA-3.0-IGO CC-BY-ND-3.0-DE CC-BY-SA-2.0-UK "
    "CC-BY-SA-2.1-JP CC-BY-SA-3.0-AT CC-BY-SA-3.0-DE CC-BY-SA-3.0-IGO"
)
_BY_NAME = {name.lower(): name for name in _IDS.split()} | {
    "apache 2.0": "Apache-2.0",
    "apache 2": "Apache-2.0",
    "apache license 2.0": "Apache-2.0",
    "apache license, version 2.0": "Apache-2.0",
    "mit license": "MIT",
    "the mit license": "MIT",
    "cc0": "CC0-1.0",
    "new bsd": "BSD-3-Clause",
    "bsd 3-clause": "BSD-3-Clause",
    "bsd 2-clause": "BSD-2-Clause",
    "the unlicense": "Unlicense",
}
_URLS = {
    "apache.org/licenses/license-2.0": "Apache-2.0",
    "opensource.org/licenses/mit": "MIT",
    "opensource.org/license/mit": "MIT",
    "opensource.org/licenses/bsd-3-clause": "BSD-3-Clause",
    "opensource.org/licenses/bsd-2-clause": "BSD-2-Clause",
    "gnu.org/licenses/gpl-3.0": "GPL-3.0",
    "gnu.org/licenses/old-licenses/gpl-2.0": "GPL-2.0",
    "gnu.org/licenses/fdl-1.3": "GFDL-1.3",
    "gnu.org/licenses/agpl-3.0": "AGPL-3.0",
    "gnu.org/licenses/lgpl-3.0": "LGPL-3.0",
    "mozilla.org/mpl/2.0": "MPL-2.0",
    "unlicense.org": "Unlicense",
}
# On a line of its own or of a comment: code that writes or looks for such lines has them in
# strings, which say nothing of the file.
_HEADER = re.compile(
    r"^[ \t]*(?:[^\w\s(\"'`][^\n]{0,300}?|\(\*[^\n]{0,300}?|[\"'] |(?i:dnl|@?rem|c)[ \t]+|)"
    r"SPDX-License-Identifier:[ \t]*([^\n\r*]{1,200})",
    re.MULTILINE,
)
_EXPRESSION = re.compile(
    r"\(*[A-Za-z0-9][\w.+-]*\)*(?: (?:AND|OR|WITH) \(*[A-Za-z0-9][\w.+-]*\)*)*"
)


def spdx(value: object) -> str | None:
    """The SPDX id of a name or URL, or None where it is unknown.

    >>> spdx("https://creativecommons.org/licenses/by-sa/3.0/de/")
    'CC-BY-SA-3.0-DE'
    >>> spdx("Apache 2.0")
    'Apache-2.0'
    """
    if not isinstance(value, str) or not 2 < len(value) <= 500:
        return None
    text = value.strip()
    if match := _CC.search(text):
        if match["public"]:
            zero = match["public"].lower() == "zero"
            return f"CC0-{match['pversion']}" if zero else f"CC-PDM-{match['pversion']}"
        name = f"CC-{match['kind'].upper()}-{match['version']}"
        ported = f"{name}-{(match['port'] or '').upper()}"
        return ported if ported in _PORTED.split() else name
    if found := _BY_NAME.get(re.sub(r"[\s_]+", " ", text.lower())):
        return found
    if match := _CC_NAME.fullmatch(text.replace("_", "-")):
        version = match["version"] if "." in match["version"] else match["version"] + ".0"
        return f"CC-{match['kind'].upper().replace(' ', '-')}-{version}"
    if "/" in text or "." in text:
        bare = re.sub(r"^(?:https?:)?//(?:www\.)?", "", text.lower())
        for url, name in _URLS.items():
            if bare.startswith(url):
                return name
    return None


def spdx_header(text: str) -> str | None:
    """The expression of an `SPDX-License-Identifier:` line in the first 8,192 characters."""
    match = _HEADER.search(text, 0, 8192)
    if match is None:
        return None
    value = re.split(r"\s+(?:--?>|#|//)|-->", match[1])[0].strip(" \t\"';")
    found = _EXPRESSION.match(value)
    return found[0] if found else None
