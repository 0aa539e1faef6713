"""Embeddings and models as files to take along, each with a manifest that says how it was made."""

import io
import json
import platform
import shlex
import tempfile
import zipfile
from collections.abc import Callable, Iterable, Sequence
from dataclasses import asdict
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import torch
from jaxtyping import Float, Num
from safetensors.torch import save
from torch import Tensor

from pooling.after import Step, chosen_steps, pack_step, run_steps
from pooling.attention_heads import head_path
from pooling.catalogue import get_model, says_twice, short, split_template
from pooling.encoders import Encoder, apply
from pooling.recipe import Recipe
from pooling.snippets import layer_shares, not_in_sentence_transformers, repository
from pooling.tables import harmless

Vectors = Float[Tensor, "text dim"]
Ready = Num[Tensor, "text _"]
"""Embeddings as a recipe leaves them: codes are whole numbers, and the dimensions may be fewer."""
Files = dict[str, bytes]
MANIFEST = "manifest.json"
LIBRARIES = ("torch", "transformers", "numpy")


def embeddings(recipe: Recipe, encoder: Encoder, texts: Sequence[str]) -> Vectors:
    """Embeddings [text, dim] of a handful of texts by a recipe, before its steps after pooling: `ready` does those.

    Raises:
        NotComputable: when the recipe needs a head that was not trained for this model and layer, or attention
            and the layer has none.
        ValueError: as `Encoder.encode` does.
    """
    strategy, layer = recipe.pooling, encoder.layer(recipe.layer)
    states = encoder.encode(
        texts,
        layer=layer,
        attention=strategy.needs == "attention" and isinstance(layer, int) and layer > 0,
        **recipe.reading.prompt,
    )
    return apply(strategy, states, model=recipe.model, layer=layer).embedding


def ready(vectors: Vectors, steps: Iterable[Step | str]) -> Ready:
    """Pooled embeddings after the steps; what NumPy has no type for, in float32.

    Raises:
        NotComputable: as `run_steps` does.
    """
    made = run_steps(vectors, chosen_steps(steps))
    return made.float() if made.dtype == torch.bfloat16 else made


def manifest(recipe: Recipe, encoder: Encoder) -> dict[str, Any]:
    """How embeddings were made, so that they can be made again: for a JSON file."""
    entry, strategy = get_model(recipe.model), recipe.pooling
    layer = encoder.layer(recipe.layer)
    made = asdict(recipe) | {"layer": list(layer) if isinstance(layer, tuple) else layer}
    made |= {"params": dict(strategy.settings)}
    return made | {
        "description": f"{recipe}.",
        "layers": encoder.layers,
        "dimensions": encoder.dim,
        "max_length": encoder.max_length,
        "repository": repository(entry),
        "commit": entry.commit or None,
        "package": entry.package or None,
        "causal_mask": entry.kind == "decoder",
        "weights_sha256": entry.sha256 or None,
        "head": head_path(recipe.model, recipe.layer).name if strategy.needs == "head" else None,
        "licence_of_the_weights": entry.licence,
        "versions": {"python": platform.python_version()} | {name: version(name) for name in LIBRARIES},
    }


def csv_files(texts: Sequence[str], labels: Sequence[str], vectors: Ready, about: str) -> Files:
    """One row a text, one column a dimension; nine digits, which give every float32 back."""
    numbers = pd.DataFrame(vectors.numpy()).rename(columns=str)
    frame = pd.concat([_texts_table(texts, labels), numbers], axis=1)
    written = frame.to_csv(index=False, lineterminator="\r\n", float_format="%.9g")
    return {"embeddings.csv": written.encode("utf-8-sig")}


def parquet_files(texts: Sequence[str], labels: Sequence[str], vectors: Ready, about: str) -> Files:
    """Columns text, label where there is one, and embedding, a list of float32; the manifest is in the file too."""
    dim = vectors.shape[1]
    columns: dict[str, Any] = {"text": pa.array(texts, pa.string())}
    columns |= {"label": pa.array(labels, pa.string())} if labels else {}
    columns |= {"embedding": pa.FixedSizeListArray.from_arrays(pa.array(vectors.numpy().ravel()), dim)}
    written = io.BytesIO()
    pq.write_table(pa.table(columns).replace_schema_metadata({"manifest": about}), written)
    return {"embeddings.parquet": written.getvalue()}


