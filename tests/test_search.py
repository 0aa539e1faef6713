"""The Search page: what it says is what the functions say, its tables, and a reader's own data."""

import json
from dataclasses import replace
from html import unescape

import pandas as pd
import pytest
import torch
from streamlit.testing.v1 import AppTest

from pooling import all_strategies
from pooling.bootstrap import compare
from pooling.catalogue import DEFAULT, get_model, search_templates
from pooling.charts.search import chunks as draw_chunks
from pooling.charts.search import join
from pooling.notices import search as notices
from pooling.retrieval import Chunking, Ranking, SearchData, Searched, compare_searches, evaluate, own_search
from pooling.retrieval.chunks import sentences
from pooling.tables import number, points
from pooling.tables import search as tables
from tests.conftest import ROOT
from tests.examples import states
from tests.test_evaluation import shown
from tests.test_links import address
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
    sizes, kinds, hits, places, top = (one.value for one in page.dataframe)
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
    others = [one.label for one in all_strategies() if one.name != "mean"]
    assert [label.partition(",")[0] for label in hits.columns] == [
        "place", "Mean", "No pooling (MaxSim)", *(label.partition(",")[0] for label in others)
    ]  # fmt: skip
    assert len(places) == len(made)
    # MaxSim's first is taken apart, then another.
    assert f"The score is {made['maxsim'].ranking.scores[row, 0]:.3f}, the mean of these cosines." in said
    assert len(top) == 10
    taken = [int(made["maxsim"].ranking.found[row, 0]), int(made["mean"].ranking.found[row, 3])]
    for at in taken:
        page.selectbox(key="hit").set_value(str(at))
        said = shown(page.run())
        place = made["mean"].ranking.found[row].tolist().index(at)
        assert f"the cosine of the two embeddings is {number(made['mean'].ranking.scores[row, place])}." in said
        assert list(data.passages.values())[at][:30] in said
    assert address(page)["hit"] == str(at)
    # Another strategy, another query, queries read in a prompt: the page follows.
    page.session_state["strategy"] = "cls"
    page.session_state["asked"] = "q001"
    page.session_state["prompt"] = "own"
    page.session_state["template"] = "tide: {}"
    page.session_state["prompt-queries"] = "sidebar"
    page.run()
    assert not page.exception
    assert list(page.dataframe[2].value.columns[:4]) == ["place", "CLS", "No pooling (MaxSim)", "Mean"]
    asked = evaluate(data, encoder, ["cls"], query_template="tide: {}")["cls"]
    first = list(data.passages.values())[asked.ranking.found[0, 0]]
    assert first[:30] in page.dataframe[2].value["CLS"][0]


