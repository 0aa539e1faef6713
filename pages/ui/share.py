"""What a reader takes along from any page: its link, the choice as code, and files.

A quiet row beside the title; nothing is computed for it before something in it is clicked.
"""

import threading
from dataclasses import dataclass, replace
from functools import partial
from typing import TYPE_CHECKING

import streamlit as st

from pages.ui import cache, fitted, url
from pages.ui.choice import Choice
from pooling.catalogue import DEFAULT, get_model, short

if TYPE_CHECKING:
    from collections.abc import Callable

    from torch import Tensor

    from pages.ui.navigation import PageInfo
    from pooling.recipe import Recipe

SHARE_HTML = """
<button type="button">
<svg viewBox="0 0 24 24" width="18" height="18" aria-hidden="true" fill="currentColor"><path d="M3.9 12a3.1 3.1 0 0 1
3.1-3.1h4V7H7a5 5 0 0 0 0 10h4v-1.9H7A3.1 3.1 0 0 1 3.9 12zM8 13h8v-2H8zm9-6h-4v1.9h4a3.1 3.1 0 0 1 0 6.2h-4V17h4a5 5 0
0 0 0-10z"/></svg><span>Share</span></button>
<div popover><p role="status"></p><input readonly aria-label="The link to this page"><p class="note"></p>
<div class="frame" hidden><p>The picture alone, for a slide or a page of yours:</p>
<input readonly aria-label="HTML that shows the picture alone"></div></div>
"""
SHARE_CSS = """
button{display:inline-flex;align-items:center;gap:.4rem;min-height:2.5rem;padding:0;border:0;background:none;
font:inherit;font-size:.875rem;color:var(--st-text-color);cursor:pointer;white-space:nowrap}
button:hover{color:var(--st-primary-color)}
button:focus-visible{outline:2px solid var(--st-primary-color);outline-offset:2px;border-radius:.25rem}
[popover]{position:fixed;inset:auto;margin:0;box-sizing:border-box;width:min(20rem,calc(100vw - 1rem));
padding:.7rem .9rem;border-radius:.5rem;border:1px solid var(--st-border-color);
background:var(--st-background-color);color:var(--st-text-color);box-shadow:0 4px 16px rgba(0,0,0,.18);font:inherit}
p{margin:0;font-size:.9rem}
.note{opacity:.85;font-size:.8rem}
.frame{margin-top:.6rem}
input{box-sizing:border-box;width:100%;margin:.5rem 0;padding:.4rem .5rem;font:inherit;font-size:.8rem;
border:1px solid var(--st-border-color);border-radius:.25rem;color:inherit;
background:var(--st-secondary-background-color)}
"""
# The address is read at the click: under any path prefix, and inside the frame of a Space, it is the app's own.
SHARE_JS = """
export default function ({ parentElement, data }) {
  const find = (what) => parentElement.querySelector(what)
  const [button, box, said, field, note] = ["button", "[popover]", "[role=status]", "input", ".note"].map(find)
  const frame = find(".frame"), html = find(".frame input")
  note.textContent = data.note
  frame.hidden = !data.picture
  html.onfocus = () => html.select()
  button.onclick = async () => {
    field.value = location.origin + location.pathname + location.search
    const alone = new URL(field.value)
    alone.searchParams.set("view", "picture")
    const source = alone.href.replaceAll("&", "&amp;")
    html.value = `<iframe src="${source}" title="Pooling, drawn" width="100%" height="820" style="border:0"></iframe>`
    box.showPopover()
    const place = button.getBoundingClientRect()
    box.style.top = `${place.bottom + 4}px`
    box.style.left = `${Math.max(8, Math.min(place.left, innerWidth - box.offsetWidth - 8))}px`
    let copied = false
    try {
      await navigator.clipboard.writeText(field.value)
      copied = true
    } catch {
      // No clipboard without https, or in a frame that forbids it: the older way, then the reader's own hand.
      field.focus()
      field.select()
      try { copied = document.execCommand("copy") } catch { copied = false }
    }
    said.textContent = copied ? "The link is copied." : "Copy this link:"
  }
  field.onfocus = () => field.select()
}
"""

_share = st.components.v2.component("share", html=SHARE_HTML, css=SHARE_CSS, js=SHARE_JS)
_packing = threading.Lock()


