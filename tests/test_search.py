"""The Search page: what it says is what the functions say, its tables, and a reader's own data."""

import json
from dataclasses import replace
from html import unescape

import pytest
import torch
from streamlit.testing.v1 import AppTest

from pooling.bootstrap import compare
from pooling.catalogue import DEFAULT, get_model, search_templates
from pooling.notices import search as notices
from pooling.retrieval import Chunking, Ranking, SearchData, Searched, compare_searches, evaluate, own_search
from pooling.retrieval.chunks import sentences
from pooling.tables import points
from pooling.tables import search as tables
from tests.conftest import ROOT
from tests.examples import states
from tests.test_evaluation import shown
from tests.test_retrieval_files import CORPUS, QRELS, QUERIES, files, packed

LABELS = {"mean": "Mean", "cls": "CLS", "maxsim": "No pooling (MaxSim)"}


@pytest.fixture
def page(few_texts):
    return AppTest.from_file(str(ROOT / "app.py"), default_timeout=300).switch_page("pages/search.py").run()


def test_the_page_says_what_the_functions_say_and_a_query_is_looked_at(page, encoder):
    said = shown(page)
    assert not page.exception
    data = own_search()
    assert (len(data.queries), len(data.passages)) == (10, 20)
    made = evaluate(data, encoder, late=(1, 2, 4, 8))
    sizes, kinds, hits, places, joined = (one.value for one in page.dataframe)
    expected = sorted((round(100 * one.score("nDCG@10"), 1) for one in made.values()), reverse=True)
    assert sizes["nDCG@10"].tolist() == pytest.approx(expected, abs=0.051)
    by = sizes.set_index("searched by")["bytes a text"]
    assert by["Mean"] == 1536
    assert by["No pooling (MaxSim)"] == round(made["maxsim"].bytes)
    assert list(kinds.columns) == ["searched by", "all", "paraphrase", "keyword", "negation", "detail", "question"]
    assert f"Use Mean: {100 * made['mean'].score('nDCG@10'):.1f} points of nDCG@10" in said.replace("**", "")
    assert "What pooling loses." in said
    query = page.selectbox(key="asked").value
    row = list(data.queries).index(query)
    first = list(data.passages.values())[made["mean"].ranking.found[row, 0]]
    assert first[:30] in hits["Mean"][0]
    assert len(places) == len(made)
    best = made["maxsim"].ranking.scores[row, 0]
    assert joined["cosine"].mean() == pytest.approx(float(best), abs=1e-3)
    # Another strategy, another query, queries read in a prompt: the page follows.
    page.session_state["strategy"] = "cls"
    page.session_state["asked"] = "q001"
    page.session_state["prompt"] = "own"
    page.session_state["template"] = "tide: {}"
    page.session_state["prompt-queries"] = "sidebar"
    page.run()
    assert not page.exception
    assert list(page.dataframe[2].value.columns) == ["place", "CLS", "Mean", "No pooling (MaxSim)"]
    asked = evaluate(data, encoder, ["cls"], query_template="tide: {}")["cls"]
    first = list(data.passages.values())[asked.ranking.found[0, 0]]
    assert first[:30] in page.dataframe[2].value["CLS"][0]


