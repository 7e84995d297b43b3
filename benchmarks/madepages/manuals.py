"""Pages to look things up: documentation, manual pages, wikis, tables; and pages as they were
written by hand in the 1990s."""

from __future__ import annotations

import html as entities

from benchmarks.madepages import chrome
from benchmarks.madepages.body import (
    Code,
    Figure,
    Flavour,
    Formula,
    Head,
    Items,
    Node,
    identifier,
    snippet,
    text,
    to_html,
)
from benchmarks.madepages.world import World

Made = tuple[str, list[Node], Flavour]


def _tree(w: World, count: int, depth: int = 0) -> str:
    """The links of a manual's chapters."""
    rows = []
    for _ in range(count):
        inner = _tree(w, w.rng.randint(2, 4), depth - 1) if depth else ""
        rows.append(f"<li{w.c('toctree-l1')}>{chrome.link(w.other.one('what'), '/t')}{inner}</li>")
    return f"<ul>{''.join(rows)}</ul>"


def _chapter(w: World, low: int, high: int) -> list[Node]:
    """A chapter with its title, sections, code and a table."""
    nodes: list[Node] = [Head(1, w.title)]
    nodes += w.story(low, high, code=0.4, heads=0.4, extras=0.25, words=(1, 3))
    if w.rng.random() < 0.4:
        nodes += [Head(2, w.label["parameters"]), w.table(w.rng.randint(2, 6), 3)]
    return nodes


def docs_sphinx(w: World) -> Made:
    """Sphinx with a theme of a sidebar: highlighted code, notes, signs behind headings."""
    flavour = Flavour(code="sphinx", fence_language=False)
    nodes = _chapter(w, 4, 10)
    words = w.main.paragraph(1, 2)
    inner = to_html(nodes, flavour)
    for level in "123":
        inner = inner.replace(f"</h{level}>", f"<a class='headerlink' href='#s'>¶</a></h{level}>")
    note = f"<div class='admonition note'><p class='admonition-title'>{w.label['note']}</p><p>{words}</p></div>"
    gold = [*nodes, text(w.label["note"]), text(words)]
    body = (
        f"<nav{w.c('wy-nav-side')}><div role=search><form><input></form></div>{_tree(w, 6, 1)}</nav>"
        f"<section{w.c('wy-nav-content')}><div role=navigation>{chrome.crumbs(w)}</div>"
        f"<div role=main class=document><div itemprop=articleBody><section id=x>{inner}{note}</section></div></div>"
        f"<footer><div class=rst-footer-buttons>{chrome.link(w.label['previous'])}{chrome.link(w.label['next'])}"
        f"</div><hr><p>© {w.date.year} {w.site}. {w.license()}</p></footer></section>"
    )
    return w.page(body, say=0.2), gold, flavour


def docs_docusaurus(w: World) -> Made:
    """Docusaurus: a tree on the left, the page's contents on the right, code with a button."""
    flavour = Flavour(code="hljs")
    nodes = _chapter(w, 4, 9)
    heads = [node.text for node in nodes if isinstance(node, Head) and node.level > 1]
    toc = "".join(f"<li>{chrome.link(head, '#h')}</li>" for head in heads)
    inner = to_html(nodes, flavour).replace(
        "</h2>", '<a href="#h" class="hash-link" aria-hidden=true>#</a></h2>'
    )
    body = (
        f"{chrome.header(w, 'nav')}<div{w.c('main-wrapper')}><aside{w.c('theme-doc-sidebar')}>{_tree(w, 5, 1)}</aside>"
        f"<main><div{w.c('docItemContainer')}><article>{chrome.crumbs(w)}<div{w.c('theme-doc-markdown', 'markdown')}>"
        f"{inner}</div><footer>{chrome.link(w.label['edit'])} {w.label['published']} {w.day()}</footer></article>"
        f"{chrome.pager(w)}</div><div{w.c('table-of-contents')}><b>{w.label['on_page']}</b><ul>{toc}</ul></div></main></div>"
    )
    return w.page(body + chrome.footer(w), say=0.6), nodes, flavour


