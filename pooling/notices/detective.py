"""What the Detective says: the clues, the verdict, what it costs, and what mends it."""

import pandas as pd

from pooling.bugs import BUGS
from pooling.catalogue import PLAIN
from pooling.detect.findings import Findings, Match
from pooling.encoders import Encoder
from pooling.snippets import LLAMA_CPP, TEI, VLLM
from pooling.tables import number, points
from pooling.tables.detective import Cost, own_recipe

BELOW_ONE = 0.9999
"""A cosine from which two vectors count as one in a picture."""
PROGRAMS = ("sentence-transformers", "text-embeddings-inference", "vLLM", "llama.cpp", "Ollama")
READ_IN = (
    "The flags were read in sentence-transformers 6.2.0, text-embeddings-inference 1.9.3, vLLM 0.23, llama.cpp at "
    "commit 00dc8057 and Ollama's documentation at commit 3b44532."
)


def about_clues(table: pd.DataFrame) -> str:
    """What stands out before anybody searches."""
    known, lengths = table.dropna(subset=["cosine"]), table["length"]
    unit = bool(((lengths - 1).abs() < 0.001).all())
    said = "All have length 1." if unit else f"Their lengths go from {lengths.min():.3g} to {lengths.max():.3g}."
    if known.empty:
        return f"They cannot be compared with the model's own, dimension by dimension. {said}"
    off = known[known["cosine"] < BELOW_ONE]
    if off.empty:
        return f"Each points where the model's own embedding of its text does. {said}"
    worst = off.loc[off["cosine"].idxmin()]
    which = f"text {worst['number']} ({worst['tokens']} tokens), with a cosine of {worst['cosine']:.4f}"
    if len(off) < len(table):
        if len(off) == 1:
            return f"Only one differs from the model's own: {which}. {said}"
        if len(off) > len(table) / 2 and len(known) == len(table):
            few = f"All but {_numbered(table.drop(off.index))} differ from the model's own"
        else:
            few = f"Only {_numbered(off)} differ from the model's own"
        return f"{few}; most of all {which}. {said}"
    return f"All differ from the model's own embeddings, most of all {which}. {said}"


def _numbered(rows: pd.DataFrame) -> str:
    """Some of the texts by their numbers."""
    numbers = rows["number"].astype(str).tolist()
    shown = numbers if len(numbers) <= 6 else [*numbers[:5], f"{len(numbers) - 5} more"]
    return f"text {shown[0]}" if len(shown) == 1 else f"texts {', '.join(shown[:-1])} and {shown[-1]}"


def verdict(findings: Findings, encoder: Encoder) -> str:
    """The answer in a sentence or two."""
    tried = f"{findings.tried:,} recipes were compared"
    if not findings.matches:
        return f"Nothing here explains these vectors; {tried}."
    best = findings.matches[0]
    own = is_own(best, encoder)
    if findings.verdict == "exact":
        if own:
            return (
                f"These are the model's own embeddings: {best}. Nothing is wrong with them, as far as these texts tell."
            )
        return f"{best}. It makes every one of these vectors exactly, but for rounding."
    cosine = f"a cosine of {best.median:.4f} for the text in the middle, and {best.worst:.4f} for the worst"
    if findings.verdict == "near":
        return (
            f"Nearly: {best}, with {cosine}. What is left over can come from weights in fewer bits, as quantised "
            f"models have them, or from one step more that is not known here; {tried}."
        )
    return f"Nothing here explains these vectors; {tried}. The nearest misses: {best}, with {cosine}."


def is_own(match: Match, encoder: Encoder) -> bool:
    """Whether a recipe is the model's own."""
    own = own_recipe(encoder)
    return (match.strategy, match.params, match.layer, match.template, match.after, match.bug) == (
        own.strategy, (), own.layer, own.template, own.after, None
    ) and match.special_tokens and match.max_length in (None, encoder.max_length)  # fmt: skip


def about_alternatives(table: pd.DataFrame) -> str:
    """On which axes nothing else fits, and where something does."""
    also = table[table["explains"] & ~table["found"]]
    found = table[table["found"]]
    said = f"What was found is off by {_share(found['miss'].max())} of a vector's length at most."
    if also.empty:
        near = table[~table["found"]]
        if near.empty:
            return said
        one = near.loc[near["miss"].idxmin()]
        return f"{said} Of all else the nearest is {one['axis']}: {one['name']}, {_share(one['miss'])} off."
    named = "; ".join(f"{row['axis']}: {row['name']}" for row in also.head(4).to_dict("records"))
    return f"{said} As well would explain these vectors: {named}{'; and others' if len(also) > 4 else ''}."


def _share(percent: float) -> str:
    return "less than 0.001%" if percent < 0.001 else f"{number(percent)}%"


def differences(table: pd.DataFrame) -> str:
    """In what a recipe differs from the model's own, of `recipe_table`; "" where in nothing."""
    rows = table[table["is"].str.startswith("≠")].iterrows()
    named = [
        ("" if what == "mistakes" else f"{what}: ")
        + f"{row['found']}"
        + ("" if row["own"] == "none" else f" in place of {row['own']}")
        for what, row in rows
    ]
    return f"Unlike the model's own recipe: {'; '.join(named)}." if named else ""


