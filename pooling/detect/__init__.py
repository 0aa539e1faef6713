"""Detective: which recipe made these vectors?

from pooling import load_encoder
from pooling.detect import detect

print(detect(texts, vectors, load_encoder("sentence-transformers/all-MiniLM-L6-v2")))
"""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from itertools import pairwise
from typing import Any

import numpy as np
import torch
from torch import Tensor
from torch.nn.functional import cosine_similarity, normalize

from pooling.after import chosen_steps, get_step, run_steps
from pooling.detect.axes import alternatives
from pooling.detect.findings import NEAR, Findings, Match, Verdict, numbered
from pooling.detect.inputs import BEFORE_NORM, causal, limit, prompts, tokenized
from pooling.detect.probes import SHORT
from pooling.detect.search import Fit, Guess, Pooler, Search
from pooling.detect.target import NUMBER_TYPES, ROUNDING, Target, read_targets
from pooling.encoders import Encoder
from pooling.encoders.tokens import as_texts, listed

__all__ = ["Findings", "Match", "detect", "read"]

MOST_MATCHES = 8
LENGTHS = (8, 32, 128, 512)
"""Tokens up to which texts are taken together, where the cosine depends on their length."""
FEWEST_NUMBERS = 8
"""Of a vector; with fewer, whole numbers are easily explained by chance."""
MOST_AT_ONCE = 64
"""Texts that are embedded at a time."""


def detect(
    texts: Iterable[Any],
    vectors: Any,
    encoder: Encoder,
    *,
    prompts_too: Sequence[str] = (),
    whole: bool = False,
    report: Callable[[float], None] = lambda share: None,
) -> Findings:
    """Which recipe makes these vectors of these texts with this model, how exactly, and what else would.

    Args:
        texts: as they were embedded; one vector each.
        vectors: an array [text, dim] from elsewhere, in any number type.
        encoder: of `load_encoder`, the model that is thought to have made them.
        prompts_too: prompts to try beside those that are known, each with `{}` where the text goes.
        whole: whether to say of each axis how far its alternatives miss as well, which takes a second more.
        report: told the share that is done before each stage; it may raise to end it.

    Raises:
        ValueError: when they are not one row of finite numbers a text, or cannot be this model's; one sentence.
    """
    texts = as_texts(texts)
    *less_likely, search = [
        Search(encoder, texts, target, prompts(encoder, prompts_too)) for target in read(texts, vectors, encoder)
    ]
    return _found(less_likely, search, whole, report)


def read(texts: Sequence[str], vectors: Any, encoder: Encoder) -> list[Target]:
    """What vectors can be, the likelier last, once they are found to be vectors of these texts and of this model.

    Raises:
        ValueError: as `detect` does.
    """
    given = np.asarray(vectors.float().cpu() if isinstance(vectors, Tensor) else vectors)
    if given.dtype == object or given.dtype.kind not in "fiub":
        raise ValueError("The vectors must be rows of numbers, all of one length.")
    outs = [step.fitted["weight"].shape[0] for step in encoder.after if step.name == "dense" and step.fitted]
    dims = [encoder.dim, *outs]
    if given.ndim == 2 and given.shape[1] < FEWEST_NUMBERS and 8 * given.shape[1] < min(dims):
        raise ValueError(
            f"The vectors have only {given.shape[1]} of the model's {encoder.dim} dimensions, "
            "too few to tell recipes apart; give them whole."
        )
    return read_targets(given.astype(np.float64), len(texts), dims)


def _found(less_likely: list[Search], search: Search, whole: bool, report: Callable[[float], None]) -> Findings:
    """The answer, stage by stage."""
    texts, target, encoder = search.texts, search.target, search.encoder
    if len(texts) > 1 and len(set(texts)) > 1 and (target.vectors - target.vectors[0]).abs().max() < 1e-6:
        return _constant(search)
    for other in less_likely:  # bytes that may be eight bits each, of which the model's own reading tells
        if plain := other.exact(other.fits(_plain(), other.poolers)):
            return _answer(other, plain, whole=whole)
    fits = search.plain()
    if not fits and (order := _order(search)):
        return Findings("nothing", (), search.tried, encoder.layers, (order, *_twice(search)))
    if not fits and (centred := _centred(search)):
        return Findings("exact", centred, search.tried, encoder.layers, tuple(_twice(search)))
    fits = fits or search.further(report)
    report(0.8)
    return _answer(search, fits, whole=whole, report=report)


