"""Stories: news, blogs, what offices publish, articles behind a wall, abstracts of papers."""

from __future__ import annotations

from benchmarks.madepages import chrome
from benchmarks.madepages.body import Flavour, Head, Node, Quote, text, to_html
from benchmarks.madepages.world import World

Made = tuple[str, list[Node], Flavour]


def _boxes(w: World, most: int) -> tuple[str, ...]:
    """What stands within a story."""
    kinds = (chrome.inset, chrome.advert, chrome.newsletter)
    return tuple(w.rng.choice(kinds)(w) for _ in range(w.rng.randint(0, most)))


def news_wordpress(w: World) -> Made:
    """A theme of WordPress: a sidebar, related posts, comments; classes that say what they are."""
    flavour = Flavour()
    nodes = w.story(5, 14, between=_boxes(w, 3))
    picture = f'<figure{w.c("wp-caption")}><img src="/1.jpg"><figcaption>{w.other.said("S")}</figcaption></figure>'
    body = (
        f"<article{w.c('post')}><header{w.c('entry-header')}><h1{w.c('entry-title')}>{w.title}</h1>"
        f"{chrome.byline(w)}</header>{picture}{chrome.share(w)}"
        f"<div{w.c('entry-content')}>{to_html(nodes, flavour)}{chrome.share(w)}</div>"
        f"<footer{w.c('entry-footer')}>{chrome.tags(w)}</footer></article>"
        f"{chrome.bio(w)}{chrome.pager(w)}{chrome.related(w)}{chrome.comments(w)}"
    )
    main = f"<div{w.c('site-content')}><main{w.c('site-main')}>{chrome.crumbs(w)}{body}</main>"
    html = f"{chrome.cookie(w)}{chrome.header(w)}{main}{chrome.sidebar(w)}</div>{chrome.footer(w)}"
    return w.page(html, kind="NewsArticle"), nodes, flavour


def news_components(w: World) -> Made:
    """A page put together by components: boxes within boxes, a paragraph a component."""
    flavour = Flavour(para_class=w.c("paragraph")[8:-1])
    nodes = w.story(6, 16, heads=0.08, extras=0.06)
    html: list[str] = []
    for node in nodes:
        piece = to_html([node], flavour)
        html.append(f"<div{w.c('text-block')}><div>{piece}</div></div>")
        if w.rng.random() < 0.2:
            box = w.rng.choice((chrome.inset, chrome.advert, chrome.newsletter, chrome.share))
            html.append(f"<div{w.c('slice')}>{box(w)}</div>")
    cards = "".join(
        f"<div{w.c('promo')}><a href=/r><div><span>{w.other.title()}</span></div></a>"
        f"<p>{w.other.teaser()}</p></div>"
        for _ in range(w.rng.randint(3, 9))
    )
    body = (
        f'<div id="root"><div>{chrome.header(w, "div")}</div><div{w.c("layout")}>'
        f"<div><h1>{w.title}</h1><p{w.c('standfirst')}>{w.other.said('S')}</p>{chrome.byline(w)}"
        f"{chrome.share(w)}</div><div>{''.join(html)}</div>{chrome.tags(w)}</div>"
        f"<div{w.c('river')}><h2>{w.label['most_read']}</h2>{cards}</div>{chrome.footer(w, 'div')}</div>"
    )
    return w.page(chrome.cookie(w) + body, kind="NewsArticle"), nodes, flavour


def news_amp(w: World) -> Made:
    """An AMP page: custom elements, little around the text."""
    flavour = Flavour()
    nodes = w.story(4, 10, between=(f"<amp-ad width=300>{chrome.advert(w)}</amp-ad>",))
    bar = f"<amp-sidebar id=s>{chrome.menu(w, ('home', 'news', 'sport', 'contact'))}</amp-sidebar>"
    body = (
        f"{bar}<header class='amp-header'>{chrome.link(w.site, '/')}</header>"
        f"<article class='amp-article'><h1 class='amp-title'>{w.title}</h1>{chrome.byline(w)}"
        f"<amp-img src='/a.jpg' width=4 height=3></amp-img><div class='amp-content'>"
        f"{to_html(nodes, flavour)}</div><amp-social-share></amp-social-share></article>"
        f"<amp-list>{chrome.related(w, 3)}</amp-list>{chrome.footer(w)}"
        f"<amp-user-notification>{chrome.cookie(w)}</amp-user-notification>"
    )
    return w.page(body, kind="NewsArticle").replace("<html", "<html amp", 1), nodes, flavour


