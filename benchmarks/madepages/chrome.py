"""What surrounds the main text of a page, none of which is main text: in the parts that sites have,
with as much text as they have."""

from __future__ import annotations

from benchmarks.madepages.world import World


def link(words: str, href: str = "#", more: str = "") -> str:
    return f'<a href="{href}"{more}>{words}</a>'


def menu(w: World, keys: tuple[str, ...], tag: str = "ul") -> str:
    items = "".join(f"<li>{link(w.label[key], '/' + key)}</li>" for key in keys)
    return f"<{tag}{w.c('nav-menu')}>{items}</{tag}>"


def columns(w: World, low: int, high: int) -> str:
    """A large menu, or a footer's columns: dozens of links under short headings."""
    found = []
    for _ in range(w.rng.randint(low, high)):
        links = "".join(f"<li>{link(x, '/s')}</li>" for x in w.other.words(w.rng.randint(3, 9)))
        found.append(f"<div{w.c('column')}><h4>{w.other.words(1)[0]}</h4><ul>{links}</ul></div>")
    return f"<div{w.c('columns')}>{''.join(found)}</div>"


SVG = '<svg viewBox="0 0 24 24"><title>icon</title><path d="M12 2L2 7l10 5 10-5-10-5z"/></svg>'


def cookie(w: World) -> str:
    if w.rng.random() < 0.4:
        return ""
    words = w.other.sentences(1, "cookie")
    buttons = f"<button>{w.label['accept']}</button><button>{w.label['settings']}</button>"
    role = ' role="dialog"' if w.rng.random() < 0.5 else ""
    return f"<div{w.c('cookie-banner')}{role}><p>{words}</p>{buttons}</div>"


def header(w: World, tag: str = "header") -> str:
    keys = ("home", "news", "sport", "culture", "business", "travel", "about")
    nav = menu(w, keys[: w.rng.randint(3, 7)])
    nav = f"<nav{w.c('site-nav')}>{nav}</nav>" if w.rng.random() < 0.7 else f"<div>{nav}</div>"
    if w.naming != "none" and w.rng.random() < 0.35:
        nav += columns(w, 4, 9)
    if w.rng.random() < 0.4:
        nav += f"<button aria-label=menu>{SVG}</button>"
    search = f'<form{w.c("search-form")}><input placeholder="{w.label["search"]}"></form>'
    login = link(w.label["login"], "/login") if w.rng.random() < 0.6 else ""
    return f"<{tag}{w.c('site-header')}>{link(w.site, '/', w.c('site-logo'))}{nav}{search}{login}</{tag}>"


def crumbs(w: World) -> str:
    words = [w.label["home"], w.label[w.rng.choice(("news", "culture", "travel"))]]
    inner = "".join(f"<li>{link(word)}</li>" for word in words) + f"<li>{w.title}</li>"
    return f'<nav aria-label="breadcrumb"><ol{w.c("breadcrumb")}>{inner}</ol></nav>'


def byline(w: World) -> str:
    stamp = w.date.isoformat()
    time = f'<time datetime="{stamp}">{w.day()}</time>'
    w.said.published = stamp
    rel = ""
    if w.rng.random() < 0.5:
        rel = ' rel="author"'
        w.said.author = w.author
    minutes = f" · {w.rng.randint(2, 19)} {w.label['minutes']}" if w.rng.random() < 0.4 else ""
    return (
        f"<div{w.c('byline')}>{w.label['by']} {link(w.author, '/staff', rel)} "
        f"{w.label['published']} {time}{minutes}</div>"
    )


def share(w: World) -> str:
    keys = ("share", "mail", "print", "copy_link")
    if w.rng.random() < 0.5:
        return menu_of(w, "share-tools", keys)
    buttons = "".join(f"<button>{w.label[key]}</button>" for key in keys)
    return f"<div{w.c('share-bar')}>{buttons}</div>"


def menu_of(w: World, role: str, keys: tuple[str, ...]) -> str:
    return f"<ul{w.c(role)}>{''.join(f'<li>{link(w.label[k])}</li>' for k in keys)}</ul>"


def advert(w: World) -> str:
    words = w.other.teaser() if w.rng.random() < 0.5 else ""
    return f"<div{w.c('ad-slot')}><span>{w.label['ad']}</span>{link(words) if words else ''}</div>"