def _answer(
    search: Search, fits: list[Fit], *, whole: bool = False, report: Callable[[float], None] = lambda share: None
) -> Findings:
    """The explanations in order, and what to say of them."""
    target, said = search.target, _twice(search)
    exact = bool(fits) and bool((fits[0].misses <= target.tolerance).all())
    # Of those that miss by the same, but for what decides nothing, the plainest is the nearest.
    likely = fits if exact else [fit for fit in fits if fit.misses.median() < fits[0].misses.median() + 1e-3]
    chosen = sorted(likely, key=lambda fit: _plainness(search, fit.guess))[: None if exact else 1]
    made: list[tuple[Match, Guess]] = []
    for fit in chosen[:MOST_MATCHES]:
        made += [(match, fit.guess) for match in _matches(search, fit, exact)]
    made.sort(key=lambda one: not one[0].exact)
    if not made:
        return Findings("nothing", (), search.tried, search.encoder.layers, tuple(said))
    exactly = [one for one in made if one[0].exact]
    verdict: Verdict = "exact" if exactly else "near" if made[0][0].median >= NEAR else "nothing"
    kept = list(dict(exactly or made[:1]).items())
    said = [*said, *_unlike(search, chosen, verdict), *_apart(search, kept, verdict)]
    match, guess = kept[0]
    found = Findings(
        verdict, tuple(match for match, _ in kept), search.tried, search.encoder.layers, tuple(dict.fromkeys(said))
    )
    if not whole:
        return found
    chains = _chains(target, search.embed(guess, search.texts)) if target.kind == "numbers" else []
    rest = match.after[len(guess.steps) :]
    return replace(
        found,
        alternatives=alternatives(search, guess, rest, chains, lambda share: report(0.8 + 0.2 * share)),
        tolerance=target.tolerance,
        remake=_remake(search, guess, match.after),
    )


def _remake(search: Search, guess: Guess, after: Sequence[str]) -> Callable[[Encoder, Sequence[str]], Tensor]:
    """What makes embeddings of other texts as in a guess; it holds neither the texts, the vectors nor the model."""
    nothing = replace(search.target, vectors=search.target.vectors[:0].clone())
    rest, size = tuple(after[len(guess.steps) :]), guess.batch or MOST_AT_ONCE

    def remake(encoder: Encoder, texts: Sequence[str]) -> Tensor:
        blank = Search(encoder, [], nothing, ())
        made = torch.cat([blank.embed(guess, texts[i : i + size]) for i in range(0, len(texts), size)])
        for step in chosen_steps(rest, encoder.after):
            fitted = step.fit(made)
            made = fitted.values(fitted(made))
        return made

    return remake


def _matches(search: Search, fit: Fit, exact: bool) -> list[Match]:
    """An explanation with each chain of steps that gives the vectors' lengths as well; else with the likeliest."""
    target = search.target
    pooled = search.embed(fit.guess, search.texts) if fit.vectors is None else fit.vectors
    cosines = 1 - fit.misses.square() / 2
    found = []
    for steps, off in _chains(target, pooled):
        fits_too = exact and off <= target.tolerance
        found.append((off, _match(search, fit.guess, (*fit.guess.steps, *steps), cosines, fits_too)))
    good = [match for _, match in found if match.exact]
    return good or [min(found, key=lambda one: one[0])[1]]


