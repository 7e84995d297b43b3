"""What the tag scanner knows of HTML, as arrays: element names, attributes, entities, and words of
classes that tell what a part of a page is.

Names are found by their FNV-1a hash (32 bits, http://www.isthe.com/chongo/tech/comp/fnv/) in open
addressing tables; `tests` hold that no two known names share one. An unknown name that does is
taken for the known one, which costs a page nothing but its own layout.
"""

from __future__ import annotations

import functools
import html.entities
from typing import NamedTuple

import numpy as np

FNV_BASIS, FNV_PRIME = 2166136261, 16777619
_MASK32 = 0xFFFFFFFF


def fnv(name: str) -> int:
    """The 32-bit FNV-1a hash of a name's UTF-8 bytes, as the kernels compute it."""
    value = FNV_BASIS
    for byte in name.encode():
        value = ((value ^ byte) * FNV_PRIME) & _MASK32
    return value


# --- elements ----------------------------------------------------------------------------------

BLOCK, PUSH, SKIP, CLOSES_P, WALL, REF, WANT = (1 << bit for bit in range(7))
"""Of an element: ends a text block; is kept on the stack; its content is no text of the page; its
start closes an open <p>; end tags within it don't reach out of it; is recorded for the page's
fields; its attributes are read."""

_CONTAINERS = (
    "address article aside blockquote center details dialog dir div dl fieldset figcaption figure "
    "footer form header hgroup main menu nav ol p pre search section summary ul h1 h2 h3 h4 h5 h6 "
    "li dd dt listing xmp plaintext"
)
_TABLE = "table caption thead tbody tfoot tr td th"
_SKIPPED = "script style textarea title iframe noembed noframes noscript svg template select"
_OTHER_BLOCKS = "hr body head html frameset legend object video audio canvas button optgroup option"
_INLINE = "a br code kbd samp tt span math meta link time img base input label i em b wbr sup"
NAMES = tuple(dict.fromkeys(" ".join(
    ("?", _CONTAINERS, _TABLE, _SKIPPED, _OTHER_BLOCKS, _INLINE)
).split()))  # fmt: skip
TAG = {name: number for number, name in enumerate(NAMES)}
UNKNOWN_TAG = 0  # also custom elements: on the stack, though they don't end a block


def _properties() -> np.ndarray:
    found = np.zeros(len(NAMES), np.uint8)

    def add(names: str, bits: int) -> None:
        for name in names.split():
            found[TAG[name]] |= bits

    add(_CONTAINERS, BLOCK | PUSH | CLOSES_P | WANT)
    add("dialog", WANT)
    add(_TABLE, BLOCK | PUSH | WANT)
    add("table", CLOSES_P)
    add("table td th caption button object", WALL)
    add("legend object video audio canvas button", BLOCK | PUSH | WANT)
    add("hr body head html frameset option optgroup", BLOCK)
    add("hr", CLOSES_P)
    add(_SKIPPED, SKIP)
    add("script a code span math i em label time meta link", WANT)
    add("meta link time html", REF)
    add("?", PUSH | WANT)
    return found


PROPERTIES = _properties()
"""uint8[tags]: the bits above for each element."""

_IDS = 10  # 1,024 slots for some 100 names


@functools.cache
def tag_table() -> tuple[np.ndarray, np.ndarray]:
    """(hashes uint32[1024], tags int32[1024]) by open addressing from the hash's low bits;
    -1: none."""
    return _table({fnv(name): TAG[name] for name in NAMES[1:]}, _IDS)


def _table(values: dict[int, int], bits: int) -> tuple[np.ndarray, np.ndarray]:
    size = 1 << bits
    hashes, found = np.zeros(size, np.uint32), np.full(size, -1, np.int32)
    for key, value in values.items():
        slot = key & (size - 1)
        while found[slot] >= 0:
            slot = (slot + 1) & (size - 1)
        hashes[slot], found[slot] = key, value
    return hashes, found


# --- attributes --------------------------------------------------------------------------------

(ATTR_CLASS, ATTR_ID, ATTR_ROLE, ATTR_ITEMPROP, ATTR_STYLE, ATTR_HIDDEN, ATTR_ARIA, ATTR_HREF,
 ATTR_REL, ATTR_TYPE, ATTR_ALT, ATTR_SPAN, ATTR_START) = (
    fnv(name) for name in [
        "class", "id", "role", "itemprop", "style", "hidden", "aria-hidden", "href", "rel",
        "type", "alttext", "colspan", "start"
    ]
)  # fmt: skip

# --- words of classes, ids and roles -----------------------------------------------------------

