"""What is tried: a file per kind of reader."""

from robustness.inputs import (
    bundles,
    curves,
    deployed,
    elsewhere,
    environments,
    options,
    records,
    studies,
    tables,
    tensors,
)
from robustness.judge import Reader

READERS: dict[str, Reader] = {
    one.name: one
    for part in (records, tensors, tables, elsewhere, environments, options, bundles, deployed, curves, studies)
    for one in part.READERS
}