def news_drupal(w: World) -> Made:
    """Drupal's fields: every part in a div of its own; the story without a class of its own."""
    flavour = Flavour()
    nodes = w.story(5, 12, between=_boxes(w, 2))
    region = "region region-content" if w.naming == "words" else ""
    body = (
        f"<div{w.c('region', region)}><div{w.c('node-article')}><h1>{w.title}</h1>"
        f"<div{w.c('field-date')}>{w.day()}</div><div{w.c('field-author')}>{w.author}</div>"
        f"<div{w.c('field-body')}>{to_html(nodes, flavour)}</div>"
        f"<div{w.c('field-tags')}>{chrome.tags(w)}</div></div></div>"
    )
    aside = (
        f"<div{w.c('region-sidebar')}>{chrome.most_read(w)}{chrome.related(w, 3, tag='div')}</div>"
    )
    html = f"{chrome.header(w, 'div')}<div{w.c('wrap')}>{aside}{body}</div>{chrome.comments(w)}"
    return w.page(html + chrome.footer(w, "div"), kind="NewsArticle"), nodes, flavour


def blog_ghost(w: World) -> Made:
    """Ghost: one column, cards of other posts and a box to subscribe below."""
    flavour = Flavour(code="hljs")
    nodes = w.story(5, 12, code=0.1, heads=0.3)
    cards = "".join(
        f"<article{w.c('post-card')}><h2>{chrome.link(w.other.title(), '/c')}</h2>"
        f"<div>{w.other.teaser()}</div></article>"
        for _ in range(3)
    )
    body = (
        f"{chrome.header(w)}<main{w.c('gh-main')}><article{w.c('gh-article')}>"
        f"<header><h1>{w.title}</h1><p>{w.other.said('S')}</p>{chrome.byline(w)}</header>"
        f"<section{w.c('gh-content')}>{to_html(nodes, flavour)}</section></article>"
        f"{chrome.newsletter(w)}<div{w.c('read-more')}>{cards}</div>{chrome.comments(w)}</main>"
    )
    return w.page(body + chrome.footer(w), kind="BlogPosting"), nodes, flavour


def blog_plain(w: World) -> Made:
    """A site generator's bare theme: hardly a class at all."""
    w.naming = "none"
    flavour = Flavour(code="hljs")
    nodes = w.story(4, 12, code=0.2, heads=0.25)
    body = (
        f"<header><a href=/>{w.site}</a> <a href=/about>{w.label['about']}</a></header>"
        f"<h1>{w.title}</h1><p><small>{w.day()}</small></p>{to_html(nodes, flavour)}"
        f"<hr><p>{chrome.link(w.label['previous'])} | {chrome.link(w.label['next'])}</p>"
        f"<footer><small>© {w.author} {w.license()}</small></footer>"
    )
    return w.page(body, say=0.3), nodes, flavour


def blog_magazine(w: World) -> Made:
    """A platform for writers: hashed names, claps, recommendations with long teasers."""
    w.naming = "hashed"
    flavour = Flavour(code="lines")
    nodes = w.story(7, 18, heads=0.2, code=0.08)
    buttons = "<div><button>1.2K</button><button>34</button></div>"
    body = (
        f"<div><div>{chrome.header(w, 'div')}</div><article><div{w.c('a')}><div><h1>{w.title}</h1>"
        f"{chrome.byline(w)}{buttons}</div><section>{to_html(nodes, flavour)}</section></div>"
        f"</article>{chrome.tags(w)}{buttons}{chrome.bio(w)}"
        f"<div{w.c('b')}>{chrome.related(w, 6, True, 'div')}</div>{chrome.comments(w, 2, 4)}</div>"
    )
    return w.page(body, kind="BlogPosting"), nodes, flavour


def official_release(w: World) -> Made:
    """A press release: place and date, the story, whom to ask."""
    flavour = Flavour()
    nodes = w.story(4, 9, extras=0.25)
    contact = (
        f"<p>{w.other.name()}<br>press@{w.host[8:]}<br>+44 20 7946 0{w.rng.randint(100, 999)}</p>"
    )
    body = (
        f"{chrome.crumbs(w)}<main id='main-content'><p{w.c('doc-type')}>{w.label['news']}</p>"
        f"<h1>{w.title}</h1><dl{w.c('metadata')}><dt>{w.label['by']}</dt><dd>{w.site}</dd>"
        f"<dt>{w.label['published']}</dt><dd>{w.day()}</dd></dl>"
        f"<div{w.c('body-text')}>{to_html(nodes, flavour)}</div>"
        f"<div{w.c('press-contact')}><h2>{w.label['contact']}</h2>{contact}</div>{chrome.share(w)}</main>"
    )
    html = f"{chrome.cookie(w)}{chrome.header(w)}{body}{chrome.related(w, 3, False)}"
    return w.page(html + chrome.footer(w), say=0.5), nodes, flavour


