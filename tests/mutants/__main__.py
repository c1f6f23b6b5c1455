import os
import sys
from pathlib import Path

import pytest

os.environ["PARK_MUTANTS"] = " ".join(sys.argv[1:])
sys.exit(
    pytest.main(
        ["-q", "-s", "-p", "no:xdist", "--create-db", "--timeout=0", str(Path(__file__).with_name("run.py"))]
    )
)
