"""The texts that come with the project."""

from pooling.datasets import own_pairs, own_topics


def test_the_own_data_is_what_its_readme_says():
    assert len(own_pairs()) == 484
    assert [len(own_pairs(split)) for split in ("train", "dev", "test")] == [264, 89, 131]
    assert {p.kind for p in own_pairs()} >= {"negation", "role_swap"}
    assert len(set(own_topics()[1])) == 8
    assert len(own_topics()[0]) >= 240
