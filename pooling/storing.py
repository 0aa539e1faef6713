"""A way of storing embeddings as code: the steps in NumPy, and an index of faiss with them.

The indexes were run with faiss-cpu 1.15.1 by hand, and are in a test where faiss is installed.
"""

from dataclasses import replace

from pooling.encoders import Encoder
from pooling.recipe import Recipe
from pooling.sizes import CANDIDATES, NEAREST, Way
from pooling.snippets import Snippet, for_sentence_transformers

LINKS = 32
"""Neighbours that an HNSW index links each text to; twice as many at its lowest level, four bytes each."""


def for_model(way: Way, recipe: Recipe, encoder: Encoder) -> Snippet:
    """The model and the steps in sentence-transformers, where it can pool so."""
    plain = for_sentence_transformers(replace(recipe, after=()), encoder)
    if not plain.code:
        return plain
    said = f"{plain.said} {_where(way)}".rstrip()
    if way.rescored:
        said += f" These are the bits; for the first hits the same texts in {way.rescored} are kept beside them."
    return replace(for_sentence_transformers(replace(recipe, after=way.steps), encoder), said=said)


def for_numpy(way: Way, dim: int) -> Snippet:
    """The steps from whole embeddings to what is stored."""
    said = _where(way) or "Nothing here is fitted: it is the same for all texts."
    return Snippet("NumPy", _joined([*_functions(way, dim), *_stored(way)]), said)


def for_faiss(way: Way, dim: int) -> Snippet:
    """An index of faiss, filled and asked."""
    lines = ["import faiss", *_functions(way, dim)]
    lines += [
        'texts, queries = np.load("embeddings.npy"), np.load("queries.npy")',
        "",
        *(_bits(way) if way.type == "binary" else _numbers(way)),
    ]
    faster = {
        "float32": f"faiss.IndexHNSWFlat({way.dims}, {LINKS}, faiss.METRIC_INNER_PRODUCT)",
        "binary": f"faiss.IndexBinaryHNSW({way.dims}, {LINKS})",
    }.get(way.type, f"faiss.IndexHNSWSQ({way.dims}, {_SCALAR.get(way.type)}, {LINKS}, faiss.METRIC_INNER_PRODUCT)")
    said = (
        f"It compares a query with every text. Faster, and nearly as exact: index = {faster}, with some {8 * LINKS} "
        "bytes a text more for its links."
    )
    if way.type == "int8":
        said += " faiss reads the ranges of its bytes off the texts that it is trained on."
    return Snippet("faiss", _joined(lines), said)


_SCALAR = {"float16": "faiss.ScalarQuantizer.QT_fp16", "int8": "faiss.ScalarQuantizer.QT_8bit"}


def _where(way: Way) -> str:
    """Where the numbers are that were fitted; "" where there are none."""
    files = [f"{name}.safetensors" for name in ("pca", "int8") if name in (way.shortened, way.type, way.rescored)]
    if not files:
        return ""
    return (
        f"{' and '.join(files)} can be taken below, fitted on short texts of this project; fit them on texts like "
        "yours (pooling.after.fit_steps, save_step)."
    )


def _functions(way: Way, dim: int) -> list[str]:
    """Lines of Python: `shorten`, and `store` for what needs more than a cast."""
    reads = way.shortened == "pca" or "int8" in (way.type, way.rescored)
    lines = ["import numpy as np", *(["from safetensors.numpy import load_file"] if reads else []), "", ""]
    lines += [
        "def shorten(embeddings):",
        f'    """{way.dims} of the {dim} numbers of each text, in float32; queries alike."""',
    ]
    unit = "    embeddings = embeddings / np.linalg.norm(embeddings, axis=1, keepdims=True)"
    if way.shortened == "first":
        lines += [f"    embeddings = embeddings[:, :{way.dims}]"]
    if way.shortened == "pca":
        lines += [unit, '    fitted = load_file("pca.safetensors")']
        lines += [f'    embeddings = (embeddings - fitted["mean"]) @ fitted["axes"][:, :{way.dims}]']
    if way.shortened == "random":
        lines += [f"    drawn = np.random.RandomState(0).normal(size=({way.dims}, {dim})) / {way.dims} ** 0.5"]
        lines += ["    embeddings = embeddings @ drawn.T.astype(np.float32)"]
    lines += [unit, "    return embeddings.astype(np.float32)", "", ""]
    if "int8" in (way.type, way.rescored):
        lines += [
            'fitted = load_file("int8.safetensors")  # the range of each dimension',
            'low, width = fitted["low"], (fitted["high"] - fitted["low"]) / 255',
            "width = np.where(width == 0, 1, width).astype(np.float32)",
            "",
            "",
            "def to_bytes(short):",
            "    return (np.clip(np.floor((short - low) / width), 0, 255) - 128).astype(np.int8)",
            "",
            "",
        ]
    return lines


def _stored(way: Way) -> list[str]:
    """Lines of Python that make of the file of embeddings what is stored."""
    made = {
        "float32": "short",
        "float16": "short.astype(np.float16)",
        "int8": "to_bytes(short)",
        "binary": "np.packbits(short > 0, axis=1)",
    }
    lines = ['short = shorten(np.load("embeddings.npy"))', f"stored = {made[way.type]}"]
    return [*lines, *([f"beside = {made[way.rescored]}  # for the first hits"] if way.rescored else [])]


def _numbers(way: Way) -> list[str]:
    """Lines of Python: an index of numbers."""
    if way.type == "float32":
        lines = [f"index = faiss.IndexFlatIP({way.dims})"]
    else:
        lines = [
            f"index = faiss.IndexScalarQuantizer({way.dims}, {_SCALAR[way.type]}, faiss.METRIC_INNER_PRODUCT)",
            "index.train(shorten(texts))",
        ]
    return [*lines, "index.add(shorten(texts))", f"scores, hits = index.search(shorten(queries), {NEAREST})"]


def _bits(way: Way) -> list[str]:
    """Lines of Python: an index of bits, and the first hits scored again."""
    first = CANDIDATES if way.rescored else NEAREST
    lines = [
        f"index = faiss.IndexBinaryFlat({way.dims})",
        "index.add(np.packbits(shorten(texts) > 0, axis=1))",
        f"_, hits = index.search(np.packbits(shorten(queries) > 0, axis=1), {first})",
    ]
    if not way.rescored:
        return lines
    values = "low + (beside[hits] + 128.5) * width" if way.rescored == "int8" else "beside[hits]"
    return [
        *lines,
        "",
        f"beside = {'to_bytes(shorten(texts))' if way.rescored == 'int8' else 'shorten(texts)'}",
        f'scores = np.einsum("qd,qhd->qh", shorten(queries), {values})',
        f"hits = np.take_along_axis(hits, np.argsort(-scores, axis=1)[:, :{NEAREST}], axis=1)",
    ]


def _joined(lines: list[str]) -> str:
    return "\n".join(lines) + "\n"