def docs_javadoc(w: World) -> Made:
    """A class as javadoc has it: bars of links above and below, tables of methods."""
    flavour = Flavour()
    bar = "".join(
        f"<li>{chrome.link(w.label[k])}</li>" for k in ("overview", "index", "help", "search")
    )
    nodes: list[Node] = [Head(1, f"Class {identifier(w.rng).title().replace('_', '')}")]
    nodes += [
        w.para(2, 4, code=0.5, link=0),
        Head(2, w.label["overview"]),
        w.table(w.rng.randint(3, 8), 2),
    ]
    for _ in range(w.rng.randint(2, 6)):
        name = identifier(w.rng)
        nodes += [Head(3, name), Code(f"public int {name}(String value, int count)")]
        nodes.append(w.para(1, 3, code=0.4, link=0))
    top = f"<div{w.c('top-nav')}><ul{w.c('nav-list')}>{bar}</ul></div>"
    body = (
        f"{top}<div{w.c('sub-nav')}>{w.label['overview']}: Nested | Field | Constr | {chrome.link('Method')}</div>"
        f"<main>{to_html(nodes, flavour)}</main>{top}<p><small>© {w.date.year} {w.site}</small></p>"
    )
    return w.page(body, say=0.1), nodes, flavour


def docs_man(w: World) -> Made:
    """A manual page turned into HTML: capital headings, options as terms, nothing around."""
    w.naming = "none"
    flavour = Flavour()
    name = identifier(w.rng).replace("_", "-")
    nodes: list[Node] = [
        Head(2, "NAME"),
        text(f"{name} - {w.main.one('what')}"),
        Head(2, "SYNOPSIS"),
    ]
    nodes += [
        Code(f"{name} [-v] [--limit N] FILE..."),
        Head(2, "DESCRIPTION"),
        *w.story(2, 4, heads=0, extras=0),
    ]
    nodes.append(Head(2, "OPTIONS"))
    html = [to_html(nodes, flavour), "<dl>"]
    for _ in range(w.rng.randint(3, 9)):
        option, words = f"--{identifier(w.rng).replace('_', '-')}", w.main.paragraph(1, 2)
        nodes += [text(option), text(words)]
        html.append(f"<dt><b>{option}</b></dt><dd><p>{words}</p></dd>")
    html.append("</dl>")
    bar = (
        f"<table width=100%><tr><td>{name}(1)</td><td>{w.site}</td><td>{name}(1)</td></tr></table>"
    )
    links = f"<a href=/>{w.label['index']}</a> <a href=/s>{w.label['search']}</a><hr>"
    return w.page(f"{links}{bar}{''.join(html)}<hr>{bar}", say=0.1), nodes, flavour


def docs_readme(w: World) -> Made:
    """A repository's front page: files in a table, then its README, then figures."""
    flavour = Flavour(code="hljs")
    nodes = _chapter(w, 3, 7)
    nodes += [Head(2, w.label["installation"]), Code(f"pip install {w.slug}", "bash")]
    files = "".join(
        f"<tr><td>{chrome.link(identifier(w.rng) + '.py')}</td><td>{chrome.link(w.other.one('T'))}</td>"
        f"<td>{w.rng.randint(2, 11)} months ago</td></tr>"
        for _ in range(w.rng.randint(4, 14))
    )
    inner = to_html(nodes, flavour)
    body = (
        f"{chrome.header(w)}<div id=repository-container-header><strong>{chrome.link(w.slug)}</strong>"
        f"<ul><li>Code</li><li>Issues {w.rng.randint(1, 90)}</li><li>Pull requests 4</li></ul></div>"
        f"<main><table{w.c('files')}><tbody>{files}</tbody></table><div id=readme><h2>README.md</h2>"
        f"<article{w.c('markdown-body', 'entry-content')} itemprop=text>{inner}</article></div></main>"
        f"<div{w.c('layout-sidebar')}><h2>{w.label['about']}</h2><p>{w.other.said('S')}</p>"
        f"<h2>Releases 3</h2><h2>Languages</h2><ul><li>Python 97.1%</li></ul></div>"
    )
    return w.page(body + chrome.footer(w, legal=0), say=0.8), nodes, flavour