def npz_files(texts: Sequence[str], labels: Sequence[str], vectors: Ready, about: str) -> Files:
    """The array `embeddings`, and the texts in a JSON file: NumPy's own strings take four bytes for every place."""
    written = io.BytesIO()
    np.savez(written, embeddings=vectors.numpy())
    beside = {"texts": list(texts)} | ({"labels": list(labels)} if labels else {})
    return {"embeddings.npz": written.getvalue(), "texts.json": _json(beside)}


def projector_files(texts: Sequence[str], labels: Sequence[str], vectors: Ready, about: str) -> Files:
    """The two files that https://projector.tensorflow.org loads: vectors, and the texts with their labels."""
    written = io.StringIO()
    np.savetxt(written, vectors.numpy(), fmt="%.9g", delimiter="\t")
    rows = _texts_table(texts, labels).map(lambda text: " ".join(text.split()))
    # A file of one column has no header there, a file of several has one.
    lines = ["\t".join(rows)] if labels else []
    lines += ["\t".join(row) for row in rows.itertuples(index=False)]
    return {"vectors.tsv": written.getvalue().encode(), "metadata.tsv": ("\n".join(lines) + "\n").encode()}


FORMATS: dict[str, tuple[str, Callable[[Sequence[str], Sequence[str], Ready, str], Files]]] = {
    "csv": ("CSV", csv_files),
    "parquet": ("Parquet", parquet_files),
    "npz": ("NPZ", npz_files),
    "projector": ("TensorBoard", projector_files),
}


def pack_embeddings(
    kind: str,
    recipe: Recipe,
    encoder: Encoder,
    texts: Sequence[str],
    labels: Sequence[str],
    vectors: Vectors,
    fitted: Sequence[Step] = (),
) -> bytes:
    """Embeddings in one of `FORMATS`, with their manifest and what their steps were fitted to, as a zip file.

    Args:
        labels: one a text, or none.
        vectors: of the texts by the recipe's model, layer and strategy, before its steps after pooling.
        fitted: the recipe's steps, where some of them have numbers from a corpus.

    Raises:
        NotComputable: as `run_steps` does.
    """
    steps = fitted or chosen_steps(recipe.after, encoder.after)
    numbers = {f"{one.name}.safetensors": pack_step(one) for one in steps if one.fits == "corpus"}
    about = _json(manifest(recipe, encoder) | {"texts": len(texts), "fitted": list(numbers)})
    files = FORMATS[kind][1](texts, labels, ready(vectors, steps).contiguous(), about.decode())
    return _zipped(files | numbers | {MANIFEST: about})


def not_as_model(recipe: Recipe) -> str:
    """Why the recipe cannot be a sentence-transformers folder, in a sentence; "" where it can."""
    reason = not_in_sentence_transformers(recipe)
    if not reason and recipe.after and not recipe.normalise:
        return "A sentence-transformers folder is written here with scaling to length 1 alone after the pooling."
    if not reason and (says_twice(recipe.template) or split_template(recipe.template)[1]):
        return "A sentence-transformers folder can put a prompt before a text only, and yours goes on after it."
    return reason


def model_files(recipe: Recipe, encoder: Encoder) -> Files:
    """A sentence-transformers model folder for the recipe, all but `model.safetensors`.

    The pooling is written in the words that every version of sentence-transformers reads, and
    text-embeddings-inference and vLLM as well: one switch a mode.

    Raises:
        ValueError: when sentence-transformers cannot pool so.
    """
    if reason := not_as_model(recipe):
        raise ValueError(reason)
    layer, mode = encoder.layer(recipe.layer), recipe.pooling.sentence_transformers
    own_layer = layer != encoder.layers
    modules = [("Transformer", ""), *([("WeightedLayerPooling", "layers")] if own_layer else [])]
    modules += [("Pooling", "1_Pooling"), *([("Normalize", "2_Normalize")] if recipe.normalise else [])]
    config = json.loads(encoder.model.config.to_json_string(use_diff=True)) | {"dtype": "float32"}
    config |= {"output_hidden_states": True} if own_layer else {}
    config.pop("_name_or_path", None)
    switches = ("cls_token", "mean_tokens", "max_tokens", "mean_sqrt_len_tokens", "weightedmean_tokens", "lasttoken")
    files = _tokenizer_files(encoder) | {
        "config.json": _json(config),
        "modules.json": _json(
            [
                {"idx": i, "name": str(i), "path": path, "type": f"sentence_transformers.models.{kind}"}
                for i, (kind, path) in enumerate(modules)
            ]
        ),
        "sentence_bert_config.json": _json({"max_seq_length": encoder.max_length, "do_lower_case": False}),
        "1_Pooling/config.json": _json(
            {"word_embedding_dimension": encoder.dim}
            | {
                f"pooling_mode_{one}": mode in (one, one.removesuffix("_token"), one.removesuffix("_tokens"))
                for one in switches
            }
        ),
        MANIFEST: _json(manifest(recipe, encoder)),
        "README.md": _about_folder(recipe).encode(),
    }
    if own_layer:
        shares = torch.tensor(layer_shares(layer, encoder.layers))
        sizes = {"num_hidden_layers": encoder.layers, "layer_start": 0}
        files["layers/config.json"] = _json({"word_embedding_dimension": encoder.dim} | sizes)
        files["layers/model.safetensors"] = save({"layer_weights": shares})
    if recipe.normalise:
        files["2_Normalize/config.json"] = _json({})
    if not recipe.plain:
        prompt = {"prompts": {"own": split_template(recipe.template)[0]}, "default_prompt_name": "own"}
        files["config_sentence_transformers.json"] = _json(prompt)
    return files


