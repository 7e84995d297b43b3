"""Makes src/corpusmith/collect/license_prints.json from the texts of the SPDX licence list.

    npm pack spdx-license-list && tar xzf spdx-license-list-*.tgz
    python -m tests.golden.make_license_prints package/licenses

The package has a JSON file a licence, with `licenseText`. Only hashes of word 4-grams are kept.
Debian's copies of the same licences, which have their own wording at the ends, are the test.
"""

from __future__ import annotations

import base64
import json
import re
import sys
from pathlib import Path

from corpusmith.collect.license_texts import SAMPLE, sampled, shingles

IDS = (
    "0BSD AFL-3.0 AGPL-3.0 Apache-1.1 Apache-2.0 Artistic-1.0-Perl Artistic-2.0 BSD-1-Clause "
    "BSD-2-Clause BSD-2-Clause-Patent BSD-3-Clause BSD-3-Clause-Clear BSD-4-Clause BSL-1.0 "
    "BUSL-1.1 "
    "CC0-1.0 CC-BY-3.0 CC-BY-4.0 CC-BY-SA-3.0 CC-BY-SA-4.0 CC-BY-NC-4.0 CC-BY-NC-SA-4.0 "
    "CC-BY-ND-4.0 CC-BY-NC-ND-4.0 CDDL-1.0 CECILL-2.1 ECL-2.0 EPL-1.0 EPL-2.0 EUPL-1.2 "
    "GFDL-1.2 GFDL-1.3 GPL-1.0 GPL-2.0 GPL-3.0 ISC LGPL-2.0 LGPL-2.1 LGPL-3.0 LPPL-1.3c MIT MIT-0 "
    "MPL-1.1 MPL-2.0 MS-PL MS-RL MulanPSL-2.0 NCSA ODbL-1.0 OFL-1.1 OSL-3.0 OpenSSL PHP-3.01 "
    "PostgreSQL PSF-2.0 Python-2.0 QPL-1.0 Ruby Unlicense UPL-1.0 Vim W3C WTFPL "
    "X11 Zlib ZPL-2.1"
)


def main(folder: Path) -> None:
    found = {}
    for name in IDS.split():
        path = next(
            p for p in (folder / f"{name}.json", folder / f"{name}-only.json") if p.exists()
        )
        text = json.loads(path.read_text())["licenseText"]
        if name == "LGPL-3.0":  # the list has the GPL, which it adds to, behind it
            text = text[: text.index("GNU GENERAL PUBLIC LICENSE", 3000)]
        if name == "ISC":  # the list has the name of one owner in it, others write this
            text = re.sub(r"\bISC\b(?=\s+(?:DISCLAIMS|BE)\b)", "THE AUTHOR", text)
        hashes = shingles(text)
        modulus = 1
        while len(hashes) // modulus > 2 * SAMPLE:
            modulus *= 2
        kept = sampled(hashes, modulus).astype("<u4").tobytes()
        found[name] = {"modulus": modulus, "hashes": base64.b64encode(kept).decode()}
    target = Path(__file__).parents[2] / "src/corpusmith/collect/license_prints.json"
    target.write_text(json.dumps(found, indent=0, sort_keys=True) + "\n")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