def test_whole_texts_are_compared_with_chunks_on_request(page, encoder):
    assert "late chunking scores" not in shown(page)
    page.session_state["cut"] = True
    page.session_state["cut-overlap"] = 0
    said = shown(page.run())
    data, cut = own_search(), Chunking("sentences", 4, 0)
    alone = evaluate(data, encoder, ["mean"], chunking=cut)["mean"].score("nDCG@10")
    late = evaluate(data, encoder, ["mean"], chunking=replace(cut, late=True))["mean"].score("nDCG@10")
    figure = json.loads(page.get("plotly_chart")[-1].proto.spec)
    labels = figure["layout"]["yaxis"]["ticktext"]
    assert f"Chunks, read alone  <b>{points(100 * alone)}</b>" in labels
    assert f"Late chunking  <b>{points(100 * late)}</b>" in labels
    assert "The model reads 256 tokens at once" in said
    chunks = page.dataframe[-1].value
    text = next(iter(data.relevant(page.selectbox(key="asked").value)))
    spans = sentences(data.passages[text])
    assert len(chunks) == -(-len(spans) // 4)
    assert chunks[["Chunks, read alone", "Late chunking"]].notna().all(axis=None)
    page.session_state["strategy"] = "cls_attention"
    assert "CLS attention needs the attention of one transformer layer" in shown(page.run())


def test_labelled_texts_and_own_files_are_searched_and_what_is_wrong_is_a_sentence(page):
    page.session_state["searched"] = "topics"
    said = shown(page.run())
    assert not page.exception
    assert "Verdict for all-MiniLM-L6-v2" in said
    assert "Which kinds of queries?" not in said
    page.session_state["searched"] = "judged"
    (upload,) = page.run().get("file_uploader")
    assert upload.label.startswith("A table with a query, a text and its relevance a row: ")
    rows = "query,text,relevance\n" + "\n".join(f"night birds,{text},0" for text in ("Owls hunt.", "Tides rise."))
    upload.upload("judged.csv", rows.encode(), "text/csv")
    assert "No query has a relevant passage; at least one judgement must be 1 or more." in shown(page.run())
    (upload,) = page.get("file_uploader")
    upload.upload("judged.csv", rows.replace("hunt.,0", "hunt.,2").encode(), "text/csv")
    said = shown(page.run())
    assert not page.exception
    assert "●● Owls hunt." in page.dataframe[-3].value["Mean"].tolist()


def test_files_in_beirs_form_may_come_one_after_another(page):
    page.session_state["searched"] = "files"
    page.run().file_uploader(key="search-upload-0").set_value([("corpus.jsonl", CORPUS, "")]).run()
    assert "There is no queries.jsonl. Give BEIR's folder as a zip" in unescape(shown(page))
    both = [("queries.jsonl", QUERIES, ""), ("test.tsv", QRELS, "")]
    page.file_uploader(key="search-upload-1").set_value(both).run()
    said = shown(page)
    assert "Your files, kept until you leave: corpus.jsonl, queries.jsonl, test.tsv." in said
    assert "Verdict for all-MiniLM-L6-v2" in said
    assert "●● Tides The moon pulls the sea." in page.dataframe[2].value["Mean"].tolist()
    page.button(key="search-remove").click().run()
    assert "Verdict" not in shown(page)
    page.file_uploader(key="search-upload-2").set_value([("tiny.zip", packed(files(at="tiny/")), "")]).run()
    assert "Verdict for all-MiniLM-L6-v2" in shown(page)


def test_each_token_of_a_query_is_joined_to_its_nearest_by_hand():
    query = states([[[1.0, 0], [0, 3]]], right=1)
    passage = states([[[0.0, 5], [3, 4], [2, 0]]], left=2)
    table = tables.join_table(query, passage)
    assert table.to_dict("list") == {
        "token of the query": ["t0", "t1"],
        "nearest in the text": ["t4", "t2"],
        "cosine": [1.0, 1.0],
    }
    table = tables.join_table(query, states([[[3.0, 4]]]))
    assert notices.about_join(table) == (
        "The score is 0.700, the mean of these cosines. Nearest is “t1” to “t0” (0.800); least of all “t0” finds its "
        "like: “t0” (0.600)."
    )


def searched(found: list[list[int]], scores: list[float]) -> Searched:
    ranking = Ranking(torch.tensor(found), torch.zeros(len(found), len(found[0])))
    return Searched(ranking, {"nDCG@10": torch.tensor(scores, dtype=torch.float64).numpy()}, 8.0)


def test_hits_and_places_of_a_query_by_hand():
    data = SearchData(
        {"q": "who?", "r": "what?"}, {"a": "An answer.", "b": "In passing.", "c": "No."}, {"q": {"a": 2, "b": 1}}
    )
    made = {"mean": searched([[2, 0], [0, 1]], [0.5, 0.2]), "cls": searched([[1, 2], [0, -1]], [0.9, 0.2])}
    hits = tables.hit_table(made, data, "q", ["mean", "cls"], LABELS)
    assert hits.to_dict("list") == {
        "place": [1, 2],
        "Mean": ["No.", "●● An answer."],
        "CLS": ["● In passing.", "No."],
    }
    assert tables.hit_table(made, data, "r", ["cls"], LABELS)["CLS"].tolist() == ["An answer."]
    places = tables.relevant_table(made, data, "q", LABELS)
    assert places.to_dict("list") == {
        "searched by": ["Mean", "CLS"],
        "●● 1: An answer.": ["2", "–"],
        "● 2: In passing.": ["–", "1"],
    }
    assert tables.spread(made, data, "nDCG@10") == pytest.approx({"q": 0.4, "r": 0.0})
    said = notices.about_query(made, data, "q", "nDCG@10", LABELS)
    assert said == "On this query CLS scores 90.0 points of nDCG@10, the most, and Mean 50.0, the least."


@pytest.mark.parametrize(
    ("late", "why"),
    [
        (0.9, "Pooling loses 40.0 points here: no pooling finds more than Mean, beyond chance"),
        (0.1, "Pooling gains 40.0 points here: Mean finds more than no pooling, beyond chance"),
        (0.5, "No pooling stands level with Mean, and that may be chance (95% interval 0"),
    ],
)
def test_what_pooling_loses_is_said_with_its_interval(late, why):
    queries = [str(i) for i in range(40)]
    drawn = torch.rand(40, generator=torch.manual_seed(0)).double().numpy() / 10
    scores = {"mean": 0.5 + drawn, "maxsim": late + drawn[::-1] if late != 0.5 else 0.5 + drawn}
    made = {name: searched([[0]] * 40, one.tolist()) for name, one in scores.items()}
    made = {name: Searched(one.ranking, dict.fromkeys(("nDCG@10", "RR", "R@10", "R@100"), one.scores["nDCG@10"]), size)
            for (name, one), size in zip(made.items(), (8.0, 80.0), strict=True)}  # fmt: skip
    compared = compare_searches(scores, queries)
    from pooling import get_strategy

    table, pooled = tables.leaderboards(made, compared, LABELS, {}, [get_strategy("mean")])
    assert pooled["name"].tolist() == ["mean"]
    [said] = notices.about_late(table, compared, "mean")
    assert why in said
    assert said.endswith("No pooling keeps every token: 10.0 times the bytes of one vector a text.")
    [left_out] = notices.about_late(pooled, compare({}, {}), "mean")
    assert left_out.startswith("So large a search is not repeated without pooling here")


def test_a_models_own_prompts_for_queries_and_passages_are_found():
    assert search_templates(get_model(DEFAULT)) == (None, None)
    assert search_templates(get_model("intfloat/e5-small-v2")) == ("query: {}", "passage: {}")
    query, passage = search_templates(get_model("BAAI/bge-small-en-v1.5"))
    assert query.startswith("Represent this sentence")
    assert passage is None
    assert search_templates(get_model("Qwen/Qwen3-Embedding-0.6B"))[0].endswith("\nQuery:{}")


def test_no_dot_of_the_chart_takes_a_colour_of_a_strategy_for_no_pooling(page):
    figure = json.loads(page.get("plotly_chart")[0].proto.spec)
    colours = dict(
        zip(figure["layout"]["yaxis"]["ticktext"], figure["data"][-1]["marker"]["line"]["color"], strict=True)
    )
    late = {colour for label, colour in colours.items() if "MaxSim" in label}
    assert len(late) == 1
    assert not late & {colour for label, colour in colours.items() if "MaxSim" not in label}