def related(w: World, count: int = 4, teasers: bool | None = None, tag: str = "section") -> str:
    """A box of other articles; with teasers it looks much like text."""
    long = w.rng.random() < 0.5 if teasers is None else teasers
    cards = []
    for _ in range(count):
        words = f"<h3>{link(w.other.title(), '/x')}</h3>"
        if long:
            words += f"<p>{w.other.teaser()}</p>"
            if w.rng.random() < 0.4:
                words += link(w.label["more"], "/x")
        cards.append(f"<article{w.c('card')}>{words}</article>" if long else f"<li>{words}</li>")
    inner = "".join(cards) if long else f"<ul>{''.join(cards)}</ul>"
    return f"<{tag}{w.c('related-articles')}><h2>{w.label['related']}</h2>{inner}</{tag}>"


def inset(w: World) -> str:
    """A box of links in the middle of a story."""
    links = "".join(f"<li>{link(w.other.title(), '/y')}</li>" for _ in range(w.rng.randint(1, 3)))
    return f"<aside{w.c('related-inline')}><h3>{w.label['see_also']}</h3><ul>{links}</ul></aside>"


def most_read(w: World) -> str:
    rows = "".join(f"<li>{link(w.other.title(), '/m')}</li>" for _ in range(w.rng.randint(3, 6)))
    return f"<div{w.c('most-read')}><h3>{w.label['most_read']}</h3><ol>{rows}</ol></div>"


def newsletter(w: World) -> str:
    words = w.other.sentences(1, "letter")
    return (
        f"<section{w.c('newsletter-signup')}><h3>{w.label['newsletter']}</h3><p>{words}</p>"
        f'<form><input type="email"><button>{w.label["subscribe"]}</button></form></section>'
    )


def bio(w: World) -> str:
    return (
        f"<div{w.c('author-bio')}><h4>{w.label['bio']}</h4>"
        f"<p>{w.other.paragraph(1, 3)}</p>{link(w.label['follow'])}</div>"
    )


def comments(w: World, low: int = 0, high: int = 5) -> str:
    count = w.rng.randint(low, high)
    if not count:
        return ""
    rows = []
    for _ in range(count):
        words = w.other.sentences(w.rng.randint(1, 2), "C")
        who = f"<cite{w.c('comment-author')}>{w.other.name()}</cite> <time>{w.day()}</time>"
        rows.append(f"<li{w.c('comment')}>{who}<p>{words}</p>{link(w.label['reply'])}</li>")
    title = f"{w.label['comments']} ({count})"
    anchor = ' id="comments"' if w.naming == "words" else ""
    inner = f"<h3>{title}</h3><ol{w.c('comment-list')}>{''.join(rows)}</ol>"
    return f"<section{w.c('comments-area')}{anchor}>{inner}</section>"


def tags(w: World) -> str:
    words = "".join(f"<li>{link(word, '/tag')}</li>" for word in w.other.words(w.rng.randint(2, 5)))
    return f"<div{w.c('post-tags')}><span>{w.label['tags']}</span><ul>{words}</ul></div>"


def sidebar(w: World, tag: str = "aside") -> str:
    parts = [most_read(w)]
    if w.rng.random() < 0.5:
        parts.append(newsletter(w))
    if w.rng.random() < 0.5:
        parts.append(
            f"<div{w.c('widget-text')}><h3>{w.site}</h3><p>{w.other.paragraph(1, 3)}</p></div>"
        )
    if w.rng.random() < 0.4:
        parts.append(related(w, 3, tag="div"))
    return f"<{tag}{w.c('sidebar')}>{''.join(parts)}</{tag}>"


def footer(w: World, tag: str = "footer", legal: int | None = None) -> str:
    """Links and, on many sites, a long text for lawyers."""
    count = w.rng.choice((0, 1, 1, 4, 6)) if legal is None else legal
    words = "".join(f"<p>{w.other.said('legal')}</p>" for _ in range(count))
    keys = ("about", "contact", "privacy", "terms", "imprint", "sitemap")
    rights = f"<p>© {w.date.year} {w.site}. {w.label['rights']}. {w.license()}</p>"
    more = columns(w, 3, 6) if w.naming != "none" and w.rng.random() < 0.4 else ""
    script = "<script>(function(){if(a<b){document.write('<p>x</p>')}})()</script>"
    return f"<{tag}{w.c('site-footer')}>{more}{menu(w, keys)}{words}{rights}</{tag}>{script}"


def pager(w: World) -> str:
    return (
        f"<div{w.c('post-navigation')}>{link(w.label['previous'] + ': ' + w.other.title(), '/p')}"
        f"{link(w.label['next'] + ': ' + w.other.title(), '/n')}</div>"
    )
