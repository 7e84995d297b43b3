"""The parameters of a recipe as tables, read from the pydantic models and their sources."""

from __future__ import annotations

import ast
import functools
import importlib
import inspect
import tokenize
import types
import typing
from typing import Any

from generate_markdown import code, table
from pydantic import BaseModel
from pydantic_core import PydanticUndefined


def params_table(address: str) -> str:
    """The keys of a model; of one with a parent only those that it adds or has otherwise."""
    model = resolve(address)
    parent = getattr(model.__base__, "model_fields", {})
    rows = [
        [code(name), type_of(model, name), default_of(model, name), meaning(model, name)]
        for name, field in model.model_fields.items()
        if name not in parent or parent[name].default != field.default
    ]
    return table(["key", "value", "default", "meaning"], rows)


def resolve(address: str) -> Any:
    module, _, name = address.partition(":")
    return getattr(importlib.import_module(module), name)


def type_of(model: type[BaseModel], name: str) -> str:
    hint = typing.get_type_hints(model, include_extras=True)[name]
    words = _type(hint)
    if typing.get_origin(hint) is not typing.Annotated:  # else they stand in the hint as well
        words += "".join(f", {b}" for m in model.model_fields[name].metadata for b in _bounds(m))
    return words


def _type(hint: Any) -> str:
    if typing.get_origin(hint) is typing.Annotated:
        inner, *more = typing.get_args(hint)
        bounds = [b for m in more for b in _bounds(m)]
        return _type(inner) + "".join(f", {b}" for b in bounds)
    if typing.get_origin(hint) is typing.Literal:
        return ", ".join(code(value) for value in typing.get_args(hint))
    if typing.get_origin(hint) in (typing.Union, types.UnionType):
        return " or ".join(_type(t) for t in typing.get_args(hint) if t is not type(None))
    if typing.get_origin(hint) in (list, tuple):
        inner = [_type(t) for t in typing.get_args(hint) if t is not Ellipsis]
        if typing.get_origin(hint) is tuple and Ellipsis not in typing.get_args(hint):
            return f"[{', '.join(inner)}]"
        return f"list of {inner[0]}"
    if typing.get_origin(hint) is dict:
        return "mapping"
    names = {str: "text", int: "whole number", float: "number", bool: "`true`, `false`"}
    return names.get(hint, getattr(hint, "__name__", str(hint)))


def _bounds(mark: Any) -> list[str]:
    if hasattr(mark, "metadata"):  # a Field inside Annotated
        return [b for m in mark.metadata for b in _bounds(m)]
    signs = {"ge": "≥", "gt": ">", "le": "≤", "lt": "<"}
    return [f"{s} {getattr(mark, n):,}" for n, s in signs.items() if hasattr(mark, n)]


def default_of(model: type[BaseModel], name: str) -> str:
    field = model.model_fields[name]
    value = field.get_default(call_default_factory=True)
    if value is PydanticUndefined:
        return "required"
    if value is None:
        return ""
    if isinstance(value, bool):
        return code(str(value).lower())
    if isinstance(value, (list, tuple)):
        return code("[" + ", ".join(str(v) for v in value) + "]")
    if value == "\t":
        return "a tab"
    return code(repr(value) if value == "" else value)


def meaning(model: type[BaseModel], name: str) -> str:
    """From the field's description, else its docstring or comment in the source."""
    described = model.model_fields[name].description
    if described:
        return described
    for base in model.__mro__:
        if base.__module__.startswith("corpusmith") and name in (found := _notes(base)):
            return found[name]
    return MEANINGS.get(f"{model.__name__}.{name}", "")


