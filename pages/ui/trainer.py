"""The training room: start a job, watch it, take its head away, bring one back."""

from functools import partial
from typing import TYPE_CHECKING

import streamlit as st

from pages.ui import cache, layout
from pages.ui.choice import Choice
from pages.ui.controls.attention import Training
from pooling.attention_heads import AttentionHead, layer_name, pack_head, unpack_head
from pooling.background import LineFull, place_in_line
from pooling.background_training import HeadTraining
from pooling.catalogue import short
from pooling.charts import attention as charts
from pooling.charts import chips
from pooling.notices.attention import about_curve, about_outcome
from pooling.pictures import Picture
from pooling.tables.attention import curve_table, token_tables

if TYPE_CHECKING:
    from pooling import Encoder

LOOK_EVERY = 1.0
"""Seconds between two looks at a running training."""


def own_head(choice: Choice) -> AttentionHead | None:
    """The reader's own head for this model and layer, trained or uploaded in this session."""
    job = current_job()
    if job is not None and job.state == "done" and job.head is not None and not st.session_state.get("_head_taken"):
        _take(job.model, job.layer, job.head)
        st.session_state["_head_taken"] = True
    return st.session_state.get("_heads", {}).get((choice.model, choice.layer))


def current_job() -> HeadTraining | None:
    """The training that this session started last."""
    return st.session_state.get("_job")


def start(training: Training | None, choice: Choice) -> None:
    """The button that starts a training; one at a time for each session."""
    job = current_job()
    busy = job is not None and job.active
    label = f"Train a head for layer {layer_name(choice.layer)}"
    go = st.button(label, type="primary", icon=":material/play_arrow:", disabled=busy or training is None, key="train")
    if go and training is not None:
        job = HeadTraining(
            cache.encoder(choice.model), choice.layer, training.data, training.splits, **training.settings
        )
        try:
            cache.trainings().submit(job)
        except LineFull as full:
            st.warning(str(full))
            return
        st.session_state.update({"_job": job, "_head_taken": False})
        st.rerun()


def watch(job: HeadTraining) -> None:
    """The job as it is, and again every second while it waits or runs."""
    st.fragment(_show, run_every=LOOK_EVERY if job.active else None)(job, job.active)


def _show(job: HeadTraining, was_active: bool) -> None:
    job.look()
    if was_active and not job.active:
        st.rerun()
    where = f"layer {layer_name(job.layer)} of {short(job.model)}, on {job.data}"
    if job.active:
        before = len(cache.trainings().ahead(job))
        text = f"In the queue: {place_in_line(before)}" if before else job.says(job.doing or "Starting")
        bar, stop = st.columns([5, 1], vertical_alignment="bottom")
        bar.progress(min(1.0, job.share) if not before else 0.0, text=text)
        stop.button("Stop", icon=":material/stop:", on_click=job.stop, key="stop-training", width="stretch")
    elif job.state == "stopped":
        st.info(f"The training for {where}, has ended early. {job.why}", icon=":material/stop_circle:")
    elif job.state == "failed":
        layout.problem(f"The training for {where}, has failed. {job.why}")
    else:
        st.caption(f"Trained and scored: a head for {where}, in {job.epochs} epoch{'s' * (job.epochs > 1)}, at τ 1.")
    if job.steps:
        table = curve_table(job.steps)
        picture = Picture(partial(charts.training_curve, table, job.epochs), table, about_curve(table))
        layout.picture(picture, key="curve")


def show_outcome(job: HeadTraining) -> None:
    """The held-back test and the head to take away, once there are both."""
    outcome, trained = job.outcome, job.head
    if outcome is None or trained is None:
        return
    mean, head, gain = st.columns(3)
    before, after = (None if s is None else 100 * s for s in (outcome.mean, outcome.attention))
    mean.metric("Mean pooling, held-back pairs", "–" if before is None else f"{before:.2f}", border=True)
    head.metric("Your head, the same pairs", "–" if after is None else f"{after:.2f}", border=True)
    if before is not None and after is not None and outcome.low is not None and outcome.high is not None:
        gain.metric(
            f"Difference, 95%: {_signed(100 * outcome.low)} to {_signed(100 * outcome.high)}",
            _signed(after - before),
            border=True,
            help="The test pairs are drawn again and again with replacement, both scores taken of each draw; "
            "95 of 100 differences stray no further than the ends of the interval.",
        )
    layout.noticed(about_outcome(outcome, job.data, job.steps[-1].best_epoch), key="outcome")
    name = f"{short(job.model)}.layer{layer_name(job.layer)}"
    st.download_button(
        "Download your head",
        lambda: pack_head(trained, job.card()),
        file_name=f"{name}.zip",
        mime="application/zip",
        icon=":material/download:",
        on_click="ignore",
        help="A zip file: the head in safetensors, and a card that says where it comes from.",
    )


def show_before_and_after(job: HeadTraining, choice: Choice) -> None:
    """The weights of the reader's own sentences under the untrained head and under the trained one."""
    if (job.model, job.layer) != (choice.model, choice.layer):
        st.caption(f"Choose layer {layer_name(job.layer)} of that model to see your own sentences under this head.")
        return
    states = cache.states(choice.reading, choice.layer, choice.texts)
    attention = next(one for one in choice.strategies if one.name == "attention")
    before, after = (token_tables(states, attention(states, head=head)) for head in (AttentionHead(job.dim), job.head))
    rows = [
        (f"{i} {when}", table)
        for i, both in enumerate(zip(before, after, strict=True), start=1)
        for when, table in zip(("before", "after"), both, strict=True)
    ]
    when = attention.called("after it")
    st.markdown(f"**Your sentences**, each before the training, when every token counts the same, and {when}:")
    st.html(chips.labelled_strips(rows, f"the untrained head (before) and the trained one ({when})"))


def bring_back(choice: Choice) -> None:
    """A head that was downloaded here, used again: nothing in the file is trusted."""
    given = st.file_uploader(
        "A zip file that you downloaded here; the head is then used on this page",
        type=["zip"],
        key="attention-upload",
        on_change=st.session_state.update,
        args=({"_head_brought": True},),
        max_upload_size=2,
    )
    if given is None:
        return
    try:
        head, card = unpack_head(given.getvalue())
        if card["model"] != choice.model:
            raise ValueError(f"This head is for {card['model'][:80]}, not for {choice.model}; choose its model first.")
        encoder = cache.encoder(choice.model)
        _fits(head, card["layer"], encoder)
    except ValueError as error:
        layout.problem(str(error))
        return
    if st.session_state.pop("_head_brought", False):
        _take(choice.model, card["layer"], head)
        st.rerun()
    if card["layer"] == choice.layer:
        st.success("This head is in use on this page: choose “Yours” above.", icon=":material/check:")
    else:
        st.info(f"This head is for layer {layer_name(card['layer'])}; choose that layer in the sidebar to use it.")


def _fits(head: AttentionHead, layer: int | tuple[int, ...], encoder: "Encoder") -> None:
    if len(head.query) != encoder.dim:
        raise ValueError(f"This head is for {len(head.query)} dimensions; {encoder.name} has {encoder.dim}.")
    if layer not in [*range(encoder.layers + 1), (1, encoder.layers)]:
        raise ValueError(f"This head is for layer {layer_name(layer)[:80]}, which {encoder.name} does not have.")


def _take(model: str, layer: int | tuple[int, ...], head: AttentionHead) -> None:
    st.session_state.setdefault("_heads", {})[model, layer] = head
    st.session_state["_new_head"] = True


def _signed(value: float) -> str:
    return f"{value:+.2f}".replace("-", "−")