def begin() -> None:
    """Forget the texts that the last page offered."""
    st.session_state["_corpus"] = st.session_state["_own_weights"] = None


@dataclass(frozen=True)
class Offer:
    """Texts of a page that can be exported beside the reader's sentences, and their labels, where they have some."""

    title: str
    texts: tuple[str, ...]
    labels: tuple[str, ...]
    vectors: "Callable[[], Tensor]"
    """Their embeddings as the page has them, or computed when they are asked for."""


def offer_corpus(offer: Offer) -> None:
    """Have the page's texts among the files that can be exported."""
    st.session_state["_corpus"] = offer


def offer_own_weights(text: str, weights: tuple[float, ...]) -> None:
    """Have code and files carry the reader's own weights for one sentence."""
    st.session_state["_own_weights"] = text, weights


def draw(page: "PageInfo") -> None:
    """The row: the link, the code, the files."""
    with st.container(horizontal=True, horizontal_alignment="right", gap="medium", width="content", key="takeaway"):
        told = {"note": _left_out_of_link(page), "picture": page.title == "Playground"}
        _share(key="share", data=told, width="content", height="content")
        _buttons(page)


def _left_out_of_link(page: "PageInfo") -> str:
    also = "a text that is too long for a link, " if url.lacks_a_text() else ""
    also += "your answers, " if page.title == "Learn" else ""
    asked, used = st.session_state["model"], st.session_state["_model"]
    also += f"{short(used)}, which is used until {short(asked)} is here, " if used not in (asked, DEFAULT) else ""
    return f"Not in it: {also}files you uploaded, heads you trained, and how far you zoomed."


@st.fragment
def _buttons(page: "PageInfo") -> None:
    with st.container(horizontal=True, gap="medium", width="content"):
        if st.button("Code", icon=":material/code:", type="tertiary", key="take-code"):
            show_code(page)
        if st.button("Export", icon=":material/download:", type="tertiary", key="take-files"):
            show_files(page)


@st.dialog("The same embeddings in code", width="large", icon=":material/code:")
def show_code(page: "PageInfo") -> None:
    """The current choice as code for each tool."""
    from pooling.snippets import snippets

    text, own = st.session_state["_own_weights"] or ("", ())
    recipe = show_recipe(page, own)
    encoder = cache.encoder(recipe.model)
    if not (reason := _not_computed(recipe)):
        made = snippets(recipe, encoder, (text,)) if own else snippets(recipe, encoder)
        for tab, snippet in zip(st.tabs([one.tool for one in made]), made, strict=True):
            with tab:
                if snippet.code:
                    st.code(snippet.code, language=snippet.language)
                    st.caption(snippet.said)
                else:
                    st.info(snippet.said, icon=":material/block:")
        _offer_head(recipe)
    else:
        st.info(reason, icon=":material/block:")


@st.dialog("Take the embeddings along", width="large", icon=":material/download:")
def show_files(page: "PageInfo") -> None:
    """Embeddings as files, and the recipe as a model folder."""
    from pooling.export import embeddings, folder_name, not_as_model, pack_model

    recipe, choice = show_recipe(page), st.session_state["_choice"]
    if reason := _not_computed(recipe):
        st.info(reason, icon=":material/block:")
        return
    encoder, offered = cache.encoder(recipe.model), st.session_state["_corpus"]
    if choice.texts:
        title = f"Your {len(choice.texts)} sentences" if len(choice.texts) > 1 else "Your sentence"
        _offer_formats("sentences", title, recipe, choice.texts, (), lambda: embeddings(recipe, encoder, choice.texts))
    if st.session_state["_own_weights"]:
        text, own = st.session_state["_own_weights"]
        mine = _with_own_weights(recipe, own)
        title = "The Playground's sentence under your own weights"
        _offer_formats("own-weights", title, mine, (text,), (), lambda: embeddings(mine, encoder, (text,)))
    if offered and offered.texts != choice.texts:
        _offer_formats("corpus", offered.title, recipe, offered.texts, offered.labels, offered.vectors)
    st.caption("Each is a zip file, with a manifest that says how the embeddings were made.")
    st.markdown("**As a sentence-transformers model**")
    if reason := not_as_model(recipe):
        st.caption(reason)
    else:
        st.download_button(
            "Model folder",
            lambda: pack_model(recipe, encoder),
            file_name=f"{folder_name(recipe)}.zip",
            mime="application/zip",
            icon=":material/folder_zip:",
            key="take-model",
            on_click="ignore",
        )
        st.caption(
            "All but the weights: its README has the command that fetches them from their own repository "
            f"({get_model(recipe.model).licence}); then SentenceTransformer(folder) gives these embeddings."
        )
    _offer_head(recipe)


