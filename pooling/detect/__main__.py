"""Which pooling made these vectors? python -m pooling.detect FILE --model NAME [--json OUT].

FILE has texts and their vectors: JSON Lines, CSV, Parquet, NPZ, or the JSON of a /v1/embeddings answer. Or ask a
server: python -m pooling.detect --url http://host:port/v1/embeddings --name MODEL-THERE --model NAME.
"""

import argparse
import dataclasses
import json
import os
import sys
from pathlib import Path

from pooling.catalogue import DEFAULT
from pooling.detect import detect
from pooling.detect.files import read_file
from pooling.detect.server import SECONDS, ask_probes
from pooling.encoders.loading import load_encoder
from pooling.hub import HubError


def main(arguments: list[str] | None = None) -> str | None:
    """Run the command; what went wrong, in a sentence, or None."""
    parser = argparse.ArgumentParser("python -m pooling.detect", description=__doc__)
    parser.add_argument("file", nargs="?", type=Path, help="texts and vectors")
    parser.add_argument("--model", default=DEFAULT, help="the model that is thought to have made them (%(default)s)")
    parser.add_argument("--json", type=Path, metavar="OUT", help="write the findings there as well")
    parser.add_argument("--prompt", action="append", default=[], help="a prompt to try too, with {} for the text")
    parser.add_argument("--url", help="a server's address for embeddings, to be sent the project's probe texts")
    parser.add_argument("--name", default="", help="the model's name at that server")
    parser.add_argument("--key-from", metavar="ENV", help="the environment variable that holds the server's key")
    parser.add_argument("--seconds", type=float, default=SECONDS, help="how long a request may take (%(default)g)")
    asked = parser.parse_args(arguments)
    if bool(asked.file) == bool(asked.url):
        parser.error("give a file, or a server's address with --url")
    if wrong := [prompt for prompt in asked.prompt if prompt.count("{}") not in (1, 2)]:
        return f"The prompt {wrong[0]!r} does not hold {{}} once or twice, where the text goes."
    if asked.json and (asked.json.is_dir() or not asked.json.parent.is_dir()):
        return f"{asked.json} cannot be written: give a file in a folder that is there with --json."
    try:
        said: list[str] = []
        if asked.url:
            key = os.environ.get(asked.key_from, "") if asked.key_from else ""
            if asked.key_from and not key:
                return f"The environment variable {asked.key_from} is not set."
            texts, vectors, said = ask_probes(asked.url, asked.name or asked.model, key=key, seconds=asked.seconds)
        else:
            texts, vectors = read_file(asked.file)
        found = detect(texts, vectors, load_encoder(asked.model), prompts_too=asked.prompt)
    except (OSError, ValueError, HubError) as error:
        return f"{asked.file}: {error.strerror}" if isinstance(error, OSError) and error.strerror else str(error)
    except KeyError as error:
        return str(error.args[0])
    found = dataclasses.replace(found, said=(*said, *found.said))
    print(found)
    if asked.json:
        asked.json.write_text(json.dumps(found.as_json(), indent=2, ensure_ascii=False) + "\n", encoding="utf-8")
    return None


if __name__ == "__main__":
    sys.exit(main())
