"""Tables to pictures: the only importer of plotly."""
