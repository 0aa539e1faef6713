"""What to notice: one to three sentences under a picture, computed from the values it shows.

The same sentences are the picture's alternative text, so they hold what it says. They quote what
a reader typed: show them as text, never as markdown or HTML.
"""
