"""What to notice on the Learn page."""

import pandas as pd

from pooling.tables import number


def about_advice(table: pd.DataFrame, name: str) -> str:
    """How a recommended strategy stands among the others on the project's own pairs.

    Args:
        table: of `pooling.tables.evaluation.layer_leaderboard`.
        name: of the strategy to look for.
    """
    scored = table[table["verdict"] != ""].set_index("name")
    own, best = scored.loc[name], scored.iloc[0]
    said = f"{own['label']} scores {number(own['score'])} here."
    if own["verdict"] in ("best", "same"):
        return f"{said} Nothing stands higher."
    behind = f"{best['label']} stands {number(own['behind'])} points higher"
    if own["verdict"] == "open":
        return f"{said} {behind}, no more than chance can make."
    return f"{said} {behind}, on these pairs more than chance makes: try it on yours."
