"""What to notice on the Search page."""

from collections.abc import Mapping

import pandas as pd

from pooling.bootstrap import Compared
from pooling.retrieval import MEASURES, SearchData, Searched
from pooling.tables import number, points
from pooling.tables.search import CUTS


def remarks(data: SearchData, cut: int, limit: int) -> list[str]:
    """What to know of a search: what the measures say, and which passages were cut.

    Args:
        data: what is searched.
        cut: how many passages are longer than the model's limit, and
        limit: the tokens of it.
    """
    said = [f"{'; '.join(f'{name}: {means}' for name, means in MEASURES.items())}. All are 0 to 100 here."]
    if cut:
        said.append(
            f"Passages cut to the model's limit of {limit} tokens: {cut:,} of {len(data.passages):,}. What stands "
            "behind the cut cannot be found."
        )
    return said


def about_late(table: pd.DataFrame, compared: Compared[str], use: str) -> list[str]:
    """What pooling loses against no pooling, and what that would take."""
    rows = table.set_index("name")
    if "maxsim" not in rows.index:
        return ["So large a search is not repeated without pooling here; `pooling.retrieval` does it."]
    lead = compared.lead("maxsim", use)
    value, low, high = (100 * end for end in lead)
    pooled, times = rows.loc[use, "label"], rows.loc["maxsim", "bytes a text"] / rows.loc[use, "bytes a text"]
    if low > 0:
        said = f"Pooling loses {points(value)} points here: no pooling finds more than {pooled}, beyond chance"
    elif high < 0:
        said = f"Pooling gains {points(-value)} points here: {pooled} finds more than no pooling, beyond chance"
    else:
        ahead = f"{points(abs(value))} points {'higher' if value > 0 else 'lower'} than"
        said = f"No pooling stands {ahead if value else 'level with'} {pooled}, and that may be chance"
    return [
        f"**What pooling loses.** {said} (95% interval {points(low)} to {points(high)}). No pooling keeps every token: "
        f"{number(times)} times the bytes of one vector a text."
    ]


def about_kinds(table: pd.DataFrame) -> str:
    """Which way finds most of each kind, of `kind_table`."""
    first = [f"{kind}: {table.loc[table[kind].idxmax(), 'searched by']}" for kind in table.columns[2:]]
    return f"Found best, by kind of query: {', '.join(first)}."


def about_query(
    searched: Mapping[str, Searched], data: SearchData, query: str, measure: str, labels: Mapping[str, str]
) -> str:
    """Which way of searching does best on a query, and which worst."""
    row = list(data.queries).index(query)
    scores = {name: 100 * one.scores[measure][row] for name, one in searched.items()}
    best, worst = max(scores, key=scores.__getitem__), min(scores, key=scores.__getitem__)
    if scores[best] == scores[worst]:
        return f"All ways of searching score {points(scores[best])} points of {measure} on this query."
    return (
        f"On this query {labels[best]} scores {points(scores[best])} points of {measure}, the most, and "
        f"{labels[worst]} {points(scores[worst])}, the least."
    )


def about_join(table: pd.DataFrame) -> str:
    """How a score without pooling comes about, of `join_table`; it quotes the texts: show it as text."""
    best, worst = table.loc[table["cosine"].idxmax()], table.loc[table["cosine"].idxmin()]
    return (
        f"The score is {table['cosine'].mean():.3f}, the mean of these cosines. Nearest is “{best.iloc[0]}” to "
        f"“{best.iloc[1]}” ({best['cosine']:.3f}); least of all “{worst.iloc[0]}” finds its like: “{worst.iloc[1]}” "
        f"({worst['cosine']:.3f})."
    )


def about_forgotten(compared: Compared[str], strategy: str) -> str:
    """What it costs to forget prompts, of the ways of `FORGOTTEN`."""
    said = []
    for way, what in (("queries", "that of queries"), ("passages", "that of passages"), ("both", "all of them")):
        if way in compared.scores:
            value, low, high = (100 * end for end in compared.lead("none", way))
            chance = "beyond chance" if low > 0 or high < 0 else "which may be chance"
            costs = f"{'costs' if value > 0 else 'gains'} {points(abs(value))} points" if value else "changes nothing"
            said.append(f"to forget {what} {costs}, {chance} (95% interval {points(low)} to {points(high)})")
    return f"Under {strategy}, {'; '.join(said)}."


def about_cuts(compared: Compared[str], strategy: str, limit: int) -> str:
    """What chunks find more than whole texts, and what late chunking adds.

    Args:
        compared: the ways "whole", "alone" and "late".
        strategy: what the strategy is called.
        limit: tokens that the model reads at once.
    """
    said = []
    for better, worse, what, against in (
        ("alone", "whole", "chunks that are read by themselves score", "one vector a text"),
        ("late", "alone", "late chunking scores", "chunks read by themselves"),
    ):
        value, low, high = (100 * end for end in compared.lead(better, worse))
        chance = "beyond chance" if low > 0 or high < 0 else "which may be chance"
        ahead = f"{points(abs(value))} points {'more' if value > 0 else 'less'} than" if value else "the same as"
        said.append(f"{what} {ahead} {against}, {chance} (95% interval {points(low)} to {points(high)})")
    return (
        f"Under {strategy}, {'; '.join(said)}. The model reads {limit:,} tokens at once: in late chunking a chunk "
        "knows what stands around it within as many, and nothing further away."
    )


def about_chunks(table: pd.DataFrame) -> str:
    """Where the chunks of a text have another cosine late than read alone, of `pooling.tables.search.chunk_table`."""
    alone, late = (table[CUTS[way]] for way in ("alone", "late"))
    if (late - alone).isna().all():
        return ""
    most, before, after = (late - alone).abs().idxmax(), alone.idxmax(), late.idxmax()
    apart = [number(one[most]) for one in (alone, late)]
    if apart[0] == apart[1]:
        return f"Read alone and late, each chunk has the same cosine. Nearest to the query is chunk {before + 1}."
    near = f"Nearest to the query is chunk {before + 1}"
    near += " in both ways" if before == after else f" of those read alone, and chunk {after + 1} of the late ones"
    return f"Chunk {most + 1} differs most: its cosine is {apart[0]} read alone and {apart[1]} late. {near}."
