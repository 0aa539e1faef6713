"""One file per pooling strategy; `pooling.registry` finds them by itself."""
