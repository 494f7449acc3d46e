"""An environment of its own for a peer: ``python benchmarks/peers/make_environment.py PEER FOLDER``.

PEER is one of the files in ``requirements/``. The folder must be new; it should lie outside of the repository. Then
``FOLDER/bin/python`` runs the peer's scripts. PyTorch is a large download where pip takes its build for graphics cards.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
import venv
from pathlib import Path

REQUIREMENTS = Path(__file__).parent / "requirements"
WITHOUT_DEPENDENCIES = {"morl-baselines": ("morl-baselines==1.3.0",)}


def main() -> None:
    peers = sorted(file.stem for file in REQUIREMENTS.glob("*.txt"))
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("peer", choices=peers)
    options.add_argument("folder", type=Path)
    settings = options.parse_args()
    if settings.folder.exists():
        sys.exit(f"expected a new folder, {settings.folder} is there; name another")
    venv.create(settings.folder, with_pip=True)
    pip = [str(settings.folder / "bin" / "python"), "-m", "pip", "install"]
    subprocess.run([*pip, "-r", str(REQUIREMENTS / f"{settings.peer}.txt")], check=True)
    for package in WITHOUT_DEPENDENCIES.get(settings.peer, ()):
        subprocess.run([*pip, "--no-deps", package], check=True)


if __name__ == "__main__":
    main()
