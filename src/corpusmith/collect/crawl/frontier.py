"""What a crawl has to do, does and has done: one SQLite file that survives SIGKILL.

A URL is `queued`, then `flight`, then `done`, `failed` or `skipped`. It becomes `done` in the same
transaction that names the WARC file, offset and length of its records, after these were written,
and that queues the links found in it. So whatever moment a kill hits: what is done is in the files,
what was in flight is queued again, and no link is forgotten.
"""

from __future__ import annotations

import contextlib
import dataclasses
import sqlite3
from collections import Counter
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

_SCHEMA = """
create table if not exists pages(
  id integer primary key, key text unique not null, url text not null,
  kind text not null,                        -- page, robots, sitemap
  origin text not null, priority integer not null, depth integer not null,
  via integer,                               -- the page that redirected here
  hops integer not null default 0,           -- redirects up to here
  state text not null default 'queued', reason text not null default '',
  attempts integer not null default 0, not_before real not null default 0,
  status integer, type text, etag text, modified text, bytes integer,
  file text, offset integer, length integer, record text, fetched text);
create index if not exists queue on pages(origin, state, priority, depth, id);
create index if not exists states on pages(state, kind);
create table if not exists origins(
  origin text primary key, robots text, verdict text, asked real,   -- verdict: rules, all, none
  crawl_delay real not null default 0, delay real, blocked_until real not null default 0,
  given_up text not null default '');
create table if not exists counts(what text, kind text, number integer, primary key(what, kind));
create table if not exists journal(name text primary key, value text);
"""

MAX_CRASHES = 2
PRIORITY = {"robots": 0, "sitemap": 1, "page": 2}


@dataclasses.dataclass(frozen=True)
class Page:
    """One URL of the frontier, as it is handed out."""

    id: int
    key: str
    url: str
    kind: str
    origin: str
    depth: int
    via: int | None
    hops: int
    attempts: int  # this one among them


@dataclasses.dataclass(frozen=True)
class Place:
    """Where records are."""

    file: str
    offset: int
    length: int
    record: str  # WARC-Record-ID of the response


