"""Talk: forums, threads of comments, questions with answers. What people wrote is main text; who
they are, when they joined and what can be done with a post is not."""

from __future__ import annotations

from benchmarks.madepages import chrome
from benchmarks.madepages.body import Flavour, Node, Quote, Raw, snippet, text, to_html
from benchmarks.madepages.world import World

Made = tuple[str, list[Node], Flavour]


def _post(w: World, low: int = 1, high: int = 3, code: float = 0.1) -> list[Node]:
    nodes: list[Node] = []
    if w.rng.random() < 0.2:
        nodes.append(Quote([w.main.paragraph(1, 2)]))
    for _ in range(w.rng.randint(low, high)):
        nodes.append(w.para(1, 4, link=0.1))
        if w.rng.random() < code:
            nodes.append(snippet(w.rng))
    return nodes


def _handle(w: World) -> str:
    return "".join(w.rng.choice("aeioubdgklmnprst") for _ in range(7)) + str(w.rng.randint(1, 99))


def forum_board(w: World) -> Made:
    """phpBB and its kin: a profile beside each post, signatures, line breaks for paragraphs."""
    flavour = Flavour(para="br")
    gold: list[Node] = []
    posts = []
    for number in range(w.rng.randint(3, 9)):
        nodes = _post(w)
        gold += nodes
        who = _handle(w)
        profile = (
            f"<dl{w.c('postprofile')}><dt>{chrome.link(who)}</dt><dd>{w.label['posts']}: "
            f"{w.rng.randint(1, 4000)}</dd><dd>{w.label['joined']}: {w.day()}</dd></dl>"
        )
        sign = f"<div{w.c('signature')}>{w.other.said('S')}</div>" if w.rng.random() < 0.4 else ""
        posts.append(
            f"<div{w.c('post')} id=p{number}>{profile}<div{w.c('postbody')}><h3>{chrome.link(w.title)}"
            f"</h3><p{w.c('author')}>{w.label['by']} {chrome.link(who)} » {w.day()}</p>"
            f"<div{w.c('content')}>{to_html(nodes, flavour)}</div>{sign}</div></div>"
        )
    body = (
        f"{chrome.header(w, 'div')}{chrome.crumbs(w)}<h2{w.c('topic-title')}>{chrome.link(w.title)}</h2>"
        f"<div{w.c('pagination')}>{len(posts)} {w.label['posts']} • {w.label['page']} 1</div>"
        f"{''.join(posts)}<div{w.c('action-bar')}>{chrome.link(w.label['reply'])}</div>"
        f"<div{w.c('stat-block')}><h3>{w.label['members']}</h3><p>{', '.join(_handle(w) for _ in range(9))}</p></div>"
    )
    return w.page(body + chrome.footer(w, "div", 1), say=0.2), gold, flavour


def forum_topic(w: World) -> Made:
    """Discourse as a crawler sees it: posts as itemprops, suggested topics in a table."""
    flavour = Flavour(code="hljs")
    gold: list[Node] = []
    posts = []
    for number in range(w.rng.randint(3, 10)):
        nodes = _post(w)
        gold += nodes
        likes = f"<span{w.c('post-likes')}>{w.rng.randint(1, 30)} Likes</span>"
        posts.append(
            f"<div id='post_{number}' itemprop='comment' itemscope{w.c('topic-body', 'crawler-post')}>"
            f"<div{w.c('crawler-post-meta')}><span>{chrome.link(_handle(w))}</span> <span>{w.day()}</span>"
            f"<span itemprop='position'>{number + 1}</span></div>"
            f"<div{w.c('post')} itemprop='text'>{to_html(nodes, flavour)}</div>{likes}</div>"
        )
    rows = "".join(
        f"<tr><td>{chrome.link(w.other.title())}</td><td>{w.rng.randint(0, 60)}</td><td>{w.day()}</td></tr>"
        for _ in range(w.rng.randint(3, 6))
    )
    body = (
        f"{chrome.header(w)}<div id='main-outlet'{w.c('wrap')}><div id='topic-title'><h1>{w.title}</h1>"
        f"{chrome.tags(w)}</div>{''.join(posts)}<div{w.c('suggested-topics')}><h3>{w.label['related']}"
        f"</h3><table><tbody>{rows}</tbody></table></div></div>"
    )
    return w.page(body + chrome.footer(w, legal=0), kind="DiscussionForumPosting"), gold, flavour


def forum_tables(w: World) -> Made:
    """An old vBulletin: each post a table, quotes in boxes of their own, smilies and buttons."""
    flavour = Flavour(para="br")
    gold: list[Node] = []
    posts = []
    for number in range(w.rng.randint(3, 8)):
        nodes: list[Node] = [w.para(1, 4, link=0.1) for _ in range(w.rng.randint(1, 3))]
        gold += nodes
        user = f"<a href=#>{_handle(w)}</a><br>{w.label['joined']}: {w.day()}<br>{w.label['posts']}: 12"
        posts.append(
            f"<table class=tborder width=100% id=post{number}><tr><td class=thead colspan=2>{w.day()} "
            f"<a href=#>#{number + 1}</a></td></tr><tr><td class=alt2 width=175>{user}</td>"
            f"<td class=alt1><div class=smallfont><b>{w.title}</b></div><hr><div id=post_message_{number}>"
            f"{to_html(nodes, flavour)}</div></td></tr><tr><td class=alt2>&nbsp;</td><td class=alt1 align=right>"
            f"<a href=#>{w.label['quote']}</a> <a href=#>{w.label['report']}</a></td></tr></table><br>"
        )
    navigation = (
        f"<table class=tborder><tr><td><a href=/>{w.site}</a> &gt; {w.title}</td></tr></table>"
    )
    body = f"{navigation}{''.join(posts)}{navigation}<div class=smallfont align=center>{w.site} ©</div>"
    return w.page(body, say=0.1), gold, flavour