TEX = (r"h = \frac{2ab}{a+b}", r"\sum_{i=1}^{n} x_i^2", r"e^{-\lambda t} < 1", r"A = \pi r^2")


def wiki_media(w: World) -> Made:
    """MediaWiki: a box of facts, edit links behind headings, notes and navigation below."""
    flavour = Flavour()
    nodes = w.story(4, 11, heads=0.35, extras=0.2)
    if w.rng.random() < 0.5:
        nodes.insert(1, Formula(w.rng.choice(TEX)))
    facts = "".join(
        f"<tr><th>{w.other.said('what')}</th><td>{w.other.name()}</td></tr>" for _ in range(5)
    )
    edit = f"<span class='mw-editsection'>[<a href=#>{w.label['edit']}</a>]</span>"
    inner = to_html(nodes, flavour).replace("</h2>", f"</h2>{edit}")
    contents = "".join(f"<li>{chrome.link(n.text)}</li>" for n in nodes if isinstance(n, Head))
    notes = "".join(
        f"<li>{w.other.name()}: {chrome.link(w.other.title())}, {w.day()}.</li>" for _ in range(4)
    )
    languages = "".join(
        f"<li>{chrome.link(x)}</li>" for x in ("Deutsch", "Français", "日本語", "العربية")
    )
    body = (
        f"<div id=mw-page-base></div><div id=content class=mw-body role=main><h1 id=firstHeading>{w.title}</h1>"
        f"<div id=bodyContent><div id=siteSub>{w.site}</div><div class=mw-parser-output>"
        f"<table class=infobox><tbody>{facts}</tbody></table><div id=toc class=toc><h2>{w.label['on_page']}</h2>"
        f"<ul>{contents}</ul></div>{inner}<h2>{w.label['references']}</h2><ol class=references>{notes}</ol>"
        f"<div role=navigation class=navbox><table><tr><td>{chrome.link(w.other.title())}</td></tr></table></div>"
        f"</div></div></div><div id=mw-navigation><ul><li>{w.label['history']}</li><li>{w.label['edit']}</li></ul>"
        f"<ul>{languages}</ul></div><div id=footer><ul><li>{w.other.said('legal')} {w.license()}</li></ul></div>"
    )
    return w.page(body, say=0.2), nodes, flavour


def wiki_doku(w: World) -> Made:
    """DokuWiki: levels in divs, tools around, a trace of pages."""
    flavour = Flavour(code="plain")
    nodes = [Head(1, w.title), *w.story(3, 8, heads=0.4, extras=0.3, code=0.2)]
    levels = "".join(f"<div class=level2>{to_html([node], flavour)}</div>" for node in nodes)
    tools = "".join(
        f"<li>{chrome.link(w.label[k])}</li>" for k in ("edit", "history", "sitemap", "login")
    )
    body = (
        f"<div id=dokuwiki__header><h1>{chrome.link(w.site)}</h1><ul>{tools}</ul><div class=breadcrumbs>"
        f"{chrome.link(w.other.one('what'))} • {chrome.link(w.other.one('what'))}</div></div>"
        f"<div id=dokuwiki__content><div class=page>{levels}</div><div class=docInfo>{w.slug}.txt · {w.day()}</div></div>"
        f"<div id=dokuwiki__aside>{_tree(w, 5)}</div><div id=dokuwiki__footer>{w.license()}</div>"
    )
    return w.page(body, say=0.2), nodes, flavour