def show_recipe(page: "PageInfo", own: tuple[float, ...] = ()) -> "Recipe":
    """What is chosen, in words, and where code and files differ from the page."""
    choice: Choice = st.session_state["_choice"]
    recipe = _with_own_weights(choice.recipe, own)
    st.text(f"{recipe}.")
    if recipe.after != choice.recipe.after:
        st.caption(":material/info: Your own weights are for one text: steps that are fitted on texts are left out.")
    for difference in _differences(page, choice):
        st.caption(f":material/info: {difference}")
    return recipe


def _differences(page: "PageInfo", choice: Choice) -> list[str]:
    """What this page draws otherwise than code and files have it."""
    state, said = st.session_state, []
    if page.title in ("Playground", "Attention", "Size", "Padding Lab") and choice.recipe.after:
        said += ["This page leaves the steps after pooling out; here they are taken."]
    if page.title == "Search":
        said += ["This page has prompts of its own for queries and for passages; here it is the sidebar's."]
    if page.title == "Padding Lab":
        said += ["This page draws padding and its bugs on purpose; here padding is masked."]
        if not choice.reading.plain:
            said += ["This page leaves your prompt out; here it is around every text."]
    own = (choice.model, choice.layer) in state.get("_heads", {})
    if page.title == "Attention" and choice.strategy.needs == "head" and own:
        said += ["This page can use the head that you trained; here it is the ready-made one."]
    return said


def _with_own_weights(recipe: "Recipe", own: tuple[float, ...]) -> "Recipe":
    """The recipe with own weights, if there are any; no corpus is pooled by them that a step could be fitted on."""
    from pooling.after import get_step

    after = tuple(one for one in recipe.after if not own or get_step(one).fits != "corpus")
    return replace(recipe, own=own, after=after)


def _not_computed(recipe: "Recipe") -> str:
    """Why there are no such embeddings, in a sentence; "" where there are."""
    from pooling.export import embeddings
    from pooling.types import NotComputable

    try:
        embeddings(replace(recipe, own=()), cache.encoder(recipe.model), ["word"])
    except NotComputable as missing:
        return str(missing)
    return ""


def _offer_formats(
    name: str,
    title: str,
    recipe: "Recipe",
    texts: tuple[str, ...],
    labels: tuple[str, ...],
    vectors: "Callable[[], Tensor]",
) -> None:
    """A button for each format; the file is made when it is clicked, one at a time for everybody."""
    from pooling.after import chosen_steps
    from pooling.export import FORMATS, pack_embeddings

    encoder, choice = cache.encoder(recipe.model), st.session_state["_choice"]

    def pack(kind: str) -> bytes:
        with _packing:
            if recipe.own:
                steps = chosen_steps(recipe.after, encoder.after)
            else:
                steps = fitted.at_the_layer(choice, recipe.after).get(recipe.strategy, [])
            return pack_embeddings(kind, recipe, encoder, texts, labels, vectors(), steps)

    st.markdown(f"**{title}**")
    with st.container(horizontal=True, gap="small"):
        for kind, (label, _) in FORMATS.items():
            st.download_button(
                label,
                partial(pack, kind),
                file_name=f"pooling-{name}-{kind}.zip",
                mime="application/zip",
                icon=":material/download:",
                key=f"take-{name}-{kind}",
                on_click="ignore",
            )


def _offer_head(recipe: "Recipe") -> None:
    """The file of the trained head, where the strategy has one."""
    from pooling.attention_heads import head_path

    if recipe.pooling.needs == "head":
        path = head_path(recipe.model, recipe.layer)
        st.download_button(
            f"The head, {path.name}",
            path.read_bytes,
            file_name=path.name,
            mime="application/octet-stream",
            icon=":material/download:",
            key="take-head",
            on_click="ignore",
        )
