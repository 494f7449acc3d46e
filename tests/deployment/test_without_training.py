"""Where nothing is installed that trains, a bundle is verified, approved, used and watched all the same."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from robustness.inputs import place

TRAINS = (
    *("jax", "jaxlib", "equinox", "optax", "jaxtyping", "scipy", "sklearn", "matplotlib", "jinja2", "tensorboardX"),
    *("rich", "gymnasium", "onnx", "onnxruntime", "hypothesis", "beartype", "highspy"),
)
CODE = f"""
import sys
from pathlib import Path


class Refused:
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] in {TRAINS!r}:
            raise ImportError(f"{{name}} is not installed here")


sys.meta_path.insert(0, Refused())
import numpy as np
from policybudget.cli.main import main
from policybudget.deployment.bundle import load
from policybudget.deployment.enrol import enrol

bundle = load("bundle")
assert bundle.policies[0].act(np.zeros((2, 3))).shape == (2, 2)
assert bundle.assign("ann").policy == 0 and bundle.assign([1.0, 0.5]).policy in (0, 1)
assert enrol(bundle, np.ones((3, 2))).policy.shape == (3,)
Path("new.csv").write_text("name,0,1\\nfay,1,0.5\\n")
Path("realised.csv").write_text("policy,return\\n0,2\\n1,-1\\n")
for words, status in (
    ("verify bundle", 0),
    ("approve bundle --policy 0 --by ann", 0),
    ("sign bundle --key private.pem", 0),
    ("verify bundle --key public.pem", 0),
    ("enrol bundle new.csv", 0),
    ("monitor bundle realised.csv --range -5 5", 0),
    ("monitor bundle realised.csv --range 5 -5", 2),
    ("enrol bundle nothing.csv", 2),
):
    assert main(words.split()) == status, words
loaded = {{name.partition(".")[0] for name in sys.modules}} - set(sys.stdlib_module_names)
loaded -= {{"typing_extensions"}}  # msgspec takes it where it is
print("others:", sorted(name for name in loaded if name[0] != "_" and not name.endswith("_backend")))
"""


def test_a_bundle_needs_nothing_that_trains(tmp_path: Path) -> None:
    place.bundle(tmp_path / "bundle")
    place.keys(tmp_path)
    ran = subprocess.run([sys.executable, "-W", "error", "-c", CODE], cwd=tmp_path, capture_output=True, text=True)
    assert ran.returncode == 0, ran.stderr
    others = ran.stdout.strip().splitlines()[-1]
    assert others == "others: ['cryptography', 'msgspec', 'numpy', 'policybudget', 'safetensors']"
    assert (tmp_path / "enrolled.csv").read_text().startswith("name,policy,expected,ci95,gain\nfay,")
    assert ran.stderr.count("\n") == 2, "a line for each of the two commands that fail"
