"""Common Crawl: a server with its layout, its faults, and what may not be fetched twice."""

from __future__ import annotations

import dataclasses
import gzip
import itertools
import json
from pathlib import Path
from typing import Any

import pytest

from corpusmith.collect.commoncrawl import fetch as module
from corpusmith.collect.commoncrawl import web
from corpusmith.collect.commoncrawl.fetch import fetch, grouped
from corpusmith.collect.commoncrawl.index import Place
from corpusmith.collect.commoncrawl.params import CommonCrawlParams
from corpusmith.collect.world import Job
from corpusmith.errors import InputError
from tests.collect_run import Collected, collect
from tests.crawl_server import CRAWL, Crawl, build, pages, serving
from tests.recipe_errors import check_source_error

PAGES = pages()


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("crawl")
    build(folder, PAGES)
    return folder


@pytest.fixture
def server(root: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    monkeypatch.setattr(web, "FIRST_PAUSE_SECONDS", 0.001)
    with serving(root) as crawl:
        yield crawl


def job(folder: Path) -> Job:
    made = Job(folder, None, lambda fraction, note="": None)
    made.data.mkdir(parents=True, exist_ok=True)
    made.state.mkdir(exist_ok=True)
    return made


def params(server: Crawl, /, **more: Any) -> CommonCrawlParams:
    given = {"crawl": CRAWL, "server": server.url, **more}
    return CommonCrawlParams.model_validate(given)


def urls(folder: Path, kind: str) -> Collected:
    return collect(folder / "out", read=kind, path=folder / "data")


# --- whole files -----------------------------------------------------------------------------


@pytest.mark.parametrize("kind", ["warc", "wet", "wat"])
def test_files_of_the_path_list(tmp_path: Path, server: Crawl, root: Path, kind: str) -> None:
    found = fetch(params(server, kind=kind, files=[0, 2]), job(tmp_path))
    assert [f["path"].rpartition("/")[2][:15] for f in found["files"]] == [
        "CC-MAIN-0-00000",
        "CC-MAIN-0-00002",
    ]
    for path in (tmp_path / "data").iterdir():
        assert path.read_bytes() == (next(root.rglob(path.name))).read_bytes()
    read = urls(tmp_path, kind)
    there = [p for n in (0, 2) for p in PAGES[n::3]]
    if kind == "warc":
        there = [p for p in there if p.status == 200 and p.mime == "text/html"]
    assert [meta["url"] for meta in read.meta] == [page.url for page in there]
    if kind == "wat":
        assert read.texts[0] == "Page /p/0\n\nAbout it"
        assert read.meta[0]["links"] == [{"url": "/next", "text": "Next"}]
        assert read.documents["license"].to_pylist()[0] == "CC-BY-4.0"
        assert read.documents["created"].to_pylist()[0].isoformat() == "2024-08-01T00:00:00+00:00"


@pytest.mark.parametrize(
    ("faults", "asked"),
    [
        (["503", "503"], ["", "", ""]),
        (["drop"], ["", ""]),
        (["early"], ["", "bytes=H-"]),
        (["early", "503", "drop"], ["", "bytes=H-", "bytes=H-", "bytes=H-"]),
        (["early", "wrong"], ["", "bytes=H-", "bytes=H-"]),
        (["early", "whole"], ["", "bytes=H-"]),
    ],
)
def test_downloads_with_faults(
    tmp_path: Path, server: Crawl, root: Path, faults: list[str], asked: list[str]
) -> None:
    server.faults["00001.warc.wet.gz"] = faults
    fetch(params(server, kind="wet", files=[1]), job(tmp_path))
    [path] = (tmp_path / "data").iterdir()
    data = next(root.rglob(path.name)).read_bytes()
    assert path.read_bytes() == data
    half = str(len(data) // 2)
    assert server.asked(path.name) == [span.replace("H", half) for span in asked]


def test_a_file_that_changes_on_the_server_is_begun_anew(tmp_path: Path, server: Crawl) -> None:
    (server.root / "x").mkdir(exist_ok=True)
    path = server.root / "x" / "file.gz"
    path.write_bytes(b"a" * 50_000)
    client = web.Client(server.url, retries=0)
    server.faults["file.gz"] = ["early"]
    with pytest.raises(InputError, match="1 times in a row"):
        client.download("x/file.gz", tmp_path / "part", lambda got, size: None)
    assert (tmp_path / "part").stat().st_size == 25_000
    path.write_bytes(b"b" * 60_000)
    client.download("x/file.gz", tmp_path / "part", lambda got, size: None)
    assert (tmp_path / "part").read_bytes() == b"b" * 60_000


def test_lists_that_lead_astray_or_name_two_files_alike(tmp_path: Path, server: Crawl) -> None:
    """Every file of a list is fetched, once, and from this server alone."""
    listed = ["a/one.wet.gz", "b/one.wet.gz", "a/one.wet.gz", "a/two.wet.gz"]
    for path in set(listed):
        (server.root / path).parent.mkdir(exist_ok=True)
        (server.root / path).write_bytes(gzip.compress(path.encode()))
    place = f"crawl-data/{CRAWL}-{tmp_path.name}"
    paths = server.root / place / "wet.paths.gz"
    paths.parent.mkdir()

    def listing(*names: str) -> CommonCrawlParams:
        paths.write_bytes(gzip.compress("\n".join(names).encode()))
        wanted = params(server, kind="wet", files=9, retries=0)
        return wanted.model_copy(update={"crawl": place.rpartition("/")[2]})

    fetch(listing(*listed), job(tmp_path / "alike"))
    got = {gzip.decompress(p.read_bytes()).decode() for p in (tmp_path / "alike/data").iterdir()}
    assert got == set(listed) and len(server.asked("one.wet.gz")) == 2
    for stray in (f"file://{paths}", "http://127.0.0.2:9/x.gz", "../../etc/hostname"):
        with pytest.raises(InputError, match="status 404"):
            fetch(listing(stray), job(tmp_path / f"stray-{len(stray)}"))
    with pytest.raises(InputError, match="no file"):
        fetch(listing("a/"), job(tmp_path / "none"))


def test_a_server_that_stays_away_is_given_up(tmp_path: Path, server: Crawl) -> None:
    server.faults["paths.gz"] = ["503"] * 9
    notes: list[str] = []
    listening = dataclasses.replace(
        job(tmp_path), progress=lambda fraction, note="": notes.append(note)
    )
    with pytest.raises(InputError, match=r"status 503 .* 3 times in a row"):
        fetch(params(server, kind="wet", files=1, retries=2), listening)
    assert notes == ["wet.paths.gz: status 503 Service Unavailable; again in 0 s"] * 2
    server.faults.clear()
    for nobody in ("http://127.0.0.1:1", "http://nobody.invalid"):
        with pytest.raises(InputError, match="can't be reached"):
            fetch(params(server, files=1, server=nobody), job(tmp_path))
    with pytest.raises(InputError, match="status 404"):
        fetch(params(server, crawl="CC-MAIN-1999-01", files=1), job(tmp_path))
    assert len(server.log) == 4  # what is not there is asked for once
    with pytest.raises(InputError, match="no warc file 7"):
        fetch(params(server, files=[7]), job(tmp_path))


# --- records of the index ----------------------------------------------------------------------


@pytest.mark.parametrize(
    ("index", "wanted"),
    [
        ({"domain": "example.org"}, lambda p: p.host.endswith("example.org")),
        ({"host": ["www.example.org", "other.net"]},
         lambda p: p.host in ("www.example.org", "other.net")),
        ({"language": "zh"}, lambda p: p.language.startswith("zho")),
        ({"language": ["zho", "eng"], "mime": "application/pdf"},
         lambda p: p.mime == "application/pdf"),
        ({"domain": "example.org", "status": 404}, lambda p: True),
        ({"since": "2024-08-03", "until": "2024-08-04T00:00:00Z"}, lambda p: p.time.day == 3),
    ],
)  # fmt: skip
def test_records_by_the_index(tmp_path: Path, server: Crawl, index: dict, wanted: Any) -> None:
    found = fetch(params(server, index=index), job(tmp_path))
    status = index.get("status", 200)
    there = [p for n in range(3) for p in PAGES[n::3] if wanted(p) and p.status == status]
    assert found["records"] == len(there) > 0 and found["damaged"] == 0
    read = urls(tmp_path, "warc")
    pages_read = [p.url for p in there if p.status == 200 and p.mime == "text/html"]
    assert [meta["url"] for meta in read.meta] == pages_read
    assert sum(read.info["skipped"].values()) == len(there) - len(pages_read)
    assert not server.asked("subset=robotstxt")


def test_only_row_groups_that_may_hold_it_are_read(tmp_path: Path, server: Crawl) -> None:
    everything = sum(p.stat().st_size for p in server.root.rglob("subset=warc/*.parquet"))
    fetch(params(server, index={"host": "blog.example.org"}), job(tmp_path))
    got = sum(size for path, _, size in server.log if "subset=warc" in path)
    assert 0 < got < everything / 2
    assert all(span for path, span, _ in server.log if "subset=warc" in path)


def test_neighbours_come_with_one_request(tmp_path: Path, server: Crawl) -> None:
    fetch(
        params(server, index={"domain": ["example.org", "other.net", "example.cn"]}), job(tmp_path)
    )
    # All pages of status 200 of three files: gaps of single records are small.
    assert len(server.asked("/warc/CC-MAIN")) == 3
    file = "a"
    near = [Place(file, 0, 10), Place(file, 10, 10), Place(file, 16_000, 5), Place("b", 16_005, 5)]
    far = [Place("b", 40_000, 5), Place("b", 40_005, 9 << 20), Place("b", (9 << 20) + 40_005, 1)]
    groups = list(grouped(near + far))
    assert [len(group) for group in groups] == [3, 1, 1, 1, 1]
    assert list(itertools.chain(*groups)) == near + far


def test_limit_and_no_record_at_all(tmp_path: Path, server: Crawl) -> None:
    found = fetch(params(server, index={"language": "eng"}, records=5), job(tmp_path / "a"))
    assert found["records"] == 5
    with pytest.raises(InputError, match="has no such record"):
        fetch(params(server, index={"host": "nobody.invalid"}), job(tmp_path / "b"))


def test_records_that_are_not_what_the_index_says(
    tmp_path: Path, server: Crawl, monkeypatch: pytest.MonkeyPatch
) -> None:
    def shifted(*arguments: Any) -> list[Place]:
        good = original(*arguments)
        return [good[0]._replace(offset=good[0].offset + 1), *good[1:]]

    original = module.selected
    monkeypatch.setattr(module, "selected", shifted)
    found = fetch(params(server, index={"host": "other.net"}), job(tmp_path))
    assert found["damaged"] == 1 and "1 of 24 records" in found["warnings"][0]
    assert len(urls(tmp_path, "warc").texts) == found["records"] == 23


@pytest.mark.parametrize("fault", ["wrong", "early", "503", "drop"])
def test_ranges_with_faults(tmp_path: Path, server: Crawl, fault: str) -> None:
    server.faults = {"/warc/CC-MAIN": [fault], "subset=warc": [fault]}
    found = fetch(params(server, index={"host": "other.net"}), job(tmp_path))
    assert found["damaged"] == 0 and found["repeated"] >= 2
    assert {m["url"].split("/")[2] for m in urls(tmp_path, "warc").meta} == {"other.net"}


def test_a_server_without_ranges_is_refused_before_it_sends_gigabytes(
    tmp_path: Path, server: Crawl
) -> None:
    server.faults = {"subset=warc": ["whole"]}
    with pytest.raises(InputError, match="does not answer range requests"):
        fetch(params(server, index={"host": "other.net"}), job(tmp_path))


def test_after_a_kill_between_requests_no_record_is_fetched_again(
    tmp_path: Path, server: Crawl, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "MAX_GAP_BYTES", -1)  # a request a record
    wanted = params(server, index={"host": "other.net"}, connections=1)
    whole = fetch(wanted, job(tmp_path / "whole"))
    [expected] = (tmp_path / "whole/data").iterdir()
    server.log.clear()

    class Killed(BaseException):
        pass

    def killed(self: web.Client, path: str, start: int, end: int) -> bytes:
        if "/warc/" in path and len(server.asked("/warc/CC-MAIN")) == 7:
            raise Killed
        return original(self, path, start, end)

    original = web.Client.range_of
    monkeypatch.setattr(web.Client, "range_of", killed)
    with pytest.raises(Killed):
        fetch(wanted, job(tmp_path / "cut"))
    first = server.asked("/warc/CC-MAIN")
    monkeypatch.setattr(web.Client, "range_of", original)
    # Half a record and half a line of the journal, as a kill in the middle of writing leaves them.
    [path] = (tmp_path / "cut/data").iterdir()
    path.write_bytes(path.read_bytes() + b"half a record")
    journal = tmp_path / "cut/state/journal.jsonl"
    journal.write_bytes(journal.read_bytes() + b'{"file": 0, "by')
    server.log.clear()
    found = fetch(wanted, job(tmp_path / "cut"))
    again = server.asked("/warc/CC-MAIN")
    assert len(first) == 7 and len(again) == whole["records"] - 7 and not set(first) & set(again)
    assert not server.asked("subset=warc") and not server.asked("paths.gz")
    assert path.read_bytes() == expected.read_bytes() and found["records"] == whole["records"]
    assert all(json.loads(line) for line in journal.read_text().splitlines())


CC = "{read: commoncrawl, crawl: CC-MAIN-2024-33"


@pytest.mark.parametrize(
    ("source", "place", "words"),
    [
        (CC + "}", "a", "either `files`"),
        ("{read: commoncrawl, crawl: 2024, files: 1}", "crawl", "string"),
        (CC + ", kind: wet, index: {host: a}}", "a", "kind: warc"),
        (CC + ", index: {hots: a}}", "hots", "hots"),
        (CC + ", index: {language: xx}}", "index", "ISO 639-3"),
        (CC + ", files: 1, extrat: x}", "extrat", "extract"),
        (CC + ", files: 1, server: nothing}", "server", "http://"),
        (CC + ", files: 1, server: 'file:///etc'}", "server", "http://"),
    ],
)  # fmt: skip
def test_errors_name_line_and_column(tmp_path: Path, source: str, place: str, words: str) -> None:
    check_source_error(tmp_path, source, place, words)