def _chains(target: Target, pooled: Tensor) -> list[tuple[tuple[str, ...], float]]:
    """Steps that may follow, with how far what they give misses the vectors, lengths and all."""
    dim = target.dim
    cut = (f"first:{dim}",) if pooled.shape[1] > dim else ()
    if target.kind == "bits":
        return [((*cut, "binary"), 0.0)]
    if target.kind == "codes":
        return [((*cut, "int8"), 0.0)]
    chains = [(), ("l2",)] if not cut else [cut, (*cut, "l2"), ("l2", *cut)]
    made = []
    for chain in chains:
        out = run_steps(pooled, [get_step(one) for one in chain])
        if target.number_type == "int8":
            out = (127 * out / out.abs().amax(dim=1, keepdim=True)).round()
        out = target.rounded(out)
        off = (out - target.vectors).norm(dim=1) / target.vectors.norm(dim=1)
        last = (target.number_type,) if target.number_type else ()
        made.append(((*chain, *last), float(off.max())))
    if target.number_type == "int8":  # the length is gone
        return made[1:2]
    return made


def _match(search: Search, guess: Guess, after: tuple[str, ...], cosines: Tensor, exact: bool) -> Match:
    given, pooler, encoder = guess.given, guess.pooler, search.encoder
    last = encoder.layers
    layer = last if guess.layer == BEFORE_NORM else guess.layer
    assert not isinstance(layer, str)
    special = given.special != "none" and pooler.pooled != "own" and pooler.strategy != "own_tokens"
    lengths = [len(row.ids) for row in tokenized(encoder, given, search.texts)]
    most = guess.most if guess.most is not None and max(lengths) > guess.most else None
    if guess.most is None and max(lengths) > limit(encoder):
        most = limit(encoder)
    wide = guess.width
    if guess.padding and guess.batch and guess.batch >= len(search.texts):
        wide = max(min(one, guess.most or limit(encoder)) for one in lengths)
    return Match(
        strategy=pooler.strategy,
        params=pooler.params,
        layer=layer,
        template=given.template,
        special_tokens=special,
        max_length=most,
        bug="+".join(_bugs(search, guess)) or None,
        after=after,
        median=float(cosines.median()),
        worst=float(cosines.min()),
        exact=exact,
        width=wide,
    )


def _bugs(search: Search, guess: Guess) -> list[str]:
    """The mistakes in a guess, by their names."""
    given, pooler, padding = guess.given, guess.pooler, guess.padding
    names = [pooler.bug] if pooler.bug else []
    names += ["padding_pooled"] if pooler.pooled == "padding" else []
    names += ["attended_padding"] if padding and padding.attended else []
    names += ["positions_with_padding"] if padding and padding.side == "left" and padding.counted else []
    names += ["before_final_norm"] if guess.layer == BEFORE_NORM else []
    names += [("full_attention" if causal(search.encoder) else "causal_mask")] if given.flipped else []
    names += ["lower_case"] if given.lower else []
    names += {"no start": ["no_bos"], "no end": ["no_eos"]}.get(given.special, [])
    # Under a causal mask the last token that is the text's own is what it would be without the end: likelier so.
    ends = pooler.strategy == "last_token" and pooler.pooled == "own" and causal(search.encoder)
    names += ["no_eos"] if ends and "no_eos" not in names else []
    return names


def _plainness(search: Search, guess: Guess) -> tuple:
    """What sorts explanations that fit alike: the nearest to what the model was made for comes first."""
    encoder = search.encoder
    own = encoder.trained_pooling or "mean"
    averaged = isinstance(guess.layer, tuple)
    return (
        len(_bugs(search, guess)),
        guess.given.changes,
        guess.pooler.strategy != own,
        guess.layer != encoder.layers,
        averaged,
        guess.pooler.pooled != "all",
        len(guess.pooler.params),
        guess.steps.count("l2"),
    )


def _twice(search: Search) -> list[str]:
    """Texts given twice whose vectors differ: padding, or a server that is not deterministic."""
    first: dict[str, int] = {}
    said = []
    for i, text in enumerate(search.texts):
        j = first.setdefault(text, i)
        one, other = search.target.vectors[j], search.target.vectors[i]
        if (one - other).norm() > 2 * search.target.tolerance * one.norm():
            cosine = float(cosine_similarity(one, other, dim=0))
            said.append(
                f"Texts {j + 1} and {i + 1} are the same and have different vectors (cosine {cosine:.6f}): what stands "
                "beside a text in its batch changes it, as padding that is read or pooled does, or the server is not "
                "deterministic."
            )
    return said


