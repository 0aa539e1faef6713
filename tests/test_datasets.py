"""The texts that come with the project."""

import re

from pooling.datasets import glossary, own_pairs, own_topics
from tests.conftest import ROOT


def test_the_own_data_is_what_its_readme_says():
    assert len(own_pairs()) == 484
    assert [len(own_pairs(split)) for split in ("train", "dev", "test")] == [264, 89, 131]
    assert {p.kind for p in own_pairs()} >= {"negation", "role_swap"}
    assert len(set(own_topics()[1])) == 8
    assert len(own_topics()[0]) >= 240


def test_the_glossary_has_one_entry_a_term_in_a_sentence_or_two():
    forms = [form.lower() for term in glossary() for form in (term.name, *term.forms)]
    assert len(set(forms)) == len(forms)
    assert {"encoder", "hidden state", "tuned", "1-nn", "float16", "l2-normalise", "silhouette", "seed"} <= set(forms)
    for term in glossary():
        assert 1 <= len(re.findall(r"\.(?= |$)", term.means)) <= 2, term.name
        assert term.means.endswith(".")
        assert len(term.means) < 160


def test_every_term_of_the_glossary_is_a_word_of_the_app():
    files = [*ROOT.glob("pages/**/*.py"), *ROOT.glob("pooling/**/*.py")]
    words = " ".join(re.sub(r'"\s+f?"', "", file.read_text("utf-8")) for file in files)
    for term in glossary():
        forms = "|".join(map(re.escape, (term.name, *term.forms)))
        assert re.search(rf"(?<!\w)({forms})(?!\w)", words, re.IGNORECASE), term.name