def forum_tree(w: World) -> Made:
    """Comments on a link, answers within answers (as on Reddit or Hacker News)."""
    flavour = Flavour()
    gold: list[Node] = []

    def tree(depth: int) -> str:
        nodes = _post(w, 1, 2, 0.05)
        gold.extend(nodes)
        meta = f"<div{w.c('tagline')}>{chrome.link(_handle(w))} {w.rng.randint(-3, 80)} points · {w.day()}</div>"
        tools = f"<ul{w.c('flat-list')}><li>{chrome.link(w.label['reply'])}</li><li>{chrome.link(w.label['report'])}</li></ul>"
        below = ""
        if depth < 5:
            below = "".join(tree(depth + 1) for _ in range(w.rng.choice((0, 0, 1, 1, 2))))
        return (
            f"<div{w.c('thing')}>{meta}<div{w.c('md')}>{to_html(nodes, flavour)}</div>{tools}"
            f"<div{w.c('child')}>{below}</div></div>"
        )

    opening = _post(w)
    gold.extend(opening)
    first = f"<div{w.c('self-text')}>{to_html(opening, flavour)}</div>"
    trees = "".join(tree(0) for _ in range(w.rng.randint(2, 5)))
    body = (
        f"{chrome.header(w, 'div')}<div{w.c('side')}>{chrome.newsletter(w)}<p>{w.other.paragraph()}</p></div>"
        f"<div{w.c('content')}><div{w.c('entry')}><h1>{chrome.link(w.title)}</h1>{first}"
        f"{chrome.share(w)}</div><div{w.c('nested-list')}>{trees}</div></div>"
    )
    return w.page(body + chrome.footer(w, "div", 0), say=0.4), gold, flavour


def question_stack(w: World) -> Made:
    """A question, its answers, votes beside them, remarks below them (Stack Exchange)."""
    flavour = Flavour(code="hljs")
    gold: list[Node] = []

    def cell(role: str) -> str:
        nodes = _post(w, 2, 4, 0.5)
        gold.extend(nodes)
        vote = f"<div{w.c('votecell')}><button>▲</button><div>{w.rng.randint(-2, 99)}</div><button>▼</button></div>"
        notes = "".join(
            f"<li{w.c('comment')}><span{w.c('comment-copy')}>{w.other.sentences(1, 'C')}</span> – "
            f"{chrome.link(_handle(w))} <span>{w.day()}</span></li>"
            for _ in range(w.rng.choice((0, 0, 1, 3)))
        )
        tools = f"{chrome.link(w.label['share'])} {chrome.link(w.label['edit'])} {chrome.link(w.label['follow'])}"
        return (
            f"<div{w.c(role)}>{vote}<div{w.c('postcell')}><div{w.c('s-prose', 'js-post-body')}>"
            f"{to_html(nodes, flavour)}</div><div{w.c('post-menu')}>{tools}</div>"
            f"<div{w.c('user-info')}>{w.label['asked']} {w.day()} {chrome.link(_handle(w))} 1,204</div></div>"
            f"<ul{w.c('comments-list')}>{notes}</ul></div>"
        )

    question = cell("question")
    count = w.rng.randint(1, 4)
    replies = "".join(cell("answer") for _ in range(count))
    hot = "".join(f"<li>{chrome.link(w.other.title())}</li>" for _ in range(w.rng.randint(4, 12)))
    body = (
        f"{chrome.header(w)}<div{w.c('container')}><div id=content><h1>{chrome.link(w.title)}</h1>"
        f"<div{w.c('grid')}>{w.label['asked']} {w.day()}</div>{question}{chrome.tags(w)}"
        f"<div id=answers><h2>{count} {w.label['answers']}</h2>{replies}</div></div>"
        f"<div id=sidebar><h4>{w.label['related']}</h4><ul>{hot}</ul></div></div>"
    )
    return w.page(body + chrome.footer(w), kind="QAPage"), gold, flavour


def question_answers(w: World) -> Made:
    """Answers by experts with hashed names and much to click in between."""
    w.naming = "hashed"
    flavour = Flavour(para="div", para_class="css-p")
    gold: list[Node] = []
    parts = []
    for _ in range(w.rng.randint(2, 5)):
        nodes: list[Node] = [text(w.main.paragraph(2, 5)) for _ in range(w.rng.randint(1, 4))]
        gold += nodes
        parts.append(
            f"<div{w.c('answer')}><div{w.c('who')}>{chrome.link(w.other.name())}<span>{w.other.said('what')}"
            f"</span></div><div{w.c('body')}>{to_html(nodes, flavour)}</div><div>{w.rng.randint(2, 90)}K</div></div>"
        )
        if w.rng.random() < 0.4:
            parts.append(
                f"<div{w.c('ad')}>{w.other.paragraph(1, 2)}{chrome.link(w.label['more'])}</div>"
            )
    body = (
        f"{chrome.header(w, 'div')}<div{w.c('main')}><div><h1>{w.title}</h1></div>{''.join(parts)}</div>"
        f"<div{w.c('rail')}>{chrome.related(w, 5, False, 'div')}</div>"
    )
    return w.page(body + chrome.footer(w, "div", 0), kind="QAPage"), [*gold, Raw("")], flavour