def _unlike(search: Search, fits: list[Fit], verdict: Verdict) -> list[str]:
    """Texts that the nearest explanation does not fit, where it fits others exactly."""
    if verdict == "exact" or not fits:
        return []
    good = fits[0].misses <= search.target.tolerance
    if good.all():
        return ["The directions are explained exactly, the lengths of the vectors are not."]
    if not good.any():
        return [_by_length(search, fits[0])] if verdict == "near" and search.target.kind == "numbers" else []
    off = [i for i in search.everything if not good[i]]
    return [f"{int(good.sum())} of {len(good)} texts are explained exactly; {numbered(off).lower()} not."]


def _by_length(search: Search, fit: Fit) -> str:
    """How near an explanation comes that meets no text exactly: what is between them, its figures do not tell."""
    most = fit.guess.most or limit(search.encoder)
    lengths = [min(len(row.ids), most) for row in tokenized(search.encoder, fit.guess.given, search.texts)]
    cosines, said = 1 - fit.misses.square() / 2, []
    for above, end in pairwise((0, *LENGTHS, most)):
        if some := [i for i in search.everything if above < lengths[i] <= end]:
            said.append(f"{float(cosines[some].median()):.4f} of texts up to {max(lengths[i] for i in some)} tokens")
    return (
        "No text is met exactly; it is near, as after quantisation, noise or another mistake that this search does not "
        f"know: cosine {listed(said)}."
    )


def _order(search: Search) -> str:
    """Whether the vectors are those of the texts in another order, in a sentence."""
    texts = len(search.texts)
    if texts < 3 or search.target.kind == "codes":
        return ""
    for fit in search.near[:3] + [Fit(guess, torch.zeros(0)) for guess in _own(search)]:
        made = search.embed(fit.guess, search.texts) if fit.vectors is None else fit.vectors
        misses = torch.stack([search.target.misses(one.expand(texts, -1), search.everything) for one in made])
        right = misses.diagonal() <= search.target.tolerance
        elsewhere = (misses <= search.target.tolerance).any(dim=0)
        if elsewhere.sum() >= max(2, 0.8 * texts) and right.sum() < elsewhere.sum() - 1:
            moved = [i for i in search.everything if elsewhere[i] and not right[i]]
            return (
                f"The vectors are this model's, but not in the order of the texts: {len(moved)} of {texts} vectors are "
                f"another text's, the first that of text {moved[0] + 1}."
            )
    return ""


def _own(search: Search) -> list[Guess]:
    """The model's own recipe and those of the usual mistakes, to be held against all texts."""
    from pooling.detect.inputs import Input

    own = [one for one in search.poolers if not one.params and one.bug is None and one.pooled == "all"]
    most = search.encoder.max_length
    return [Guess(Input(), search.encoder.layers, one, most=most) for one in own if one.layer is None]


def _constant(search: Search) -> Findings:
    """What is one vector for every text."""
    said = "Every text has the same vector: what is pooled does not depend on the text."
    pooled = next(one for one in search.poolers if one.strategy == "mean" and not one.bug)
    for fit in search.fits(_plain(), [pooled]):
        made = search.embed(fit.guess, search.texts).mean(dim=0, keepdim=True).expand(len(search.texts), -1)
        misses = search.target.misses(made, search.everything)
        if (misses <= search.target.tolerance).all():
            twice = Pooler("mean", bug="pooled_twice", pool=pooled.pool)
            guess = Guess(_plain(), fit.guess.layer, twice)
            matches = _matches(search, Fit(guess, misses, made), True)
            verdict: Verdict = "exact" if matches[0].exact else "near"
            return Findings(verdict, tuple(matches), search.tried, search.encoder.layers, (said,))
    return Findings("nothing", (), search.tried, search.encoder.layers, (said,))


