"""For a server under test: torch is not imported until the file named in TORCH_MAY_LOAD exists."""

import os
import sys
import time
from pathlib import Path


class _Gate:
    def find_spec(self, name, path=None, target=None):
        while name == "torch" and not Path(os.environ["TORCH_MAY_LOAD"]).exists():
            time.sleep(0.05)


sys.meta_path.insert(0, _Gate())
