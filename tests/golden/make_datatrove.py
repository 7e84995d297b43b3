"""Makes datatrove.jsonl and spacy_en_tokens.jsonl with datatrove 0.10.1 and spaCy themselves.

    .venv-peers/datatrove/bin/python tests/golden/make_datatrove.py     (after `make peers`)

Texts are our own documentation, docstrings of Python's standard library (PSF licence), and cases
made up for what the rules turn on. A line of the one has a text with the decision of each filter
and the numbers that it compared (`benchmarks/peers/datatrove_filters.py`); of the other a text
and its tokens without white space, with a blank between.
"""

from __future__ import annotations

import ast
import hashlib
import json
import random
import subprocess
import sys
import sysconfig
import tempfile
from pathlib import Path

import spacy

HERE = Path(__file__).resolve().parent
ROOT = HERE.parent.parent
MODULES = (
    *("argparse", "asyncio/tasks", "collections/__init__", "decimal", "difflib", "email/message"),
    *("inspect", "logging/__init__", "pickletools", "random", "statistics", "string", "tarfile"),
    *("textwrap", "typing", "urllib/parse", "zipfile"),
)

PROSE = "The tools that we have been given to work with are of two kinds, and that is all. "
FIVE = "One two three. Four five six! Seven eight nine? Ten of the eleven. Is that it?\n"
CASES = [
    # Lines of every kind that C4 looks at.
    PROSE * 3 + "\nSo it is [1].\nAnd here too. [2]\n[3] It begins so.\n[edit]Head it is.\n",
    FIVE + "Please enable JavaScript to go on.\nWe have a privacy policy in place.\n",
    FIVE + "This line has java[1]script in it.\nThis site use coo\u212aies for you.\n",
    FIVE + "A line with Lorem Ipsum dolor in it.\n",
    FIVE + "lorem ipsum without an end\n",
    FIVE + "if (x) { return it; }\nA function { of javascript } is here.\n",
    FIVE + "And a brace { in a sentence.\n",
    FIVE + "It goes on and on...\nIt ends in one…\nOnly two.\n   \nIt is ended here.   \n",
    FIVE + "a" * 1001 + " is long enough.\n" + "b" * 1000 + " is long enough.\n",
    FIVE.replace("\n", "\r\n") + "Another line of it.\x0bAnd one more line.\x85The last of them!",
    "[1] [2]  Begins with marks. [٣] Goes on.  And on.  ) So. (Well.) \"Yes.\" 'No.' Wow?! End.",
    "He said \"no.\" She said 'yes.' They left. (Then.) Mr. Smith went to the U.S. in Jan. 1999.",
    # Lines as Gopher and FineWeb have them.
    "- one\n• two\n  - three\n* four\n-five\n" * 8 + PROSE * 4,
    "\n\n" + "first...\nsecond…\nthird ...\nfourth . . .\nfifth.... \n" * 5 + PROSE * 4 + "\n\n\n",
    (
        'A line that ends.\nA line that does not\nA line "quoted."\nA line with a blank. \n' * 3
        + PROSE
    )
    * 3,
    "para one is here\n\npara two is here\n\n \n\npara one is here\n\n\n\npara two is here\n\n \n\n"
    * 3,
    "\n",
    " \n \n",
    "x",
    "# ## ### " * 30 + PROSE * 4,
    PROSE * 40,
    "".join(f"{number}: {PROSE.strip()}..\n" for number in "abcdefgh"),
    "".join(f"  - {number}: {PROSE.strip()}\n" for number in "abcdefgh"),
    "The tools ... that we … have been given ... are of two … kinds ... and that … is. " * 6,
    "ab c a bc " * 30 + PROSE,
    "| a | b |\n|---|---|\n| 1 | 2 |\n| -- | - |\n| - | -- |\n" * 10,
    # What is no English prose.
    "今天天气很好，我们去公园散步。真的吗？是的！" * 12,
    "Все счастливые семьи похожи друг на друга, каждая несчастлива по-своему. " * 8,
    "e\u0301te\u0301 de\u0301ja\u0300 vu, nai\u0308ve cafe\u0301s and the re\u0301sume\u0301s. "
    * 9,
    "👍🏽 👨‍👩‍👧 ❤️ 🎉🎉 the be to of 😀😀😀 and. " * 12,
    "\u00a0The\u2003tools\u00a0are\u2028of\u2029two kinds.\u200b\ufeff And\x1cso\x1don.\x1e " * 10,
]
TOKENS = """\
don't|Don’t|cannot|gonna|I'd've|she's|U.S.A.|e.g.|Mr.|10a.m.|8)|(8)|:-)|it:)|x :) y|a: )
:((
(a.)|"Adm."|foo—Adm.|'Cause|C++|w/o|and/or|o.O|(╯°□°）╯︵┻━┻|¯\\(ツ)/¯|°C.|20°C.|5km|5km²
10%|$5|5$|US$5
5US$|+1|1+|+a|...|a...|....b|…|……|a…b|a--b|a---b|a—b|5-6|5--6|a-5|5-a|1,000|a,b|A.B|a.B
a.b|x=y|x<y|<space>
http://a.bc|https://www.example.org/path?q=1#x|a@b.cd|mailto:me@a.bc|(http://a.bc/)
www.a.bc.|8.8.8.8
10.0.0.1|192.168.1.1|172.16.0.1|172.32.0.1|1.2.3.4:80|256.1.1.1|a.b-c.de/x
foo.bar_baz.qux|a.bc:1|a.bc:12345
''quoted''|``x''|[[x]]|{x}|«x»|“x”|x”.|x.)|x.),|x's|x’S|x'|Ph.D.|U.K.'s|no.1|3.14|v1.2.3
#tag|@user|A.|AB.|ABC.
日本語。|ñandú.|ünïcode's|Ünï.Cödé|е.g.|٣km|3км|3м/с|a\u00a0b|a\u200bb|e\u0301.|a\u2028b|😀x😀
x😀y|a🎉b|IS_ALPHA|nsubj"""


