"""Hostile documents and archives: each ends in quarantine with its word, its neighbours are read,
within bounds of memory and time."""

from __future__ import annotations

import gzip
import io
import tarfile
import zipfile
from pathlib import Path

import pytest

from corpusmith.collect.documents.hypertext import markdown_of
from tests import document_files as made
from tests.collect_run import collect
from tests.hostile import GOOD, MB, run

W = "http://schemas.openxmlformats.org/wordprocessingml/2006/main"


def good_texts(folder: Path) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    for i, text in enumerate(GOOD):
        (folder / f"{i:03d}.txt").write_text(text)


def test_paths_and_links_that_leave_the_archive(tmp_path: Path) -> None:
    packed = tmp_path / "in"
    packed.mkdir()
    names = ["../up.txt", "/etc/x.txt", "a/../../b.txt", "C:\\w.txt", "a\\..\\b.txt", "fine.txt"]
    with zipfile.ZipFile(packed / "a.zip", "w") as archive:
        for name in names:
            archive.writestr(name, "words")
        link = zipfile.ZipInfo("link.txt")
        link.external_attr = 0o120777 << 16
        archive.writestr(link, "/etc/passwd")
    with tarfile.open(packed / "b.tar", "w") as tar:
        for name in [*names[:3], "fine.txt"]:
            info = tarfile.TarInfo(name)
            info.size = 5
            tar.addfile(info, io.BytesIO(b"words"))
        for kind in (tarfile.SYMTYPE, tarfile.LNKTYPE, tarfile.FIFOTYPE, tarfile.CHRTYPE):
            info = tarfile.TarInfo(f"special{kind.decode()}.txt")
            info.type, info.linkname = kind, "/etc/passwd"
            tar.addfile(info)
    found = collect(tmp_path / "out", read="documents", path=packed)
    assert found.uris == ["a.zip!/fine.txt", "b.tar!/fine.txt"]
    assert {error for _, error in found.errors} == {"unsafe_member"}
    assert [uri for uri, _ in found.errors] == [
        *(f"a.zip!/{name}" for name in (*names[:5], "link.txt")),
        *(f"b.tar!/{name}" for name in names[:3]),
        *(f"b.tar!/special{n}.txt" for n in (2, 1, 6, 3)),
    ]
    assert "a link to '/etc/passwd'" in found.messages[-3]


def test_archive_bombs(tmp_path: Path) -> None:
    folder = tmp_path / "in"
    good_texts(folder)
    zeros = bytes(40 * MB)
    with zipfile.ZipFile(
        folder / "bomb.zip", "w", zipfile.ZIP_DEFLATED, compresslevel=1
    ) as archive:
        archive.writestr("a.txt", "before")
        archive.writestr("b.txt", zeros)
        archive.writestr("c.txt", "after")
    with tarfile.open(folder / "bomb.tar.gz", "w:gz", compresslevel=1) as tar:
        for n in range(2):
            info = tarfile.TarInfo(f"{n}.bin")
            info.size = len(zeros)
            tar.addfile(info, io.BytesIO(zeros))
    inner = b"deep"
    for level in range(6):
        out = io.BytesIO()
        with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
            archive.writestr("next.zip" if level else "a.txt", inner)
        inner = out.getvalue()
    (folder / "russian.zip").write_bytes(inner)
    found = run(tmp_path, folder, "documents", mb=200, seconds=20)
    assert dict(found["errors"]) == {
        "bomb.zip!/b.txt": "decompression_bomb",
        "bomb.tar.gz": "decompression_bomb",
        "russian.zip!/next.zip!/next.zip!/next.zip": "too_deep",
    }
    assert {"bomb.zip!/a.txt", "bomb.zip!/c.txt"} <= set(found["uris"])