def about_cost(made: Cost) -> str:
    """What a recipe costs on scored pairs, and whether chance could do that."""
    if made.same:
        return "On these pairs it costs nothing: both rank them alike, whichever pairs are drawn."
    between = f"95% interval {points(made.low, signed=True)} to {points(made.high, signed=True)}"
    if made.low > 0:
        return f"It costs {points(made.lost)} points, more than chance makes ({between})."
    if made.high < 0:
        return f"It gains {points(-made.lost)} points here, more than chance makes (lost: {between})."
    return f"It loses {points(made.lost, signed=True)} points here, which chance could make as well ({between})."


def mends(table: pd.DataFrame, found: Match, encoder: Encoder) -> pd.DataFrame:
    """For each program the flags or lines that make the model's own recipe of what was found.

    Args:
        table: of `pooling.tables.detective.recipe_table`.
        found: the recipe.
        encoder: the model.
    """
    own = own_recipe(encoder)
    differs = set(table.index[table["is"].str.startswith("≠")])
    unit, modes = own.after == ("l2",), own.pooling.sentence_transformers
    lines: dict[str, list[str]] = {name: [] for name in PROGRAMS}

    def add(*said: str) -> None:
        for name, line in zip(PROGRAMS, said, strict=True):
            lines[name] += [line] if line else []

    if "pooling" in differs:
        none = "it has no flag for this pooling"
        add(
            f'modules=[transformer, Pooling({encoder.dim}, "{modes}"){", Normalize()" if unit else ""}]',
            f"--pooling {TEI[own.strategy]}" if own.strategy in TEI else none,
            f'--pooler-config \'{{"pooling_type": "{VLLM[own.strategy]}"}}\'' if own.strategy in VLLM else none,
            f"--pooling {LLAMA_CPP[own.strategy]}" if own.strategy in LLAMA_CPP else none,
            "no flag: pooling_type of the GGUF file counts, which is converted with modules.json and 1_Pooling there",
        )
    if "layer" in differs:
        pooled = "no flag: it pools the last layer"
        add("leave WeightedLayerPooling out, and pool output.last_hidden_state", pooled, pooled, pooled, "")
    if "prompt" in differs:
        if own.template == PLAIN:
            client = "have your client send the text alone"
            add('model.encode(texts, prompt="")', "start it without --default-prompt and --default-prompt-name; "
                f"{client}", client, client, client)  # fmt: skip
        else:
            before = own.template.partition("{}")[0]
            client = f"have your client put {before!r} before each text"
            add(f"model.encode(texts, prompt={before!r})", f"--default-prompt {before!r}", client, client, client)
    if "special tokens" in differs:
        add("tokenizer(texts, add_special_tokens=True)", "", '"add_special_tokens": true in the request', "", "")
    if "length limit" in differs:
        most = encoder.max_length
        add(
            f"model.max_seq_length = {most}",
            "--auto-truncate false, to have long texts refused and not cut in silence",
            f'"truncate_prompt_tokens": {most} in the request',
            f"--ubatch-size {most}; it refuses longer texts",
            '"truncate": false in the request to /api/embed, to have long texts refused',
        )
    after = found.after != own.after and "after pooling" in differs
    if after and unit and "l2" not in found.after:
        add(
            "Normalize() as the last module, or model.encode(texts, normalize_embeddings=True)",
            '"normalize": true in the request to /embed',
            '"use_activation": true in --pooler-config',
            "--embd-normalize 2",
            "/api/embed, which scales to length 1",
        )
    if after and any(step.startswith("first:") for step in found.after):
        cut = 'leave "dimensions" out of the request'
        add("leave truncate_dim out, or scale to length 1 after it: normalize_embeddings=True", cut, cut, "", cut)
    if after and {"int8", "binary"} & set(found.after):
        add('model.encode(texts, precision="float32")', "", "", "", "")
    if after and "dense" in own.after and "dense" not in found.after:
        add("load the whole folder, modules.json and 2_Dense with it", "", "", "", "")
    rows = [(name, "; ".join(dict.fromkeys(said))) for name, said in lines.items() if said]
    return pd.DataFrame(rows, columns=["program", "What mends it"]).set_index("program")


def right_lines(found: Match) -> list[tuple[str, str, str]]:
    """Of each mistake that is in code: its title, the wrong line and the right one."""
    named = (found.bug or "").split("+")
    lines = [(bug.title, bug.wrong_code, bug.right_code) for bug in BUGS if bug.name in named]
    if "attended_padding" in named:
        lines.append(("The model is not given the mask", "model(input_ids=input_ids)", "model(**inputs)"))
    return lines


def museum(found: Match) -> str:
    """The mistake that the Padding Lab has an exhibit of; "" where it has none."""
    named = (found.bug or "").split("+")
    return next((bug.name for bug in BUGS if bug.name in named), "")