def texts() -> list[str]:
    found = list(CASES)
    for path in (ROOT / "README.md", ROOT / "README.zh.md", ROOT / "docs/architecture.md"):
        found += path.read_text(encoding="utf-8").split("\n## ")
    for module in MODULES:
        source = (Path(sysconfig.get_path("stdlib")) / f"{module}.py").read_text("utf-8")
        for node in ast.walk(ast.parse(source)):
            if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef):
                text = ast.get_docstring(node)
                if text and len(text) > 700:
                    found.append(text)
    return found


def chunks() -> list[str]:
    """The cases, and such pieces put together at random."""
    pieces = [piece for line in TOKENS.split("\n") for piece in line.split("|")]
    draw = random.Random(0)
    found = list(pieces)
    for count in range(600):
        glue = draw.choice(["", "", "", " ", "  ", "\n", " \n", "\t"])
        found.append(glue.join(draw.choice(pieces) for _ in range(2 + count % 5)))
    return found


def main() -> None:
    tokenizer = spacy.blank("en").tokenizer
    with open(HERE / "spacy_en_tokens.jsonl", "w", encoding="utf-8") as file:
        for text in chunks():
            found = [token.text for token in tokenizer(text) if not token.text.isspace()]
            file.write(json.dumps([text, " ".join(found)], ensure_ascii=False) + "\n")
    with tempfile.TemporaryDirectory() as folder:
        source, target = Path(folder) / "in", Path(folder) / "out"
        source.write_text("".join(json.dumps({"text": text}) + "\n" for text in texts()), "utf-8")
        script = ROOT / "benchmarks/peers/datatrove_filters.py"
        subprocess.run([sys.executable, script, source, target], check=True, stdout=sys.stderr)
        rows = [json.loads(line) for line in target.read_text("utf-8").split("\n")[:-1]]
    with open(HERE / "datatrove.jsonl", "w", encoding="utf-8") as file:
        for text, row in zip(texts(), rows, strict=True):
            file.write(json.dumps({"text": text, **row}, ensure_ascii=False) + "\n")
    for name in ("spacy_en_tokens.jsonl", "datatrove.jsonl"):
        data = (HERE / name).read_bytes()
        print(name, len(data), "bytes", hashlib.sha256(data).hexdigest())


if __name__ == "__main__":
    main()
