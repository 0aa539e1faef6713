"""llama.cpp at an address of OpenAI's form; the Python of its own environment runs this file."""

import json
import sys
from http.server import BaseHTTPRequestHandler, HTTPServer

import llama_cpp

TOKENS = 2048
"""More than the longest probe text has: beyond it llama-cpp-python cuts."""


def main(port: str, weights: str, pooling: str) -> None:
    """Answer on loopback until the process ends; nobody listens before the model is there."""
    model = llama_cpp.Llama(
        weights,
        embedding=True,
        pooling_type=getattr(llama_cpp, f"LLAMA_POOLING_TYPE_{pooling}"),
        n_ctx=TOKENS,
        n_batch=TOKENS,
        n_ubatch=TOKENS,
        verbose=False,
    )

    class Answer(BaseHTTPRequestHandler):
        """What llama-cpp-python makes of the texts, as it makes it."""

        def do_POST(self) -> None:
            asked = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            answer = json.dumps(model.create_embedding(asked["input"])).encode()
            self.send_response(200)
            self.send_header("Content-Type", "application/json")
            self.end_headers()
            self.wfile.write(answer)

        def log_message(self, *args: object) -> None:
            pass

    HTTPServer(("127.0.0.1", int(port)), Answer).serve_forever()


if __name__ == "__main__":
    main(*sys.argv[1:])
