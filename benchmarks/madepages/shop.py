"""Shops and kitchens, pages that greet and pages that list."""

from __future__ import annotations

from benchmarks.madepages import chrome
from benchmarks.madepages.body import Flavour, Head, Items, Node, Table, text, to_html
from benchmarks.madepages.world import World

Made = tuple[str, list[Node], Flavour]


def _price(w: World) -> str:
    return f"{w.rng.randint(4, 400)}.{w.rng.choice(('00', '50', '95', '99'))} €"


def _reviews(w: World) -> str:
    rows = "".join(
        f"<div{w.c('review')}><b>{w.other.one('first')}</b> ★★★★☆ <p>{w.other.sentences(2, 'C')}</p></div>"
        for _ in range(w.rng.randint(0, 4))
    )
    return f"<section{w.c('reviews')}><h2>{w.label['reviews']}</h2>{rows}</section>"


def _others(w: World, count: int) -> str:
    return "".join(
        f"<li{w.c('product-card')}>{chrome.link(w.other.said('what'))}<span>{_price(w)}</span></li>"
        for _ in range(count)
    )


def _specs(w: World) -> Table:
    known = w.rng.sample(w.main.lists["spec"], w.rng.randint(3, 6))
    rows = []
    for entry in known:
        name, value = entry.split("|")
        w.main.lists["this"] = [value]
        rows.append([name, w.main.one("this")])
    return Table(rows)


def product_shop(w: World) -> Made:
    """Shopify and its kin: price and buttons first, a description, details, what others bought."""
    flavour = Flavour()
    specs = _specs(w)
    story: list[Node] = [w.para(2, 4, link=0) for _ in range(w.rng.randint(1, 4))]
    if w.rng.random() < 0.5:
        story.append(w.items(w.rng.randint(3, 6)))
    nodes: list[Node] = [Head(2, w.label["description"]), *story]
    nodes += [Head(2, w.label["details"]), specs]
    body = (
        f"<main>{chrome.crumbs(w)}<div{w.c('product-gallery')}><img src=1.jpg><img src=2.jpg></div>"
        f"<div{w.c('product-info')}><h1>{w.title}</h1><div{w.c('price')}>{_price(w)}</div>"
        f"<label>{w.label['sale']}</label><select><option>1<option>2</select><button>{w.label['cart']}</button>"
        f"<p{w.c('stock')}>{w.label['stock']}</p><p>{w.label['delivery']}: {w.day()}</p></div>"
        f"<section{w.c('product-description')}>{to_html(nodes, flavour)}</section></main>{_reviews(w)}"
        f"<section{w.c('recommendations')}><h2>{w.label['related']}</h2><ul>{_others(w, 5)}</ul></section>"
    )
    html = f"{chrome.cookie(w)}{chrome.header(w)}{body}{chrome.newsletter(w)}{chrome.footer(w, legal=3)}"
    return w.page(html, kind="WebPage", say=0.6), nodes, flavour


def product_tabs(w: World) -> Made:
    """WooCommerce: the text in tabs below the fold, the details as pairs."""
    flavour = Flavour()
    pairs = _specs(w).rows
    nodes: list[Node] = [w.para(2, 5, link=0) for _ in range(w.rng.randint(2, 5))]
    details = Items([([("text", f"{name}: {value}", "")], None) for name, value in pairs])
    tab = f"<ul{w.c('tabs')}><li>{chrome.link(w.label['description'])}</li><li>{chrome.link(w.label['reviews'])}</li></ul>"
    body = (
        f"<div{w.c('product')}><div{w.c('summary')}><h1>{w.title}</h1><p{w.c('price')}>{_price(w)}</p>"
        f"<form{w.c('cart')}><input value=1><button>{w.label['cart']}</button></form>"
        f"<div{w.c('product-meta')}>SKU: {w.slug}</div></div><div{w.c('woocommerce-tabs')}>{tab}"
        f"<div{w.c('panel')} id=tab-description>{to_html(nodes, flavour)}{to_html([details], flavour)}</div>"
        f"<div{w.c('panel')} id=tab-reviews>{_reviews(w)}</div></div>"
        f"<section{w.c('related-products')}><h2>{w.label['related']}</h2><ul>{_others(w, 4)}</ul></section></div>"
    )
    return w.page(chrome.header(w) + body + chrome.footer(w), say=0.5), [*nodes, details], flavour


def _recipe(w: World) -> tuple[list[Node], list[Node]]:
    """(story, card)."""
    foods = w.rng.sample(w.main.lists["food"], w.rng.randint(4, 9))
    parts = Items(
        [([("text", f"{w.rng.randint(2, 90) * 10} g {food}", "")], None) for food in foods]
    )
    steps = w.rng.sample(w.main.lists["cook"], w.rng.randint(4, 6))
    method = Items([([("text", _step(w, step), "")], None) for step in steps], ordered=True)
    story: list[Node] = [w.para(2, 4) for _ in range(w.rng.randint(1, 5))]
    return story, [Head(2, w.label["ingredients"]), parts, Head(2, w.label["method"]), method]


def _step(w: World, pattern: str) -> str:
    w.main.lists["this"] = [pattern]
    return w.main.said("this")