def official_law(w: World) -> Made:
    """A statute: numbered sections, hardly anything but text."""
    w.naming = "none"
    flavour = Flavour()
    nodes: list[Node] = []
    for number in range(1, w.rng.randint(4, 9)):
        nodes += [
            Head(3, f"§ {number} {w.main.title()}"),
            text(f"({number}) {w.main.sentences(2)}"),
        ]
        if w.rng.random() < 0.5:
            nodes.append(w.items(w.rng.randint(2, 4), ordered=True))
    links = " | ".join(
        chrome.link(w.label[k]) for k in ("home", "index", "print", "search", "help")
    )
    top = f"<div id=top>{links}</div>"
    body = f"{top}<h1>{w.title}</h1><div>{to_html(nodes, flavour)}</div><div>{links}</div>"
    return w.page(body, say=0.2), nodes, flavour


def paywall_teaser(w: World) -> Made:
    """What a reader without a subscription sees: the beginning, an offer, other stories."""
    flavour = Flavour()
    nodes: list[Node] = [w.para(1, 3), w.para(1, 2)]
    offer = (
        f"<div{w.c('paywall')}><h2>{w.label['subscribe']}</h2><p>{w.other.said('wall')}</p>"
        f"<ul><li>{w.other.said('S')}</li><li>{w.other.said('S')}</li></ul>"
        f"<button>{w.label['subscribe']}</button> {chrome.link(w.label['login'])}</div>"
    )
    body = (
        f"<main><article{w.c('article')}><h1>{w.title}</h1>{chrome.byline(w)}{chrome.share(w)}"
        f"<div{w.c('article-body')}>{to_html(nodes, flavour)}</div>{offer}</article>"
        f"{chrome.related(w, 6, True)}{chrome.most_read(w)}</main>"
    )
    html = f"{chrome.cookie(w)}{chrome.header(w)}{body}{chrome.footer(w)}"
    return w.page(html, kind="NewsArticle"), nodes, flavour


def abstract_journal(w: World) -> Made:
    """A paper's page at a publisher: the abstract among lists of authors, measures and papers."""
    flavour = Flavour()
    nodes: list[Node] = [w.para(5, 9, link=0)]
    authors = ", ".join(f"{chrome.link(w.other.name())}<sup>{n}</sup>" for n in (1, 2, 1))
    cited = "".join(
        f"<li>{w.other.name()}, {w.other.title()}. {w.date.year - n}, 1{n}, 20-4{n}.</li>"
        for n in range(w.rng.randint(3, 8))
    )
    boxes = f"<ul><li>{chrome.link('PDF')}</li><li>{chrome.link('BibTeX')}</li><li>DOI 10.5555/{w.slug}</li></ul>"
    body = (
        f"<main><div{w.c('article-header')}><h1>{w.title}</h1><div{w.c('authors')}>{authors}</div>"
        f"<div{w.c('dateline')}>{w.day()}</div>{boxes}</div>"
        f"<section{w.c('abstract')}><h2>{w.label['abstract']}</h2>{to_html(nodes, flavour)}</section>"
        f"<div{w.c('keywords')}><b>{w.label['keywords']}</b> {', '.join(w.other.words(4))}</div>"
        f"<section{w.c('references')}><h2>{w.label['references']}</h2><ol>{cited}</ol></section></main>"
    )
    html = f"{chrome.cookie(w)}{chrome.header(w)}{body}{chrome.sidebar(w)}{chrome.footer(w)}"
    page = w.page(html, kind="ScholarlyArticle")
    return page, [Head(2, w.label["abstract"]), *nodes], flavour


def abstract_repository(w: World) -> Made:
    """A repository of papers: one paragraph, the rest are fields."""
    words = w.main.paragraph(4, 8)
    rows = "".join(
        f"<tr><td class=tablecell>{w.label[k]}:</td><td>{w.other.title()}</td></tr>"
        for k in ("keywords", "published", "history", "references")
    )
    body = (
        f"<div id=abs><h1{w.c('title')}>{w.title}</h1><div{w.c('authors')}>{chrome.link(w.author)}</div>"
        f"<blockquote{w.c('abstract')}>{words}</blockquote>"
        f"<table summary='more'>{rows}</table></div>"
        f"<div{w.c('extra-services')}><h2>{w.label['download']}</h2><ul><li>{chrome.link('PDF')}</li>"
        f"<li>{chrome.link('HTML')}</li></ul></div>"
    )
    page = w.page(f"{chrome.header(w, 'div')}{body}{chrome.footer(w, 'div')}", say=0.5)
    return page, [Quote([words])], Flavour()
