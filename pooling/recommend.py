"""Which pooling to use: four answers to a recommendation with its reason."""

from dataclasses import dataclass
from typing import Literal, TypedDict

from pooling.catalogue import CAUSAL_TWIN, DEFAULT

TUNED_DECODER = "Qwen/Qwen3-Embedding-0.6B"

Kind = Literal["encoder", "decoder"]
Tuned = Literal["tuned", "raw"]
Pairs = Literal["pairs", "none"]
Similarity = Literal["cosine", "dot", "length"]


class Answers(TypedDict):
    """The answers to `QUESTIONS`, by their names: the keywords of `recommend`."""

    kind: Kind
    tuned: Tuned
    labels: Pairs
    compare: Similarity


@dataclass(frozen=True)
class Question:
    """One of the four questions, and its answers by name."""

    name: str
    text: str
    answers: dict[str, str]


QUESTIONS = (
    Question(
        "kind",
        "What kind of model is it?",
        {
            "encoder": "An encoder: its tokens look both ways (BERT, MiniLM, BGE, E5)",
            "decoder": "A decoder: its tokens look back only (GPT, Llama, Qwen)",
        },
    ),
    Question(
        "tuned",
        "Was it fine-tuned to make embeddings?",
        {"tuned": "Yes: it is meant for embeddings", "raw": "No: it is as it was pre-trained"},
    ),
    Question(
        "labels",
        "Do you have pairs of texts with scores?",
        {"none": "No", "pairs": "Yes, some hundred or more, like the texts I will embed"},
    ),
    Question(
        "compare",
        "How will embeddings be compared?",
        {
            "cosine": "Cosine similarity",
            "dot": "Dot product or Euclidean distance",
            "length": "Dot product, and a longer text should weigh more",
        },
    ),
)


@dataclass(frozen=True)
class Advice:
    """A recommendation."""

    strategy: str
    """The name of the strategy to use."""
    normalise: bool
    """Whether to scale embeddings to length 1 first."""
    reason: str
    check: str
    """What to look at before relying on it."""
    model: str
    """The model in the box that comes nearest, to show it on."""
    layer: int
    """The layer of that model which is in the same case: tuned, or not."""
    shown: str
    """The strategy to look for among its scores."""
    stand_in: str
    """What that model has in common with the reader's, and what not."""
    example: str
    """A model to write the code for."""


def recommend(kind: Kind, tuned: Tuned, labels: Pairs, compare: Similarity) -> Advice:
    """The pooling to use for a model, by the answers to `QUESTIONS`."""
    decoder = kind == "decoder"
    if tuned == "tuned":
        strategy = "last_token" if decoder else "mean"
        reason = (
            "Tuning made this model's embeddings right for one pooling, the one it was trained with: use that. "
            + ("Most decoders" if decoder else "Most encoders")
            + " were tuned with the "
            + ("last token." if decoder else "mean; some, such as BGE, with CLS.")
        )
        check = (
            "Look its own pooling up: it stands in the file 1_Pooling/config.json beside the model, or in its "
            "description. If that names another, use that one."
        )
        if labels == "pairs":
            check += " Your pairs are best spent on the Evaluation page, to see that nothing beats it beyond chance."
    elif labels == "pairs":
        strategy = "attention"
        reason = (
            "Nobody trained this model's tokens to be pooled, so how much each should count can be learned. A small "
            "head trained on your pairs does that, and leaves the model as it is."
        )
        check = (
            "A head is better on data like its training data only. Keep some pairs back, and compare with the "
            f"{'weighted mean' if decoder else 'mean'} on them."
        )
    elif decoder:
        strategy = "weighted_mean"
        reason = (
            "In a decoder later tokens have read more of the text, so they should count more. The last one alone was "
            "never asked to sum up."
        )
        check = (
            "If the model follows a prompt, ask it for one word that means the text and try the last token: the lesson "
            "“What it is asked for” shows it."
        )
    else:
        strategy = "mean"
        reason = (
            "The first token of a raw encoder was never asked to sum up a text. The mean holds something of every "
            "token, and is the safe first choice."
        )
        check = "Try the average of the first and the last layer too: the last layer alone is often not the best one."
    if strategy == "mean" and compare == "length":
        strategy = "mean_sqrt_len"
        reason += " Divided by √n instead of n it points the same way, and a longer text has a longer vector."
    normalise = compare == "dot"
    if normalise:
        check += " Scale every embedding to length 1: then dot product and distance rank as the cosine does."
    elif compare == "length" and strategy != "mean_sqrt_len":
        check += (
            " It has no length that grows with the text, so leave its vectors as they are and look at what they do."
        )
    return Advice(strategy, normalise, reason, check, *_stand_in(decoder, tuned == "tuned", strategy))


def _stand_in(decoder: bool, tuned: bool, strategy: str) -> tuple[str, int, str, str, str]:
    if tuned and decoder:
        return (
            DEFAULT,
            6,
            "mean",
            "No tuned decoder is in the box. This is a tuned encoder, all-MiniLM-L6-v2, tuned with the mean: it shows "
            "the rule that the pooling a model was tuned with is hard to beat.",
            TUNED_DECODER,
        )
    if tuned:
        stand_in = "A tuned encoder: all-MiniLM-L6-v2, tuned with the mean of its last layer."
        return DEFAULT, 6, strategy, stand_in, DEFAULT
    if decoder:
        stand_in = "A decoder that no tuning made: the weights of all-MiniLM-L6-v2, an encoder, looking back only."
        return CAUSAL_TWIN, 6, strategy, stand_in, CAUSAL_TWIN
    stand_in = "Layer 4 of all-MiniLM-L6-v2, whose output its tuning did not ask for, stands in for a raw encoder."
    return DEFAULT, 4, strategy, stand_in, DEFAULT