def _plain() -> Any:
    from pooling.detect.inputs import Input

    return Input()


def _centred(search: Search) -> tuple[Match, ...]:
    """Explanations that fit once some mean is taken away, which can be any corpus's: it follows from the texts."""
    target, texts = search.target, len(search.texts)
    if target.kind != "numbers" or texts < 3 or target.number_type == "int8":
        return ()
    want = target.vectors.double()
    together = torch.eye(texts, dtype=torch.double) - 1 / texts
    system = together * (want @ want.T)
    found = []
    for guess in _own(search):
        for names, one in search.variants(search.embed(guess, search.texts)):
            for scaled in (False, True):
                made = (normalize(one, dim=1) if scaled else one)[:, : target.dim].double()
                around = together @ made
                # Each vector may have been scaled afterwards: by what, is solved for.
                scale = torch.linalg.lstsq(system, (around * want).sum(dim=1, keepdim=True)).solution
                left = together @ (scale * want) - around
                search.tried += 1
                tolerance = max(ROUNDING, NUMBER_TYPES.get(target.number_type or "", 0.0))
                if left.norm() > 5 * tolerance * around.norm() or (scale <= 0).any():
                    continue
                kept = bool((scale - 1).abs().max() < 1e-3)
                unit = bool((want.norm(dim=1) - 1).abs().max() < 1e-3)
                if not kept and not unit:
                    continue
                cut = (f"first:{target.dim}",) if one.shape[1] > target.dim else ()
                after = [*names, *(["l2"] if scaled else []), "centre", *cut, *([] if kept else ["l2"])]
                after += [target.number_type] if target.number_type else []
                cosines = torch.ones(texts)
                found.append((left.norm(), _match(search, guess, tuple(after), cosines, True)))
    if not found:
        return ()
    return (min(found, key=lambda one: float(one[0]))[1],)


def _apart(search: Search, kept: list[tuple[Match, Guess]], verdict: Verdict) -> list[str]:
    """Texts to embed that would tell apart what fits alike, and where the cut is."""
    if verdict != "exact":
        return []
    said = []
    match, guess = kept[0]
    longest = max(len(row.ids) for row in tokenized(search.encoder, guess.given, search.texts))
    if match.max_length is None:
        said.append(f"Where texts are cut these do not say: embed one text of more than {max(longest, 128)} tokens.")
    if match.max_length is None and longest > search.encoder.max_length:
        said.append(f"Texts are read beyond {search.encoder.max_length} tokens, the limit that the model's files name.")
    for other_match, other in kept[1:]:
        if other == guess:
            said.append(f"{_steps(match)} or {_steps(other_match)}: for this model the two are the same.")
            continue
        probe = _probe(search, (match, guess), (other_match, other))
        if probe is None:
            both = f"{_short(match, other_match)} and {_short(other_match, match)}"
            said.append(f"{both}: none of the project's probe texts tells them apart.")
        else:
            said.append(
                f"{_short(match, other_match)} or {_short(other_match, match)}: to tell them apart, embed {probe!r}."
            )
    return said


def _probe(search: Search, one: tuple[Match, Guess], other: tuple[Match, Guess]) -> str | None:
    """The first of the project's texts under which two explanations differ, lengths and all."""
    made = []
    for match, guess in (one, other):
        steps = [get_step(name) for name in match.after[len(guess.steps) :] if name != "int8"]
        made.append(run_steps(search.embed(guess, SHORT), steps).float())
    apart = (made[0] - made[1]).norm(dim=1) > 20 * search.target.tolerance * made[0].norm(dim=1)
    return next((text for text, unlike in zip(SHORT, apart.tolist(), strict=True) if unlike), None)


def _steps(match: Match) -> str:
    return " → ".join(match.after) or "no step after pooling"


def _short(match: Match, other: Match) -> str:
    """What a match is, as far as it is not what the other is."""
    one, two = str(match).split(", "), str(other).split(", ")
    unlike = [part for part in one if part not in two]
    return ", ".join(unlike or one)