def pack_model(recipe: Recipe, encoder: Encoder) -> bytes:
    """The files of `model_files` as a zip file: its README has the command that adds the weights.

    The weights stay out: every download of theirs would be tens of megabytes in the memory of a
    small server, for a file that their own repository serves, with its licence, to everybody.
    """
    return _zipped({f"{folder_name(recipe)}/{name}": data for name, data in model_files(recipe, encoder).items()})


def save_model(recipe: Recipe, encoder: Encoder, folder: Path) -> None:
    """Write a whole sentence-transformers model folder, weights included.

    Raises:
        ValueError: when sentence-transformers cannot pool so.
    """
    files = model_files(recipe, encoder)
    encoder.model.save_pretrained(folder)
    for name, data in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(data)


def folder_name(recipe: Recipe) -> str:
    """The name of a model folder: "all-MiniLM-L6-v2.layer6.mean"."""
    layer = "+".join(map(str, recipe.layer)) if isinstance(recipe.layer, tuple) else recipe.layer
    return f"{short(recipe.model)}.layer{layer}.{recipe.strategy}"


def _about_folder(recipe: Recipe) -> str:
    entry, name = get_model(recipe.model), folder_name(recipe)
    if entry.commit and entry.sha256:
        get = ["hf", "download", repository(entry), "model.safetensors", "--revision", entry.commit, "--local-dir", "."]
        adding = f"In this folder, run:\n\n    {shlex.join(get)}\n\nThe file must have the SHA-256 {entry.sha256}.\n"
    else:
        adding = (
            "These weights are in no single safetensors file that could be downloaded. With the project Pooling "
            "Playground, this writes the folder whole:\n\n"
            "    from pathlib import Path\n\n    from pooling import load_encoder\n"
            "    from pooling.export import save_model\n    from pooling.recipe import Recipe\n\n"
            f"    save_model({recipe!r}, load_encoder({recipe.model!r}), Path({name!r}))\n"
        )
    return (
        f"# {name}\n\n{recipe}.\n\n## The weights\n\n{adding}\n"
        f"They are of https://huggingface.co/{repository(entry)} and under its licence: {entry.licence}.\n\n"
        "## Use\n\n    from sentence_transformers import SentenceTransformer\n\n"
        f'    model = SentenceTransformer("{name}")\n    embeddings = model.encode(["A first text."])\n'
    )


def _tokenizer_files(encoder: Encoder) -> Files:
    """The tokenizer's files; one without a token for padding gets its last token's, as batches need one."""
    with tempfile.TemporaryDirectory() as folder:
        encoder.tokenizer.save_pretrained(folder)
        files = {path.name: path.read_bytes() for path in Path(folder).iterdir()}
    if encoder.tokenizer.pad_token is None:
        settings = json.loads(files["tokenizer_config.json"])
        files["tokenizer_config.json"] = _json(settings | {"pad_token": encoder.tokenizer.eos_token})
    return files


def _texts_table(texts: Sequence[str], labels: Sequence[str]) -> pd.DataFrame:
    """Texts, and labels where there are any, harmless in a spreadsheet."""
    columns = {"text": texts} | ({"label": labels} if labels else {})
    return pd.DataFrame({name: [harmless(cell) for cell in cells] for name, cells in columns.items()})


def _json(value: Any) -> bytes:
    return (json.dumps(value, indent=2, ensure_ascii=False) + "\n").encode()


def _zipped(files: Files) -> bytes:
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in files.items():
            archive.writestr(name, data)
    return made.getvalue()
