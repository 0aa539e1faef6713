"""The Detective page as a person uses it: exhibits to solve, files of each kind, what is pasted, what is wrong."""

import io
import json

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from playwright.sync_api import expect

from pooling.datasets import exhibit_vectors, exhibits

TEXTS = list(exhibits()[0][:3])
VECTORS = exhibit_vectors("length")[:3].astype(float)
SAID = "Mean pooling of layer 6. It makes every one of these vectors exactly"


def files() -> dict[str, bytes]:
    """The same texts and vectors in a file of each kind."""
    rows = [{"text": text, "embedding": row.tolist()} for text, row in zip(TEXTS, VECTORS, strict=True)]
    table, archive = io.BytesIO(), io.BytesIO()
    pq.write_table(pa.table({"text": TEXTS, "embedding": VECTORS.tolist()}), table)
    np.savez(archive, texts=np.array(TEXTS), embeddings=VECTORS)
    wide = [["text", *(f"d{i}" for i in range(384))], *([t, *map(repr, v)] for t, v in zip(TEXTS, VECTORS.tolist()))]  # noqa: B905
    return {
        "<b>lines</b>.jsonl": "\n".join(map(json.dumps, rows)).encode(),
        "wide.csv": "\n".join(";".join(line) for line in wide).encode(),
        "table.parquet": table.getvalue(),
        "both.npz": archive.getvalue(),
    }


def upload(reader, name: str, data: bytes) -> None:
    place = reader.page.locator("[class*=st-key-vectors-upload] input[type=file]")
    place.set_input_files({"name": name, "mimeType": "application/octet-stream", "buffer": data})
    reader.page.locator("[class*=st-key-vectors-upload] [data-testid=stFileUploaderFile]").wait_for(state="detached")
    reader.page.wait_for_timeout(500)
    reader.wait()


def test_exhibits_files_and_pasted_vectors_are_explained_and_each_act_speaks_of_what_is_there(server, reader):
    reader.open(f"{server}/detective")
    assert "The verdict" not in reader.main()
    reader.page.get_by_role("button", name="Ask the Detective").click()
    expect(reader.page.get_by_text("What really happened.")).to_be_visible(timeout=60_000)
    reader.wait()
    assert "CLS pooling of layer 6" in reader.main()
    assert "pooling\tMean\tCLS\t≠ differs" in reader.main()
    clues = []
    for number in ("2", "5", "4"):
        reader.press("exhibit", f"Exhibit {number}")
        assert "What really happened" not in reader.main()
        clues.append(reader.page.locator(".st-key-noticed-clues p").first.inner_text())
        assert f"exhibit={number}" in reader.page.url
    assert len(set(clues)) == 3
    reader.page.go_back()
    reader.wait()
    assert reader.chosen("exhibit") == "Exhibit 5"
    assert reader.page.locator(".st-key-noticed-clues p").first.inner_text() == clues[1]

    reader.press("vectors-from", "A file")
    for name, data in files().items():
        upload(reader, name, data)
        expect(reader.page.get_by_text(f"{name}: 3 vectors of 384 numbers.")).to_be_visible()
        expect(reader.page.get_by_text(SAID)).to_be_visible(timeout=60_000)
        reader.page.get_by_role("button", name="Remove").click()
        reader.wait()
        assert "The clues" not in reader.main()
    upload(reader, "photo.png", b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR")
    assert "photo.png: The file is none of these: JSON Lines, CSV" in reader.page.get_by_role("alert").inner_text()
    answer = {"data": [{"index": i, "embedding": row.tolist()} for i, row in enumerate(VECTORS)]}
    upload(reader, "answer.json", json.dumps(answer).encode())
    assert "There are 15 texts and 3 vectors" in reader.page.get_by_role("alert").inner_text()
    reader.press("vectors-of", "Texts that I paste")
    box = reader.page.locator(".st-key-vector-texts textarea")
    box.fill("\n".join(TEXTS))
    box.press("Control+Enter")
    expect(reader.page.get_by_text(SAID)).to_be_visible(timeout=60_000)

    reader.press("vectors-from", "Pasted")
    box = reader.page.locator(".st-key-vectors textarea")
    box.fill("[1, 2]\n[3, <b>4</b>]\n[5, 6]")
    box.press("Control+Enter")
    reader.wait()
    assert reader.page.get_by_role("alert").count() == 1
    box.fill("\n".join(map(str, VECTORS.tolist())))
    box.press("Control+Enter")
    expect(reader.page.get_by_text(SAID)).to_be_visible(timeout=60_000)
    reader.wait()
    assert reader.page.get_by_role("alert").count() == 0
    assert box.input_value().startswith("[")
    reader.press("vectors-from", "Show me")
    assert "Exhibit 5" in reader.chosen("exhibit")
