"""How large parts are, and that they always suffice."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bucketrelay.clouds.aws.facts import ABILITIES as AWS
from bucketrelay.clouds.huawei.facts import ABILITIES as HUAWEI
from bucketrelay.clouds.oracle.facts import ABILITIES as ORACLE
from bucketrelay.core.parts import part_size_for
from bucketrelay.errors import StoreRefused
from bucketrelay.store import Abilities, MiB


@given(st.integers(0, Abilities().max_object), st.integers(5 * MiB, 512 * MiB))
def test_ten_thousand_parts_always_suffice(size, part_size):
    cut = part_size_for(size, part_size, Abilities())

    assert -(-size // cut) <= Abilities().max_parts
    assert Abilities().min_part <= cut <= Abilities().max_part


@pytest.mark.parametrize("scheme", ["s3", "obs", "oci"])
@given(size=st.integers(0, 50 * 10**12), part_size=st.integers(5 * MiB, 512 * MiB))
def test_every_store_takes_the_parts_of_whatever_object_it_takes_up_to_50_tb(scheme, size, part_size):
    able = {"s3": AWS, "obs": HUAWEI, "oci": ORACLE}[scheme]
    if size > able.max_object:
        with pytest.raises(StoreRefused, match="more than the"):
            part_size_for(size, part_size, able)
        return
    cut = part_size_for(size, part_size, able)
    assert able.min_part <= cut <= able.max_part
    assert -(-size // cut) <= able.max_parts


def test_parts_are_as_large_as_configured_while_they_suffice():
    assert part_size_for(80 * 1000 * MiB, 8 * MiB, Abilities()) == 8 * MiB
    assert part_size_for(80_001 * MiB, 8 * MiB, Abilities()) == 9 * MiB


def test_parts_are_never_smaller_than_the_store_takes():
    assert part_size_for(100 * MiB, 1 * MiB, Abilities()) == 5 * MiB


def test_an_object_larger_than_the_target_takes_is_refused_before_anything_is_sent():
    with pytest.raises(StoreRefused, match="more than the"):
        part_size_for(Abilities().max_object + 1, 8 * MiB, Abilities())
