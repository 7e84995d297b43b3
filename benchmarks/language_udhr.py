"""Language identification on the Universal Declaration of Human Rights, file by file.

    python benchmarks/language_udhr.py [--table]

Whole declarations (the model sees their first 600 characters), and paragraphs of 100 characters
and more. `--table` prints the Markdown table of docs/languages.md. The last line is JSON: name,
files, share of whole texts and of paragraphs that are right, languages with 98 % of paragraphs.
"""

from __future__ import annotations

import argparse
import json
from collections import Counter, defaultdict
from pathlib import Path

import pyarrow as pa

from corpusmith.clean.language import language
from corpusmith.op import Context

FOLDER = Path(__file__).resolve().parents[2] / "shared" / "data" / "books" / "udhr2"
LEAST = 100

# File -> code, of the languages that the model or the rules of clean/telling.py know.
LARGE = (
    "arb:ar cmn_hans:zh cmn_hant:zh deu:de eng:en fra:fr hin:hi ita:it jpn:ja kor:ko nld:nl"
    " pes_1:fa pol:pl por_PT:pt rus:ru spa:es tha:th tur:tr ukr:uk vie:vi"
)
# The file ckb is Kurdish in Latin letters, which is Kurmanji's writing.
OTHERS = (
    "afr:af ast:ast azj_latn:az bel:be ben:bn bod:bo bre:br bul:bg cat:ca ceb:ceb ces:cs ckb:ku"
    " cym:cy dan:da div:dv ell_monotonic:el epo:eo est:et eus:eu fin:fi fri:fy gla:gd gle:ga glg:gl"
    " guj:gu heb:he hrv:hr hun:hu hye:hy ind:id isl:is jav:jv kan:kn kat:ka kaz:kk khk:mn khm:km"
    " kir:ky lao:lo lat:la lav:lv lit:lt ltz:lb mal:ml mar:mr mkd:mk mlt:mt mya:my nep:ne nno:nn"
    " nob:no oss:os pan:pa plt:mg ron:ro sah:sah san:sa slk:sk slv:sl som:so srp_cyrl:sr sun:su"
    " swe:sv swh:sw tam:ta tat:tt tgk:tg tgl:tl tuk_latn:tk uig_arab:ug urd:ur uzn_latn:uz ydd:yi"
    " yor:yo"
)
MORE = (
    "als:sq amh:am azj_cyrl:az chr:chr ewe:ee hat_kreyol:ht hau_NG:ha hsb:hsb ibo:ig iii:ii ilo:ilo"
    " ina:ia khk_mong:mn nds:nds pnb:pnb quz:qu srp_latn:sr tgl_tglg:tl tir:ti tzm_tfng:zgh"
    " uzn_cyrl:uz vai:vai war:war"
)

# Languages, or writings of them, that the model has a name for and takes for another on a whole
# declaration.
MISTAKEN = (
    "bcl:bcl bos_cyrl:bs bos_latn:bs cos:co eml:eml gug:gn ido:io mai:mai min:min pam:pam roh:rm"
    " sco:sco src:sc tuk_cyrl:tk tyv:tyv uig_latn:ug vec:vec vep:vep wln:wa"
)


def pairs(files: str) -> list[tuple[str, str]]:
    return [(name, code) for name, _, code in (pair.partition(":") for pair in files.split())]


def identified(texts: list[str]) -> list[str]:
    columns = {"text": pa.array(texts, pa.large_string()), "modality": ["text"] * len(texts)}
    return language(pa.table(columns), Context())["lang"].to_pylist()


def measure(files: str) -> list[dict]:
    """A row a file: code, what the whole text is taken for, paragraphs, the share of them that is
    right, what the others are taken for."""
    rows = []
    for name, code in pairs(files):
        text = (FOLDER / f"{name}.txt").read_text(encoding="utf-8")
        paragraphs = [line for line in text.split("\n") if len(line.strip()) >= LEAST]
        whole, *found = identified([text, *paragraphs])
        wrong = Counter(other for other in found if other != code)
        right = len(found) - wrong.total()
        rows.append(
            {
                "file": name,
                "code": code,
                "whole": whole,
                "paragraphs": len(found),
                "right": right / len(found) if found else float(whole == code),
                "taken_for": wrong.most_common(3),
            }
        )
    return rows


def table(rows: list[dict]) -> str:
    lines = ["| file | code | whole text | paragraphs right | taken for |", "| --- " * 5 + "|"]
    for row in sorted(rows, key=lambda row: (row["right"], row["file"])):
        if row["right"] < 0.98 or row["whole"] != row["code"]:
            whole = "right" if row["whole"] == row["code"] else f"`{row['whole']}`"
            others = ", ".join(f"`{code}` {count}" for code, count in row["taken_for"])
            lines.append(
                f"| {row['file']} | `{row['code']}` | {whole} | {row['right']:.3f} | {others} |"
            )
    return "\n".join(lines)


def main(arguments: list[str] | None = None) -> dict:
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n")[0])
    parser.add_argument("--table", action="store_true")
    args = parser.parse_args(arguments)
    rows = measure(f"{LARGE} {OTHERS} {MORE}")
    if args.table:
        print(table(rows), "", table(measure(MISTAKEN)), sep="\n")
    paragraphs = sum(row["paragraphs"] for row in rows)
    by_language: dict[str, list[float]] = defaultdict(list)
    for row in rows:
        by_language[row["code"]].append(row["right"])
    result = {
        "name": "language_udhr",
        "files": len(rows),
        "languages": len(by_language),
        "whole_right": sum(row["whole"] == row["code"] for row in rows) / len(rows),
        "paragraphs": paragraphs,
        "paragraphs_right": sum(row["right"] * row["paragraphs"] for row in rows) / paragraphs,
        "files_98": sum(row["right"] >= 0.98 for row in rows),
    }
    print(json.dumps(result))
    return result


if __name__ == "__main__":
    main()