def old_tables(w: World) -> Made:
    """A page of the 1990s, laid out by tables, type set by <font>."""
    w.naming = "none"
    flavour = Flavour(head="bold", para=w.rng.choice(("p", "br")))
    nodes = [n for n in w.story(4, 9, heads=0.25, extras=0.1) if not isinstance(n, Figure)]
    links = "<br>\n".join(chrome.link(word, "x.htm") for word in w.other.words(6))
    body = (
        f"<table border=0 width=760><tr><td colspan=2 bgcolor=#003366><font color=white size=6>{w.site}</font>"
        f"</td></tr><tr><td width=140 valign=top bgcolor=#eeeeee>{links}</td><td valign=top>"
        f"<center><font size=5>{w.title}</font></center>\n{to_html(nodes, flavour)}</td></tr>"
        f"<tr><td colspan=2 align=center><font size=1>© {w.date.year} {w.author}<br>"
        f"{w.rng.randint(1000, 99999)} visitors</font></td></tr></table>"
    )
    head = f"<html><head><title>{w.title}</title></head><body bgcolor=white>"
    w.said.title = w.title
    return f"{head}{body}</body></html>\n", nodes, flavour


def old_hand(w: World) -> Made:
    """Written by hand: no classes, tags left open, rules between the parts."""
    w.naming = "none"
    flavour = Flavour()
    nodes = w.story(3, 9, heads=0.3, extras=0.2)
    inner = to_html(nodes, flavour).replace("</p>", "").replace("</li>", "")
    body = (
        f"<h1>{w.title}</h1>\n<hr>{inner}\n<hr>\n<address>{w.author}, {w.day()}</address>"
        f"<a href=index.html>{w.label['home']}</a> <a href=next.html>{w.label['next']}</a>"
    )
    w.said.title, w.said.lang = w.title, None
    return (
        f"<HTML><HEAD><TITLE>{w.title}</TITLE></HEAD>\n<BODY>{body}</BODY></HTML>\n",
        nodes,
        flavour,
    )


def table_figures(w: World) -> Made:
    """Statistics: tables with a few words between them."""
    flavour = Flavour()
    nodes: list[Node] = [w.para(1, 3)]
    for _ in range(w.rng.randint(2, 4)):
        nodes += [Head(2, w.main.title()), w.table(w.rng.randint(4, 14), w.rng.randint(3, 6))]
        nodes.append(text(w.main.said("S")))
    body = (
        f"<main><h1>{w.title}</h1>{chrome.share(w)}<div{w.c('dataset')}>{to_html(nodes, flavour)}</div>"
        f"<div{w.c('downloads')}>{chrome.link('CSV')} {chrome.link('XLSX')}</div></main>"
    )
    html = (
        f"{chrome.cookie(w)}{chrome.header(w)}{chrome.crumbs(w)}{body}{chrome.related(w, 3, False)}"
    )
    return w.page(html + chrome.footer(w), say=0.5), nodes, flavour


def table_cookbook(w: World) -> Made:
    """A tutorial: steps, each with code and what it prints."""
    flavour = Flavour(code=w.rng.choice(("hljs", "lines", "plain")))
    nodes: list[Node] = [w.para(1, 3)]
    for number in range(1, w.rng.randint(3, 7)):
        nodes += [Head(2, f"{number}. {w.main.title()}"), w.para(1, 2, code=0.3), snippet(w.rng)]
        if w.rng.random() < 0.5:
            nodes += [text(w.main.said("S")), Code("\n".join(f"{n} ok" for n in range(3)))]
    nodes.append(Items([([("text", w.main.said("S"), "")], None) for _ in range(3)]))
    title = entities.escape(w.title)
    body = (
        f"<div{w.c('tutorial')}><h1>{title}</h1>{chrome.byline(w)}<div{w.c('tutorial-body')}>"
        f"{to_html(nodes, flavour)}</div>{chrome.bio(w)}{chrome.comments(w)}</div>"
    )
    html = f"{chrome.header(w)}{body}{chrome.sidebar(w, 'div')}{chrome.footer(w)}"
    return w.page(html, kind="TechArticle"), nodes, flavour