HINT_WORDS = {
    "comment": "comment comments commentlist disqus respond reply replies commenter discussion "
    "livefyre comentarios kommentare",
    "nav": "nav navigation navbar menu submenu menubar breadcrumb breadcrumbs crumbs crumb topnav "
    "subnav navheader navfooter sitemap pagination pager paging prevnext tabs tab",
    "footer": "footer foot bottom colophon copyright legal disclaimer contentinfo",
    "header": "header masthead banner topbar head sitehead",
    "sidebar": "sidebar sidebars aside rail complementary rightcol leftcol secondary tertiary "
    "rightrail sidecolumn rhs",
    "related": "related recommended recommend recommendation recommendations recirc trending "
    "popular mostread more similar readnext next suggestions suggested further also latest "
    "readmore seealso reading upnext mostpopular relatedlinks most hot",
    "share": "share sharing social socials facebook twitter follow addthis sharebar sharetools "
    "sharedaddy whatsapp pinterest linkedin sns bookmark",
    "promo": "ad ads advert advertisement advertising advertorial sponsor sponsored promo "
    "promotion promos dfp taboola outbrain adsense partner partners affiliate inread teads",
    "signup": "newsletter newsletters subscribe subscription subscriptions subscriber signup "
    "sign login register registration paywall donate donation cta email",
    "meta": "meta byline bylines author authors date time timestamp published pubdate posted "
    "dateline bio info credits contributor contributors updated metadata avatar profile",
    "caption": "caption captions credit figcaption legend image images photo photos picture "
    "gallery slideshow media video videos player figure thumb thumbnail carousel slider slide "
    "lightbox embed img attribution",
    "tags": "tag tags category categories topics topic keywords keyword labels taxonomy",
    "widget": "widget widgets module teaser teasers card cards tile tiles box panel list feed "
    "river stories headlines item items grid",
    "popup": "modal popup overlay cookie cookies consent gdpr dialog alert alerts notice "
    "notification notifications tooltip dropdown snackbar toast banner flyout",
    "hidden": "hidden hide invisible sr visuallyhidden noprint printonly offscreen collapsed clip",
    "title": "title headline heading subtitle subhead subheading dek deck standfirst kicker hed "
    "intro lede lead excerpt",
    "article": "article post entry story hentry articlebody storybody newsarticle blogpost "
    "postbody entrycontent articletext articlecontent",
    "content": "content contents body main text copy richtext maincontent contentbody bodytext "
    "bodycopy",
    "prose": "paragraph para wysiwyg prose markdown rte articleparagraph",
    "tools": "toolbar tools tool button buttons btn action actions controls icon icons jump skip "
    "utility utilities print count counter vote votes",
    "form": "search form input filter sort select field fields autocomplete",
    "code": "code highlight source programlisting screen sourcecode codehilite snippet console",
    "quote": "pullquote pull quote quotes blockquote callout inset factbox sidebarbox",
    "toc": "toc tableofcontents infobox index",
    "product": "product price rating ratings review reviews specs specification specifications "
    "sku description feature features summary",
    "render": "mathjax mjx preview editsection",
}
HINTS = tuple(HINT_WORDS)
HINT = {name: 1 << number for number, name in enumerate(HINTS)}
_WORD_BITS = 11


@functools.cache
def hint_table() -> tuple[np.ndarray, np.ndarray]:
    """(hashes uint32[2048], bits int32[2048]): a word's hash to the bits of what it hints at."""
    values: dict[int, int] = {}
    for name, words in HINT_WORDS.items():
        for word in words.split():
            values[fnv(word)] = values.get(fnv(word), 0) | HINT[name]
    hashes, found = _table(values, _WORD_BITS)
    return hashes, np.maximum(found, 0)


# --- entities ----------------------------------------------------------------------------------

_ENTITY_BITS = 13
ENTITY_NAME = 33  # longer than any name with its semicolon


@functools.cache
def entity_table() -> tuple[np.ndarray, np.ndarray]:
    """(hashes uint32[8192], code points int32[8192, 2]) of the names that HTML has for characters.

    https://html.spec.whatwg.org/#named-character-references, as Python ships them; names are
    hashed with their semicolon where they have one. The second code point is mostly 0.
    """
    values = {fnv(name): number for number, name in enumerate(html.entities.html5)}
    hashes, found = _table(values, _ENTITY_BITS)
    points = np.zeros((len(found), 2), np.int32)
    texts = list(html.entities.html5.values())
    for slot in np.flatnonzero(found >= 0):
        codes = [ord(character) for character in texts[found[slot]]]
        points[slot, : len(codes)] = codes
    return hashes, points


@functools.cache
def c1_table() -> np.ndarray:
    """int32[32]: what numeric references to 0x80..0x9F mean: Windows-1252, as browsers have it."""
    codes = [ord(bytes([c]).decode("cp1252", "replace")) for c in range(0x80, 0xA0)]
    return np.array([0x80 + i if c == 0xFFFD else c for i, c in enumerate(codes)], np.int32)


class Tables(NamedTuple):
    """All of the above for a kernel."""

    tag_hashes: np.ndarray
    tags: np.ndarray
    properties: np.ndarray
    hint_hashes: np.ndarray
    hints: np.ndarray
    entity_hashes: np.ndarray
    entities: np.ndarray
    c1: np.ndarray


@functools.cache
def tables() -> Tables:
    return Tables(*tag_table(), PROPERTIES, *hint_table(), *entity_table(), c1_table())
