"""`next_batch` as the assignment's data set gives it."""

from __future__ import annotations

import torch
from hypothesis import given
from hypothesis import strategies as st

from clipwatch.core.experiments.batches import Batches, StackedBatches, seeded_generator


def numbered(count: int, seed: int = 0) -> Batches:
    """Batches of images whose label is their number."""
    return Batches(torch.zeros(count, 28, 28, dtype=torch.uint8), torch.arange(count), seeded_generator(seed, "test"))


@given(st.integers(1, 20), st.lists(st.integers(1, 20), min_size=1, max_size=30))
def test_every_epoch_has_every_image_once(count: int, sizes: list[int]) -> None:
    batches = numbered(count)
    drawn = [label for size in sizes for label in batches.next_batch(min(size, count))[1].tolist()]
    for epoch in range(len(drawn) // count):
        assert sorted(drawn[epoch * count : (epoch + 1) * count]) == list(range(count))


def test_a_batch_across_the_end_takes_the_old_rest_and_the_new_start() -> None:
    batches, same = numbered(10), numbered(10)
    first, across, third = (batches.next_batch(7)[1].tolist() for _ in range(3))
    old, new = (same.next_batch(10)[1].tolist() for _ in range(2))
    assert first + across[:3] == old
    assert across[3:] + third[:6] == new
    assert old != new


def test_images_stay_with_their_labels() -> None:
    images = torch.arange(10, dtype=torch.uint8)[:, None, None].expand(10, 28, 28).contiguous()
    batches = Batches(images, torch.arange(10), seeded_generator(3, "test"))
    for _ in range(5):
        batch, labels = batches.next_batch(4)
        assert batch[:, 0, 0].tolist() == labels.tolist()


def test_streams_differ_by_seed_and_purpose_and_repeat() -> None:
    def draw(seed: int, purpose: str) -> list[int]:
        return torch.randperm(50, generator=seeded_generator(seed, purpose)).tolist()

    assert draw(1, "a") == draw(1, "a")
    assert draw(1, "a") != draw(1, "b")
    assert draw(1, "a") != draw(2, "a")
    assert draw(2**63 - 1, "a") != draw(2**63 - 2, "a")


@given(st.integers(1, 30), st.integers(1, 30), st.integers(1, 3), st.data())
def test_walks_side_by_side_are_the_same_walks(count: int, size: int, walks: int, data: st.DataObject) -> None:
    size = min(size, count)
    images, labels = torch.zeros(count, 28, 28, dtype=torch.uint8), torch.arange(count)
    apart = [numbered(count, seed) for seed in range(walks)]
    together = StackedBatches(images, labels, [seeded_generator(seed, "test") for seed in range(walks)], size)
    skipped = data.draw(st.sets(st.integers(0, 139)))
    for number in range(140):
        expected = torch.stack([batches.next_batch(size)[1] for batches in apart])
        if number in skipped:
            together.skip()
        else:
            assert torch.equal(together.next_batches()[1], expected)
