"""What to notice on the Learn page."""

import pandas as pd

from pooling.tables import number, points


def about_advice(table: pd.DataFrame, name: str) -> str:
    """How a recommended strategy stands among the others on the project's own pairs.

    Args:
        table: of `pooling.tables.evaluation.layer_leaderboard`.
        name: of the strategy to look for.
    """
    scored = table[table["verdict"] != ""].set_index("name")
    own, best = scored.loc[name], scored.iloc[0]
    said = f"{own['label']} scores {number(own['score'])} here."
    if own["behind"] == 0:
        return f"{said} Nothing stands higher."
    said += f" {best['label']} stands {points(own['behind'])} points higher"
    if own["verdict"] == "worse":
        return f"{said}; on these pairs something here is better than {own['label']} beyond chance: try it on yours."
    return f"{said}, no more than chance can make."
