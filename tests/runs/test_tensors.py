from __future__ import annotations

from pathlib import Path
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from policybudget.errors import RunFolderError
from policybudget.runs import tensors


class Pair(NamedTuple):
    left: jax.Array
    right: dict[str, jax.Array] | None


def tree(seed: int) -> Pair:
    rng = np.random.default_rng(seed)
    right = {
        "flags": jnp.asarray(rng.random(3) < 0.5), "count": jnp.asarray(seed, jnp.uint32),
        "key": jax.random.key(seed), "keys": jax.random.split(jax.random.key(seed), 2),
    }  # fmt: skip
    return Pair(jnp.asarray(rng.normal(size=(2, 3)), jnp.float32), right)


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("tensors") / "x.safetensors"


@given(st.integers(0, 2**31))
def test_roundtrip_is_exact(place: Path, seed: int) -> None:
    before = tree(seed)
    place.write_bytes(tensors.dump(before, note="hello"))
    after, metadata = tensors.load(place, tree(seed + 1))
    assert metadata["note"] == tensors.metadata(place)["note"] == "hello"
    one, other = tensors.named(before), tensors.named(after)
    assert list(one) == list(other) == ["left", "right.count", "right.flags", "right.key", "right.keys"]
    for name in one:
        assert one[name].dtype == other[name].dtype
        np.testing.assert_array_equal(one[name], other[name])
    assert after.right is not None and jnp.issubdtype(after.right["key"].dtype, jax.dtypes.prng_key)


def test_every_changed_bit_is_noticed(tmp_path: Path) -> None:
    content = tensors.dump({"x": jnp.arange(3.0)})
    path = tmp_path / "x.safetensors"
    for position in range(len(content)):
        damaged = bytearray(content)
        damaged[position] ^= 1
        path.write_bytes(bytes(damaged))
        with pytest.raises(RunFolderError) as caught:
            tensors.load(path, {"x": jnp.zeros(3)})
        assert "\n" not in str(caught.value)


@pytest.mark.parametrize("template", [{"x": jnp.zeros(4)}, {"x": jnp.zeros(3), "y": jnp.zeros(1)}, {"z": jnp.zeros(3)}])
def test_made_for_something_else(template: dict[str, jax.Array], tmp_path: Path) -> None:
    path = tmp_path / "x.safetensors"
    path.write_bytes(tensors.dump({"x": jnp.arange(3.0)}))
    with pytest.raises(RunFolderError, match="does not fit its configuration: expected . of shape"):
        tensors.load(path, template)


def test_texts_are_in_order(place: Path) -> None:
    content = tensors.dump(tree(0), zebra="z", ape="a", yak="y")
    place.write_bytes(content)
    assert tensors.metadata(place)["ape"] == "a"
    assert content.index(b'"ape"') < content.index(b'"digest"') < content.index(b'"yak"') < content.index(b'"zebra"')
    assert int.from_bytes(content[:8], "little") % 8 == 0


def test_numbers_of_another_type_do_not_fit(place: Path) -> None:
    arrays = tensors.named(tree(0))
    for name in ("right.key", "left"):
        place.write_bytes(tensors.dump(arrays | {name: arrays[name].astype(np.int16)}))
        with pytest.raises(RunFolderError, match=f"expected {name} of type .*, got int16"):
            tensors.load(place, tree(0))
