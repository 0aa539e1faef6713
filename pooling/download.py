"""Have a model of the catalogue on this machine before the network is gone.

python -m pooling.download BAAI/bge-small-en-v1.5
"""

import argparse

from pooling import hub
from pooling.catalogue import get_model, missing
from pooling.encoders import check_config, load_encoder


def main() -> None:
    """Download a model of the catalogue, or convert an installed one, and load it once."""
    parse = argparse.ArgumentParser(description=main.__doc__)
    parse.add_argument("model", help="its name in the catalogue, such as BAAI/bge-small-en-v1.5")
    try:
        model = get_model(parse.parse_args().model)
        if model.source == "hub" and missing(model):
            hub.download(hub.look_up(model), check_config)
        print(f"{model.name} is ready: {load_encoder(model.name).layers} layers.")
    except (hub.HubError, FileNotFoundError, ValueError, KeyError) as error:
        raise SystemExit(str(error.args[0])) from error


if __name__ == "__main__":
    main()