MEANINGS = {
    "SplitParams.held_out": "share of the groups that is held out",
    "SplitParams.group": "key of `meta` (or several) whose equal values keep documents together",
    "SplitParams.min_documents": "hold out at least as many of each source, where it has them; "
    "a source is done when it has this or `min_bytes`",
    "SplitParams.min_bytes": "... or as many bytes of text",
    "PackParams.length": "tokens of a training window, and the context of a new model",
    "PackParams.isolate": "attention stays within a document, and positions begin anew in each",
    "TokenizeParams.train": "train a byte-level BPE on the training split",
    "TokenizeParams.vocab": "size of the vocabulary to train, special tokens included; 8192 "
    "unless said",
    "TokenizeParams.sample_bytes": "UTF-8 bytes of text that it is trained on at most; "
    "200,000,000 unless said",
    "TokenizeParams.special": "special tokens besides `<|endoftext|>`",
    "TokenizeParams.load": "instead of training: a file, a folder or a hub id",
    "TokenizeParams.revision": "of a hub id",
    "TokenizeParams.end_token": "the token between documents, where a loaded tokenizer doesn't say",
    "MixParams.tokens": "training tokens to draw: a number, `20M`, `1.5B`; without it: all, or as "
    "many as the weights allow",
    "MixParams.weights": "share of the tokens by source; every source must be named, 0 leaves one "
    "out",
    "MixParams.max_epochs": "how often a document may be used before the mix shrinks; 4 unless "
    "said",
    "MixParams.seed": "of the draw; the recipe's seed unless said",
    "PiiParams.action": "what is done: a token such as `<EMAIL>` stands where the data stood",
    "PiiParams.types": "what is masked",
    "DecontaminateParams.words": "words of an n-gram",
    "NearParams.seed": "of the permutations",
    "NearParams.bands": "LSH bands; together with `rows`",
    "ParquetParams.long": "`split`: a document over the limit becomes `uri#bytes=a-b` documents",
    "MarkdownParams.long": "`split`: a file over the limit becomes `uri#bytes=a-b` documents",
    "SourceParams.modality": "of all its documents",
    "CodeParams.modality": "of all its documents",
    "CsvParams.delimiter": "between fields",
    "TsvParams.delimiter": "between fields",
    "TsvParams.quote": "the quote character; '' where quotes mean nothing",
    "PageParams.extract": "what finds the main text",
    "PageParams.format": "of `extract: corpusmith`: Markdown with its structure (unless said), or "
    "plain text",
    "PageParams.links": "of `extract: corpusmith` as Markdown: links with their addresses",
    "Samples.count": "how many",
    "Samples.prompt_tokens": "tokens of the document that it is given",
    "Samples.tokens": "tokens that it writes at most",
    "BitsPerByte.by": "groups that get figures of their own",
    "TrainParams.model": "`gpt2`, `llama`, or a folder or hub id to start from",
    "TrainParams.layers": "4 unless said",
    "TrainParams.heads": "attention heads; 4 unless said",
    "TrainParams.width": "of the residual stream; 128 unless said",
    "TrainParams.dropout": "`gpt2` only",
    "TrainParams.steps": "optimizer steps",
    "TrainParams.batch_tokens": "tokens of one step",
    "TrainParams.lr": "the highest learning rate",
    "TrainParams.decay": "how the learning rate falls after the warm-up",
    "TrainParams.betas": "of AdamW",
    "TrainParams.eps": "of AdamW",
    "TrainParams.dtype": "of the forward pass; `auto` measures which is faster here",
    "TrainParams.compile": "`torch.compile`, where it works and measures faster; gives up equal "
    "weights from run to run",
    "TrainParams.device": "`auto`: what Accelerate finds",
    "TrainParams.eval_windows": "held-out windows of that loss",
    "TrainParams.tensorboard": "write TensorBoard's events beside `metrics.jsonl`",
}
"""Where the model itself says nothing. A test asks that every parameter has a meaning."""


@functools.cache
def _notes(model: type) -> dict[str, str]:
    """Attribute -> the docstring below it, else the comment at the end of its line."""
    if not issubclass(model, BaseModel) or model is BaseModel:
        return {}
    lines, _ = inspect.getsourcelines(model)
    readline = iter(lines).__next__
    comments = {
        token.start[0]: token.string.lstrip("# ")
        for token in tokenize.generate_tokens(readline)
        if token.type == tokenize.COMMENT
    }
    [tree] = ast.parse("".join(lines)).body
    assert isinstance(tree, ast.ClassDef)
    found: dict[str, str] = {}
    for item, after in zip(tree.body, [*tree.body[1:], None], strict=True):
        if isinstance(item, ast.AnnAssign) and isinstance(item.target, ast.Name):
            if isinstance(after, ast.Expr) and isinstance(after.value, ast.Constant):
                found[item.target.id] = str(after.value.value)
            elif item.lineno in comments:
                found[item.target.id] = comments[item.lineno]
    return found
