"""Have a model of the catalogue, or the STS Benchmark, on this machine before the network is gone.

python -m pooling.download BAAI/bge-small-en-v1.5
python -m pooling.download stsb
"""

import argparse

from pooling import hub
from pooling.catalogue import get_model, missing
from pooling.encoders.loading import check_config, load_encoder
from pooling.stsb import fetch_stsb


def main() -> None:
    """Download a model of the catalogue, or convert an installed one, and load it once; or the STS Benchmark."""
    parse = argparse.ArgumentParser(description=main.__doc__)
    parse.add_argument("name", help='a model\'s name in the catalogue, such as BAAI/bge-small-en-v1.5, or "stsb"')
    name = parse.parse_args().name
    try:
        if name == "stsb":
            print(f"The STS Benchmark is ready in {fetch_stsb()}.")
            return
        model = get_model(name)
        if model.source == "hub" and missing(model):
            hub.download(hub.look_up(model), check_config)
        print(f"{model.name} is ready: {load_encoder(model.name).layers} layers.")
    except (hub.HubError, FileNotFoundError, ValueError, KeyError) as error:
        raise SystemExit(str(error.args[0])) from error


if __name__ == "__main__":
    main()