def recipe_card(w: World) -> Made:
    """A food blog: a story, then a card with the ingredients and the steps."""
    flavour = Flavour()
    story, card = _recipe(w)
    times = "".join(f"<li><span>{w.rng.randint(5, 90)}</span> min</li>" for _ in range(3))
    body = (
        f"<article{w.c('post')}><h1>{w.title}</h1>{chrome.byline(w)}<a href=#r>{w.label['method']} ↓</a>"
        f"<div{w.c('entry-content')}>{to_html(story, flavour)}<div{w.c('recipe-card')} id=r>"
        f"<ul{w.c('recipe-times')}>{times}</ul><button>{w.label['print']}</button>{to_html(card, flavour)}</div>"
        f"</div></article>{chrome.share(w)}{chrome.comments(w)}"
    )
    html = f"{chrome.cookie(w)}{chrome.header(w)}<main>{body}</main>{chrome.sidebar(w)}"
    return w.page(html + chrome.footer(w), kind="Recipe"), [*story, *card], flavour


def recipe_portal(w: World) -> Made:
    """A portal: ingredients and steps in components, dozens of other recipes around."""
    flavour = Flavour(loose=True)
    story, card = _recipe(w)
    story = story[:1]
    cards = "".join(
        f"<li><a href=/r>{w.other.title()}</a><p>{w.other.teaser()}</p></li>" for _ in range(8)
    )
    body = (
        f"<div{w.c('hero')}><h1>{w.title}</h1><span>★ 4.{w.rng.randint(1, 9)} ({w.rng.randint(9, 900)})</span>"
        f"{to_html(story, flavour)}</div><div{w.c('columns')}><div>{to_html(card[:2], flavour)}</div>"
        f"<div>{to_html(card[2:], flavour)}</div></div>{_reviews(w)}"
        f"<div{w.c('more-recipes')}><h3>{w.label['related']}</h3><ul>{cards}</ul></div>"
    )
    html = f"{chrome.header(w)}<main>{body}</main>{chrome.newsletter(w)}{chrome.footer(w)}"
    return w.page(html, kind="Recipe"), [*story, *card], flavour


def landing_product(w: World) -> Made:
    """A product's home page: a slogan, three reasons, voices of customers, little text."""
    flavour = Flavour()
    hero: list[Node] = [text(w.main.said("S"))]
    reasons: list[list[Node]] = [
        [Head(3, w.main.title()), w.para(1, 2, link=0)] for _ in range(w.rng.randint(3, 6))
    ]
    tiles = "".join(f"<div{w.c('feature')}><i></i>{to_html(r, flavour)}</div>" for r in reasons)
    said = "".join(
        f"<figure{w.c('testimonial')}><blockquote>{w.other.said('S')}</blockquote>"
        f"<figcaption>{w.other.name()}</figcaption></figure>" for _ in range(w.rng.randint(0, 3))
    )  # fmt: skip
    body = (
        f"<main><section{w.c('hero')}><h1>{w.title}</h1>{to_html(hero, flavour)}"
        f"<a href=/go{w.c('btn')}>{w.label['register']}</a></section><section{w.c('features')}>{tiles}"
        f"</section><section>{said}</section><section{w.c('cta')}><h2>{w.label['newsletter']}</h2>"
        f"{chrome.link(w.label['subscribe'])}</section></main>"
    )
    html = f"{chrome.cookie(w)}{chrome.header(w)}{body}{chrome.footer(w, legal=1)}"
    return w.page(html, say=0.6), [*hero, *(node for reason in reasons for node in reason)], flavour


def index_blog(w: World) -> Made:
    """A list of posts: titles and teasers are all that the page has to say."""
    flavour = Flavour()
    gold: list[Node] = []
    cards = []
    for _ in range(w.rng.randint(4, 10)):
        title, teaser = w.main.title(), w.main.sentences(w.rng.randint(1, 2))
        gold += [Head(2, title), text(teaser)]
        cards.append(
            f"<article{w.c('post-card')}><h2>{chrome.link(title, '/p')}</h2>"
            f"<div{w.c('post-meta')}>{w.day()} · {w.label['by']} {chrome.link(w.other.name())}</div>"
            f"<p>{teaser}</p>{chrome.link(w.label['more'], '/p')}</article>"
        )
    body = (
        f"<div{w.c('content')}><main><h1>{w.site}</h1>{''.join(cards)}"
        f"<nav{w.c('pagination')}>{chrome.link(w.label['next'])}</nav></main>{chrome.sidebar(w)}</div>"
    )
    return w.page(f"{chrome.header(w)}{body}{chrome.footer(w)}", say=0.4), gold, flavour


def index_links(w: World) -> Made:
    """A directory: links with a line about each."""
    flavour = Flavour(para="div")
    gold: list[Node] = []
    rows = []
    for _ in range(w.rng.randint(5, 14)):
        words = w.main.said("S")
        name = w.main.said("what")
        gold.append(Items([([("link", name, "/d"), ("text", " – " + words, "")], None)]))
        rows.append(f"<li><a href=/d>{name}</a> – {words}</li>")
    one = Items([item for node in gold if isinstance(node, Items) for item in node.items])
    body = f"<div id=main><h1>{w.title}</h1><ul>{''.join(rows)}</ul></div>"
    html = f"{chrome.header(w, 'div')}{body}{chrome.footer(w, 'div')}"
    return w.page(html, say=0.3), [one], flavour
