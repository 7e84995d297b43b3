"""`demo --path` on folders in Chinese or Japanese: no default is for English alone."""

from __future__ import annotations

import json
from importlib.resources import files
from pathlib import Path

import pytest

from corpusmith import demo, runner
from corpusmith.cli.demo import write_recipe

CHINESE = [
    "昨天下午，我和两个同学一起去了城南的旧书店。店主是一位退休教师，他把每一本书都擦得干干净净，"
    "还给孩子们讲书里的故事。我们在那里坐了很久，直到天黑才离开，每个人手里都抱着几本喜欢的小说。",
    "这座桥建于明朝，已经有五百多年的历史。桥身用青石砌成，桥下的河水一年四季都很清。每到春天，"
    "两岸的柳树发芽，村里的老人就坐在桥头晒太阳、下象棋，孩子们则在河边放风筝。",
    "做红烧肉要选肥瘦相间的五花肉，先切成小块，用开水焯一遍。锅里放少许油和冰糖，小火炒出糖色，"
    "再把肉倒进去翻炒。加入酱油、料酒、姜片和热水，盖上锅盖焖一个小时，最后大火收汁即可。",
    "编译器先把源代码变成一串记号，再根据语法规则建立一棵树。后面的步骤在这棵树上检查类型、"
    "消除多余的计算，最后生成机器能够执行的指令。每一步都只做一件事，因此容易测试，也容易修改。",
    "今年夏天的雨水特别多，农民们担心稻田被淹，天天到地里查看。好在水渠修得及时，多余的水都流进了"
    "水库。到了秋天，稻子长得又高又密，大家说这是近几年收成最好的一年。",
]
JAPANESE = [
    "昨日の午後、友だちと二人で町のはずれにある古い本屋へ行きました。店の主人は定年になった先生で、"
    "本を一冊ずつ丁寧に拭きながら、子どもたちに物語を聞かせていました。暗くなるまでそこにいました。",
    "この橋は江戸時代に造られたもので、四百年近い歴史があります。春になると両岸の桜が咲き、"
    "近所のお年寄りが橋のたもとで将棋を指し、子どもたちは川原で凧を揚げて遊びます。",
    "味噌汁を作るときは、まず昆布と鰹節でだしを取ります。豆腐とわかめを入れて温め、火を止めてから"
    "味噌を溶きます。沸騰させると香りが飛んでしまうので、気をつけてください。",
    "コンパイラはソースコードを字句に分け、文法にしたがって木を作ります。その木の上で型を調べ、"
    "無駄な計算を取り除き、最後に機械が実行できる命令を出力します。それぞれの段階は単純です。",
    "今年の夏は雨が多く、農家の人々は田んぼが水につかるのではないかと毎日心配していました。"
    "用水路の工事が間に合ったおかげで、秋には稲がよく実り、近年にない豊作になりました。",
]


@pytest.mark.parametrize(("language", "texts"), [("zh", CHINESE), ("ja", JAPANESE)])
def test_texts_pass_the_defaults(tmp_path: Path, language: str, texts: list[str]) -> None:
    folder = tmp_path / "文章"
    folder.mkdir()
    for number, text in enumerate(texts):
        # Chinese of two encodings, as it is found on disks.
        encoding = "gb18030" if language == "zh" and number == 0 else "utf-8"
        (folder / f"{number}.txt").write_text(text, encoding=encoding)
    recipe = tmp_path / "recipe.yaml"
    write_recipe(recipe, demo.sources_of(folder))
    check(recipe, tmp_path, language, texts)


def test_the_recipe_of_init_keeps_chinese(tmp_path: Path) -> None:
    (tmp_path / "data").mkdir()
    lines = [json.dumps({"text": text}, ensure_ascii=False) for text in CHINESE]
    (tmp_path / "data" / "zh.jsonl").write_text("\n".join(lines), encoding="utf-8")
    recipe = tmp_path / "recipe.yaml"
    recipe.write_bytes(files("corpusmith").joinpath("recipes/init.yaml").read_bytes())
    check(recipe, tmp_path, "zh", CHINESE)


def check(recipe: Path, folder: Path, language: str, texts: list[str]) -> None:
    """Every text is kept, as it was, with its language."""
    run = runner.run(recipe, workdir=folder / "w", workers=1, until="split")
    assert [row["rule"] for row in run.dropped().read_all().to_pylist()] == []
    rows = run.documents().read_all().to_pylist()
    assert [row["lang"] for row in rows] == [language] * len(texts)
    assert sorted(row["text"] for row in rows) == sorted(texts)