def test_too_many_members(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from corpusmith.collect.documents import reader

    with zipfile.ZipFile(tmp_path / "a.zip", "w") as archive:
        for n in range(50):
            archive.writestr(f"{n}.png", "")
    with tarfile.open(tmp_path / "b.tar", "w") as tar:
        for n in range(50):
            tar.addfile(tarfile.TarInfo(f"{n}.png"))
    limits = reader.Limits
    monkeypatch.setattr(reader, "Limits", lambda *a, **k: limits(*a, **k, members=40))
    found = collect(tmp_path / "out", read="documents", path=tmp_path)
    assert found.errors == [("a.zip", "too_complex"), ("b.tar", "too_complex")]


def test_damaged_archives_give_what_stands_before_the_damage(tmp_path: Path) -> None:
    tar = io.BytesIO()
    with tarfile.open(fileobj=tar, mode="w") as archive:
        for n in range(20):
            data = f"text {n} ".encode() * 300
            info = tarfile.TarInfo(f"{n:02d}.txt")
            info.size = len(data)
            archive.addfile(info, io.BytesIO(data))
    whole = tar.getvalue()
    packed = tmp_path / "in"
    packed.mkdir()
    (packed / "cut.tar").write_bytes(whole[: len(whole) // 2])
    (packed / "cut.tar.gz").write_bytes(gzip.compress(whole)[:-20])
    header = whole.index(b"10.txt")
    (packed / "flip.tar").write_bytes(whole[:header] + b"X" + whole[header + 1 :])
    (packed / "none.zip").write_bytes(b"PK\x03\x04 and nothing")
    found = collect(tmp_path / "out", read="documents", path=packed)
    assert dict(found.errors) == {
        "cut.tar": "truncated_tar",
        "cut.tar.gz": "truncated_gzip",
        "flip.tar": "bad_tar",
        "none.zip": "bad_zip",
    }
    texts = dict(zip(found.uris, found.texts, strict=True))
    for n in range(10):
        for name in ("flip.tar", "cut.tar.gz"):
            assert texts[f"{name}!/{n:02d}.txt"] == f"text {n} " * 300
    assert "10 members were read before" in found.messages[2]


def test_names_in_other_encodings_and_twice(tmp_path: Path) -> None:
    with tarfile.open(tmp_path / "a.tar", "w", format=tarfile.GNU_FORMAT) as tar:
        for name in ("f\udcfcr.txt", "same.txt", "same.txt", "l" * 300 + ".txt", "河.txt"):
            info = tarfile.TarInfo(name)
            info.size = 5
            tar.addfile(info, io.BytesIO(b"words"))
    found = collect(tmp_path / "out", read="documents", path=tmp_path)
    names = ["f%FCr.txt", "same.txt", "l" * 300 + ".txt", "河.txt"]
    assert found.uris == [f"a.tar!/{name}" for name in names]
    assert found.errors == [("a.tar!/same.txt#duplicate=2", "duplicate_uri")]


def test_xml_of_office_files(tmp_path: Path) -> None:
    made.docx(tmp_path / "good.docx")
    good = (tmp_path / "good.docx").read_bytes()
    lol = "".join(f'<!ENTITY l{n} "{f"&l{n - 1};" * 10}">' for n in range(1, 10))
    entities = f'<!DOCTYPE d [<!ENTITY l0 "lol">{lol}]>'
    outside = '<!DOCTYPE d [<!ENTITY x SYSTEM "file:///etc/passwd">]>'
    inside = "<w:body><w:p><w:r><w:t>%s</w:t></w:r></w:p></w:body>"
    body = f'<w:document xmlns:w="{W}">{inside}</w:document>'
    deep = "<w:sdt>" * 5000 + "</w:sdt>" * 5000
    cases: dict[str, tuple[bytes | None, str]] = {
        "laughs": ((entities + body % "&l9;").encode(), "xml_entities"),
        "outside": ((outside + body % "&x;").encode(), "xml_entities"),
        "deep": (f'<w:document xmlns:w="{W}">{deep}</w:document>'.encode(), "too_deep"),
        "cut": (body.encode()[:100], "bad_xml"),
        "none": (None, "bad_docx"),
        "zeros": (b"<a>" + b" " * 10 * MB + b"</a>", "decompression_bomb"),
        "many": (f'<w:document xmlns:w="{W}">{"<a/>" * 1_000_001}</w:document>'.encode(), ""),
    }
    for name, (content, _) in cases.items():
        data = made.rezipped(good, {"word/document.xml": content})
        (tmp_path / f"{name}.docx").write_bytes(data)
    (tmp_path / "nozip.docx").write_bytes(b"MZ" * 100)
    found = collect(tmp_path / "out", read="docx", path=tmp_path)
    assert found.uris == ["good.docx"]
    expected = {f"{name}.docx": error for name, (_, error) in cases.items()}
    # Four bytes an element compress beyond the ratio, or are over the number of elements.
    del expected["many.docx"]
    errors = dict(found.errors)
    assert errors.pop("many.docx") in ("too_complex", "decompression_bomb")
    assert errors == {**expected, "nozip.docx": "bad_zip"}


def test_encrypted_members_and_drm(tmp_path: Path) -> None:
    made.epub(tmp_path / "a.epub")
    data = (tmp_path / "a.epub").read_bytes()
    drm = (
        '<encryption xmlns="urn:oasis:names:tc:opendocument:xmlns:container" '
        'xmlns:e="http://www.w3.org/2001/04/xmlenc#"><e:EncryptedData><e:EncryptionMethod '
        'Algorithm="http://www.w3.org/2001/04/xmlenc#aes128-cbc"/></e:EncryptedData></encryption>'
    )
    fonts = drm.replace(
        "http://www.w3.org/2001/04/xmlenc#aes128-cbc", "http://ns.adobe.com/pdf/enc#RC"
    )
    changed = {"META-INF/encryption.xml": drm.encode()}
    (tmp_path / "b.epub").write_bytes(made.rezipped(data, changed))
    changed = {"META-INF/encryption.xml": fonts.encode()}
    (tmp_path / "c.epub").write_bytes(made.rezipped(data, changed))
    (tmp_path / "d.epub").write_bytes(made.rezipped(data, {"EPUB/a.xhtml": None}))
    (tmp_path / "e.epub").write_bytes(made.rezipped(data, {"META-INF/container.xml": None}))
    found = collect(tmp_path / "out", read="epub", path=tmp_path)
    assert found.uris == ["a.epub", "c.epub", "d.epub"]
    assert dict(found.errors) == {"b.epub": "encrypted", "e.epub": "bad_epub"}
    assert found.meta[2]["missing_chapters"] == ["EPUB/a.xhtml"]  # told, and the rest is there
    assert found.info["skipped"]["missing_chapter"] == 1


@pytest.mark.parametrize(
    "piece",
    [
        "<div>", "<blockquote>", "<ul><li>", "<table><tr><td>", "</p>", '<a href="', "<!--", "<",
        "<pre>", "<h1>", "&amp;", "<a b=c ", "<ol start=1>x", "<caption>", "<math alttext='",
        "<math><mi>", "<math></math>", "<a epub:type=noteref>",
    ],
)  # fmt: skip
def test_hostile_html_takes_linear_time(piece: str) -> None:
    """Twice the input takes about twice the time, where a quadratic way would take four times."""
    import time

    def seconds(times: int) -> float:
        page = "<p>words " + piece * times
        best = 1e9
        for _ in range(2):
            began = time.process_time()
            markdown_of(page)
            best = min(best, time.process_time() - began)
        return best

    small, large = seconds(2_000), seconds(8_000)
    assert large < 8 * small + 0.05