def test_steps_prompts_layers_and_a_query_of_the_readers_own_are_searched_too(page, encoder):
    data = own_search()
    page.session_state["after"] = ["first"]
    page.session_state["first"] = "64"
    page.session_state["type"] = "binary"
    said = shown(page.run())
    cut = evaluate(data, encoder, ["mean", "max"], after=("first:64", "binary"))
    assert "after First 64 dimensions → binary" in said
    sizes = page.dataframe[0].value.set_index("searched by")
    assert sizes.loc["Mean", "bytes a text"] == 8
    for label, name in (("Mean", "mean"), ("Max", "max")):
        assert sizes.loc[label, "nDCG@10"] == pytest.approx(100 * cut[name].score("nDCG@10"), abs=0.051)
    assert sizes.loc["No pooling (MaxSim)", "bytes a text"] > 1536
    # Every layer, after the steps too.
    page.session_state["every-layer"] = True
    page.run()
    grid = json.loads(page.get("plotly_chart")[-1].proto.spec)["data"]
    cells = [one["text"] for one in grid]
    fourth = evaluate(data, encoder, ["mean"], layer=4, after=("first:64", "binary"))["mean"]
    assert points(100 * fourth.score("nDCG@10")) in [rows[4][1] for rows in cells]
    assert [rows[0][0] for rows in cells] == ["", ""]  # CLS at the input embeddings is one vector for all
    # A query of one's own: no relevance, and no pooling orders what pooling found.
    page.session_state["own-query"] = " why does bread rise? "
    said = shown(page.run())
    assert not page.exception
    hits = page.dataframe[2].value
    assert list(hits.columns[:4]) == ["place", "Mean", "MaxSim, of the first 20 of Mean", "CLS"]
    assert "After binary an embedding is in general no sum over its tokens" in said
    assert "●" not in "".join(hits["Mean"])
    assert set(hits["Mean"]) != {""}
    assert "for your own query, “why does bread rise?”. Clear it to look at the query above again." in said
    assert page.text_input(key="own-query").value == " why does bread rise? "
    assert page.selectbox(key="asked").disabled  # it names another
    # Forgotten prompts, for the chosen strategy.
    assert not any(one.key == "forget" for one in page.toggle)
    page.session_state["after"], page.session_state["type"] = [], "float32"
    page.session_state["prompt"], page.session_state["template"] = "own", "tide: {}"
    page.session_state["prompt-queries"] = page.session_state["prompt-passages"] = "sidebar"
    page.session_state["every-layer"], page.session_state["forget"] = False, True
    said = shown(page.run())
    labels = json.loads(page.get("plotly_chart")[-1].proto.spec)["layout"]["yaxis"]["ticktext"]
    prompt = {"query_template": "tide: {}", "passage_template": "tide: {}"}
    for label, given in (
        ("Both prompts", prompt),
        ("Without that of queries", prompt | {"query_template": "{}"}),
        ("Without any prompt", {}),
    ):
        score = points(100 * evaluate(data, encoder, ["mean"], **given)["mean"].score("nDCG@10"))
        assert f"{label}  <b>{score}</b>" in labels
    assert "to forget that of queries" in said


def test_what_gives_every_text_one_vector_finds_nothing(page):
    page.session_state["layer"] = "0"
    page.session_state["strategy"] = "cls"
    said = shown(page.run())
    assert not page.exception
    assert "CLS has no score: It gives every text the same vector here" in said
    assert "Choose the last layer: its Mean is what the others are compared with." in said


def drawn(page) -> str:
    """The text in its chunks."""
    return next(one.proto.body for one in page.get("html") if "pp-chunks li" in one.proto.body)


def test_how_chunks_differ_is_said_of_their_numbers_alone():
    table = pd.DataFrame(
        {"Chunks, read alone": [0.2, 0.5, 0.1], "Late chunking": [0.6, 0.52, 0.1], "chunk": list("abc")}
    )
    assert notices.about_chunks(table) == (
        "Chunk 1 differs most: its cosine is 0.200 read alone and 0.600 late. "
        "Nearest to the query is chunk 2 of those read alone, and chunk 1 of the late ones."
    )
    assert notices.about_chunks(table.assign(**{"Late chunking": table["Chunks, read alone"] + 1e-5})) == (
        "Read alone and late, each chunk has the same cosine. Nearest to the query is chunk 2."
    )
    assert "<b>1</b> · Chunks, read alone: 0.200 · Late chunking: 0.600" in draw_chunks(table)
    assert "<img" not in draw_chunks(table.assign(chunk="<img src=x onerror=alert(1)>"))


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
    chunks = drawn(page)
    text = list(data.passages)[tables.most_relevant(data, page.selectbox(key="asked").value)]
    spans = sentences(data.passages[text])
    assert chunks.count("<li") == -(-len(spans) // 4)
    assert data.passages[text][-60:] in unescape(chunks)
    assert " differs most: its cosine is " in said
    page.session_state["after"], page.session_state["first"] = ["first"], "64"
    shown(page.run())
    assert not page.exception
    assert drawn(page) != chunks
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
    assert "●● Owls hunt." in page.dataframe[1].value["Mean"].tolist()


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
        "place in the text": [3, 1],
    }
    first, second, left, right = join(table).data
    assert (first.y[0], first.y[1]) == (left.y[0], right.y[1])
    assert (second.y[0], second.y[1]) == (left.y[1], right.y[0])
    assert list(right.text) == ["t2", "t4"]
    assert second.text == "t1 → t2: 1.000"
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
