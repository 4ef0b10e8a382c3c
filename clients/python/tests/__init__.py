"""Run in this package's folder: python -m unittest. Only websockets is needed."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1] / "src"))
