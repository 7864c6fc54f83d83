"""The images that components run in, pinned in one file."""

import json
from pathlib import Path

TRAINING: str = json.loads(Path(__file__).with_name("pins.json").read_text())["training"]
