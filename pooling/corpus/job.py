"""What is made of a corpus, as one value: all that decides what its folder holds."""

import json
import zipfile
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path, PurePosixPath
from typing import Any

from pooling.after import get_step
from pooling.catalogue import get_model
from pooling.encoders import Encoder
from pooling.export import MANIFEST, manifest
from pooling.recipe import Recipe

ROWS_A_SHARD = 8192
SAID = {
    "rows": "--shard-rows",
    "keep_text": "texts kept:",
    "bfloat16": "bfloat16:",
    "numbered": "ids as whole numbers:",
    "column": "--column",
    "id": "--id",
    "fit": "--fit",
    "fitted": "the files of --fitted:",
    "weights": "weights with the hash",
    "recipes": "strategies:",
    "template": "--prompt",
    "pool_template": "prompt pooled:",
    "after": "--after",
    "params": "parameters",
}
"""What a reader knows a job's and a recipe's fields by."""


@dataclass(frozen=True)
class Job:
    """Recipes that differ in their strategies alone, and how rows are read and kept."""

    recipes: tuple[Recipe, ...]
    column: str = "text"
    id: str = ""
    """The column of ids; "" for row numbers, from 0."""
    numbered: bool = True
    """Whether ids are whole numbers."""
    keep_text: bool = True
    bfloat16: bool = False
    fit: int = 0
    """How many texts the steps fitted on a corpus are fitted on."""
    fitted: tuple[str, ...] = ()
    """The SHA-256 of files with such steps' numbers."""
    rows: int = ROWS_A_SHARD
    """Rows of a shard, at most."""

    @property
    def recipe(self) -> Recipe:
        """What the recipes have in common, under the first strategy."""
        return self.recipes[0]

    def as_json(self) -> dict[str, Any]:
        """As a JSON file has it, with the weights' hash."""
        entry = get_model(self.recipe.model)
        return json.loads(json.dumps(asdict(self) | {"weights": entry.sha256 or entry.commit}))

    def about(self, encoder: Encoder) -> dict[str, Any]:
        """How each column of vectors was made."""
        return {recipe.strategy: manifest(recipe, encoder) for recipe in self.recipes}


def difference(there: Mapping[str, Any], wanted: Mapping[str, Any]) -> str:
    """The first thing in which two jobs differ, for a sentence: "layer 6, not 4"; "" where they are the same."""
    for name, value in wanted.items():
        other = there.get(name)
        if other == value:
            continue
        if name == "recipes" and isinstance(other, list):
            strategies = [",".join(str(one.get("strategy")) for one in some) for some in (other, value)]
            if strategies[0] != strategies[1]:
                return f"strategy {strategies[0]}, not {strategies[1]}"
            return next(difference(one, two) for one, two in zip(other, value, strict=True) if one != two)
        return f"{SAID.get(name, name)} {_said(other)}, not {_said(value)}"
    return ""


def _said(value: Any) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, list) and all(isinstance(one, str) for one in value):
        return ",".join(value) or "none"
    return value if isinstance(value, str) and value else json.dumps(value, ensure_ascii=False)


def read_recipe(path: Path) -> Recipe:
    """The recipe in a manifest of the app's Export, or in the zip file that holds it.

    Raises:
        ValueError: when there is none.
    """
    try:
        if zipfile.is_zipfile(path):
            with zipfile.ZipFile(path) as archive:
                name = next(name for name in archive.namelist() if name.rpartition("/")[2] == MANIFEST)
                found = json.loads(archive.read(name))
        else:
            found = json.loads(path.read_text(encoding="utf-8"))
        layer = found["layer"]
        return Recipe(
            model=found["model"],
            strategy=found["strategy"],
            layer=tuple(layer) if isinstance(layer, list) else layer,
            template=found["template"],
            pool_template=found["pool_template"],
            after=tuple(found["after"]),
            params=tuple(found["params"].items()),
            own=tuple(found["own"]),
        )
    except (ValueError, KeyError, TypeError, AttributeError, StopIteration, zipfile.BadZipFile) as error:
        raise ValueError(f"{path} is no {MANIFEST} of the app's Export, and no zip file with one.") from error


def fitted_in(path: Path, folder: Path) -> list[Path]:
    """The numbers of fitted steps that the app's Export has packed with a recipe, taken out into a folder."""
    if not zipfile.is_zipfile(path):
        return []
    steps = {get_step(one).name for one in read_recipe(path).after}
    with zipfile.ZipFile(path) as archive:
        inside = [name for name in archive.namelist() if PurePosixPath(name).suffix == ".safetensors"]
        wanted = {PurePosixPath(name).name: name for name in inside if PurePosixPath(name).stem in steps}
        for name, packed in wanted.items():
            (folder / name).write_bytes(archive.read(packed))
    return [folder / name for name in wanted]
