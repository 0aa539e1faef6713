"""With app.py and the pages, the only home of streamlit."""