class Frontier:
    def __init__(self, path: Path) -> None:
        self.db = sqlite3.connect(path, isolation_level=None)
        self.db.execute("pragma journal_mode=wal")
        # A kill loses nothing that was committed; a power cut the last commits, as a whole.
        self.db.execute("pragma synchronous=normal")
        self.db.executescript(_SCHEMA)
        self._blame()
        self.db.execute("update pages set state='queued', attempts=attempts-1 where state='flight'")
        rows = self.db.execute("select origin, count(*) from pages where state='queued' group by 1")
        self.queued: Counter[str] = Counter(dict(rows))

    def reading(self, page: Page) -> None:
        """This answer is looked at now: should the process die of it, that is known."""
        self.journal("reading", str(page.id))

    def _blame(self) -> None:
        """A page that was being looked at when the process ended, for the second time, fails: it
        would end the next one as well."""
        row = self.db.execute(
            "select id from pages where state='flight' and id=?", (self.journal("reading"),)
        ).fetchone()
        if row is not None:
            self.count("crash", [(str(row[0]), 1)])
            if self.counted("crash")[str(row[0])] >= MAX_CRASHES:
                self.db.execute("update pages set state='failed', reason='crash' where id=?", row)

    @contextlib.contextmanager
    def transaction(self) -> Iterator[None]:
        self.db.execute("begin immediate")
        try:
            yield
            self.db.execute("commit")
        except BaseException:
            if self.db.in_transaction:  # SQLite ends it by itself on a full disk
                self.db.execute("rollback")
            raise

    def close(self) -> None:
        """Leaves one file, which nobody has to recover."""
        self.db.execute("pragma journal_mode=delete")
        self.db.close()

    # --- queueing ------------------------------------------------------------------------

    def add(
        self,
        kind: str,
        key: str,
        url: str,
        origin: str,
        depth: int,
        via: int | None = None,
        hops: int = 0,
    ) -> bool:
        """Whether it is new."""
        name = key if kind == "page" else f"{kind}:{key}"
        row = (name, url, kind, origin, PRIORITY[kind], depth, via, hops)
        added = self.db.execute(
            "insert or ignore into pages(key, url, kind, origin, priority, depth, via, hops) "
            "values (?,?,?,?,?,?,?,?)",
            row,
        ).rowcount
        self.queued[origin] += added
        return bool(added)

    def again(self, kind: str, key: str, origin: str) -> None:
        """Queue what was done before once more: a robots.txt that is too old."""
        changed = self.db.execute(
            "update pages set state='queued', attempts=0, not_before=0 "
            "where key=? and state in ('done', 'failed')",
            (f"{kind}:{key}",),
        ).rowcount
        self.queued[origin] += changed

    def next(self, origin: str, now: float, *, kinds: tuple[str, ...] = tuple(PRIORITY)) -> Any:
        """The first URL of an origin that may be fetched now (not handed out yet), the time until
        which all of its URLs wait, or None where there is none."""
        marks = ",".join("?" * len(kinds))
        where = f"origin=? and state='queued' and kind in ({marks})"
        row = self.db.execute(
            "select id, key, url, kind, origin, depth, via, hops, attempts + 1 from pages "
            f"where {where} and not_before<=? order by priority, depth, id limit 1",
            (origin, *kinds, now),
        ).fetchone()
        if row is not None:
            return Page(*row)
        return self.db.execute(
            f"select min(not_before) from pages where {where}", (origin, *kinds)
        ).fetchone()[0]

    # --- states --------------------------------------------------------------------------

    def start(self, page: Page) -> None:
        self.db.execute(
            "update pages set state='flight', attempts=? where id=?", (page.attempts, page.id)
        )
        self.queued[page.origin] -= 1

    def later(self, page: Page, not_before: float) -> None:
        self.db.execute(
            "update pages set state='queued', not_before=? where id=?", (not_before, page.id)
        )
        self.queued[page.origin] += 1

    def finish(
        self, page: Page, state: str, reason: str, place: Place | None = None, **facts: Any
    ) -> None:
        """`facts`: status, type, etag, modified, bytes, fetched."""
        if place is not None:
            facts |= dataclasses.asdict(place)
        sets = "".join(f", {name}=?" for name in facts)
        self.db.execute(
            f"update pages set state=?, reason=?{sets} where id=?",
            (state, reason, *facts.values(), page.id),
        )

    def requeue(self, ids: list[int]) -> None:
        """Fetch again what was done: its records are lost."""
        self.db.executemany(
            "update pages set state='queued', reason='', attempts=0, not_before=0, file=null "
            "where id=?",
            [(one,) for one in ids],
        )
        rows = self.db.execute("select origin, count(*) from pages where state='queued' group by 1")
        self.queued = Counter(dict(rows))

    def skip_queued(self, page: Page, reason: str) -> None:
        """A URL that is not fetched after all."""
        self.finish(page, "skipped", reason)
        self.queued[page.origin] -= 1

    def give_up(self, origin: str, reason: str) -> None:
        """All that is queued of an origin fails."""
        self.db.execute(
            "update pages set state='failed', reason=? where origin=? and state='queued'",
            (reason, origin),
        )
        self.db.execute("update origins set given_up=? where origin=?", (reason, origin))
        self.queued[origin] = 0

    def count(self, what: str, kinds: Iterable[tuple[str, int]]) -> None:
        self.db.executemany(
            "insert into counts values (?,?,?) "
            "on conflict do update set number=number+excluded.number",
            [(what, kind, number) for kind, number in kinds],
        )

    # --- origins -------------------------------------------------------------------------

    def origin(self, origin: str) -> dict[str, Any]:
        self.db.execute("insert or ignore into origins(origin) values (?)", (origin,))
        cursor = self.db.execute("select * from origins where origin=?", (origin,))
        return dict(zip([c[0] for c in cursor.description], cursor.fetchone(), strict=True))

    def set_origin(self, origin: str, **values: Any) -> None:
        sets = ", ".join(f"{name}=?" for name in values)
        self.db.execute(f"update origins set {sets} where origin=?", (*values.values(), origin))

    # --- what is known -------------------------------------------------------------------

    def journal(self, name: str, value: str | None = None) -> str | None:
        """The value of a name; written first where one is given."""
        if value is not None:
            self.db.execute("insert or replace into journal values (?,?)", (name, value))
        row = self.db.execute("select value from journal where name=?", (name,)).fetchone()
        return row[0] if row else None

    def tally(self, column: str, where: str) -> dict[str, int]:
        """How many URLs there are for each value of a column."""
        rows = self.db.execute(
            f"select {column}, count(*) from pages where {where} group by 1 order by 2 desc, 1"
        )
        return dict(rows)

    def pages(self) -> int:
        """How many pages were fetched, those among them that had not changed."""
        where = "state='done' and kind='page' and status=200"
        return int(self.db.execute(f"select count(*) from pages where {where}").fetchone()[0])

    def counted(self, what: str) -> dict[str, int]:
        return dict(
            self.db.execute(
                "select kind, number from counts where what=? order by 2 desc, 1", (what,)
            )
        )

    def chain(self, page: Page) -> dict[str, str]:
        """URL -> key of those that redirected here, this one first."""
        found, via = {page.url: page.key}, page.via
        for _ in range(page.hops):
            if via is None:
                break
            url, key, via = self.db.execute(
                "select url, key, via from pages where id=?", (via,)
            ).fetchone()
            found[url] = key
        return found

    def fetched(self, key: str) -> dict[str, Any] | None:
        """What is known of a page that was answered with 200."""
        cursor = self.db.execute(
            "select * from pages where key=? and state='done' and status=200 and file is not null",
            (key,),
        )
        row = cursor.fetchone()
        return dict(zip([c[0] for c in cursor.description], row, strict=True)) if row else None
