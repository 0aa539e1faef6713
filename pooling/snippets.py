"""The current choice as code: plain PyTorch, sentence-transformers, this project, and three servers; and for a corpus.

What a server can do was read in text-embeddings-inference 1.9.3 (docs/source/en/cli_arguments.md and
backends/candle), in vLLM 0.23's documentation of `PoolerConfig` and of pooling models, and in llama.cpp's
tools/server/README.md at commit 00dc8057; what it does with a long text in TEI's core/src/tokenization.rs, in vLLM's
renderers/params.py, tokenizers/registry.py and entrypoints/pooling/base/protocol.py, and in llama.cpp's server.
"""

import json
import shlex
from collections.abc import Sequence
from dataclasses import dataclass

from pooling.after import Step, chosen_steps, get_step
from pooling.attention_heads import head_path, layer_name
from pooling.catalogue import MODELS, Model, get_model, says_twice, split_template
from pooling.encoders import Encoder, Layer
from pooling.recipe import Recipe
from pooling.types import NotComputable

TEXTS = ("A first text.", "A second one, which is longer.")

TEI = {"cls": "cls", "mean": "mean", "last_token": "last-token"}
TEI_MODELS = {
    *("bert", "camembert", "deberta-v2", "distilbert", "gemma3_text", "modernbert", "mpnet", "nomic_bert"),
    *("qwen3", "roberta", "xlm-roberta", "mistral", "qwen2", "llama"),
}
TEI_BATCH_TOKENS = 16384
"""Tokens of a batch unless it is told otherwise, and so of a text."""
VLLM = {"cls": "CLS", "mean": "MEAN", "last_token": "LAST"}
VLLM_MODELS = {
    *("bert", "modernbert", "nomic_bert", "roberta", "xlm-roberta"),
    *("gemma2", "gemma3_text", "gpt2", "llama", "mistral", "qwen2", "qwen3"),
}
LLAMA_CPP = {"cls": "cls", "mean": "mean", "last_token": "last"}
LLAMA_CPP_BATCH = 2048
"""The largest --ubatch-size for which --batch-size needs no change."""
LLAMA_CPP_MODELS = {
    *("BertModel", "BertForMaskedLM", "CamembertModel", "DistilBertModel", "DistilBertForMaskedLM"),
    *("RobertaModel", "XLMRobertaModel", "GPT2LMHeadModel", "LlamaForCausalLM", "Qwen3ForCausalLM"),
}


@dataclass(frozen=True)
class Snippet:
    """Code for one tool, or why there is none."""

    tool: str
    code: str
    said: str
    """What to know; where there is no code, why not, in a sentence."""
    language: str = "python"


def snippets(recipe: Recipe, encoder: Encoder, texts: Sequence[str] = TEXTS) -> list[Snippet]:
    """The recipe for each tool, in order."""
    makers = (for_transformers, for_sentence_transformers, for_pooling, for_corpus, for_tei, for_vllm, for_llama_cpp)
    return [make(recipe, encoder, texts) for make in makers]


def for_transformers(recipe: Recipe, encoder: Encoder, texts: Sequence[str] = TEXTS) -> Snippet:
    """Plain PyTorch with transformers."""
    entry, strategy = get_model(recipe.model), recipe.pooling
    layer = encoder.layer(recipe.layer)
    auto = "AutoModelForTextEncoding" if "Encoder" in type(encoder.model).__name__ else "AutoModel"
    gguf = entry.package.endswith(".gguf")
    parts = split_template(recipe.template)
    last = layer == encoder.layers
    special = bool(recipe.apart) or "special" in compile(strategy.torch, strategy.name, "exec").co_names
    options = ["dtype=torch.float32", "**pinned"]
    options[:0] = ["quantization_config=GgufConfig(dequantize=True)"] if gguf else ["use_safetensors=True"]
    options += ["is_decoder=True"] if entry.causal else []
    options += ['attn_implementation="eager"'] if strategy.needs == "attention" else []
    asked = ["**inputs"]
    asked += [] if last else ["output_hidden_states=True"]
    asked += ["output_attentions=True"] if strategy.needs == "attention" else []
    tokenizing = ["padding=True", "truncation=True", f"max_length={encoder.max_length}", 'return_tensors="pt"']
    tokenizing += ["return_offsets_mapping=True"] if recipe.apart else []
    tokenizing += ["return_special_tokens_mask=True"] if special else []
    lines = [
        *([f"# {entry.install}"] if gguf else []),
        *(["from importlib.util import find_spec", "from pathlib import Path", ""] if gguf else []),
        "import torch",
        *(["from safetensors.torch import load_file"] if strategy.needs == "head" or _fitted(recipe) else []),
        f"from transformers import {auto}, AutoTokenizer" + (", GgufConfig" if gguf else ""),
        "",
        *_where(entry),
        'tokenizer = AutoTokenizer.from_pretrained(name, padding_side="right", **pinned)',
        *(["tokenizer.pad_token = tokenizer.eos_token"] if encoder.tokenizer.pad_token is None else []),
        f"model = {auto}.from_pretrained(name, {', '.join(options)}).eval()",
        *([f'head = load_file("{head_path(recipe.model, layer).name}")'] if strategy.needs == "head" else []),
        "",
        f"texts = {_listed(texts)}",
    ]
    lines += _prompted(recipe, "prompted", _cut_both(encoder) if says_twice(recipe.template) else [])
    given = "texts" if recipe.plain else "prompted"
    lines += [f"inputs = tokenizer({given}, {', '.join(tokenizing)})", 'mask = inputs["attention_mask"]']
    lines += ['special = inputs.pop("special_tokens_mask").bool()'] if special else []
    if recipe.apart:
        lines += [
            f"# {recipe.apart[0].upper()}{recipe.apart[1:]} {'are' if ' and ' in recipe.apart else 'is'} read by the "
            "model, but not pooled.",
            'start, end = inputs.pop("offset_mapping").unbind(dim=-1)',
            "end = end.maximum(start + 1)",
            "length = torch.tensor([[len(text)] for text in texts])",
            "first = len(before)" + (" + length + len(between)" if len(parts) > 2 else ""),
            "pooled = (end > first) & (start < first + length)",
        ]
        if recipe.pool_template:
            behind = "len(before) + length" if parts[1].strip() else "first"
            lines += [
                f"copy = ~special & ~pooled & (end > len(before)) & (start < {behind})",
                "mask = mask * ~copy",
            ]
        else:
            lines += ["mask = mask * (special | pooled)"]
    lines += ["with torch.no_grad():", f"    output = model({', '.join(asked)})"]
    if last:
        lines += ["hidden = output.last_hidden_state"]
    elif isinstance(layer, tuple):
        lines += [f"hidden = torch.stack([output.hidden_states[i] for i in {layer}]).mean(dim=0)"]
    else:
        lines += [f"hidden = output.hidden_states[{layer}]  # 0 are the input embeddings"]
    if strategy.needs == "attention":
        lines += [
            "# What the first token pays to each, the mean over heads.",
            f"paid = output.attentions[{_before(layer)}].mean(dim=1)",
            "attention = paid[torch.arange(len(paid)), mask.argmax(dim=1)]",
        ]
    lines += [f"{name} = {value!r}" for name, value in strategy.settings]
    lines += strategy.torch.splitlines()
    for step in chosen_steps(recipe.after, encoder.after):
        lines += [*_numbers(step, entry), *step.torch.splitlines()]
    head = "The head's file is under Export, and in this project's folder pooling/heads."
    said = (head if strategy.needs == "head" else "") + _where_fitted(recipe)
    said += "" if says_twice(recipe.template) else _cut_at_the_end(recipe, encoder)
    return Snippet("PyTorch", _joined(lines), said.strip())


def for_sentence_transformers(recipe: Recipe, encoder: Encoder, texts: Sequence[str] = TEXTS) -> Snippet:
    """sentence-transformers, its modules put together by hand where the model's own differ."""
    entry, strategy, layer = get_model(recipe.model), recipe.pooling, encoder.layer(recipe.layer)
    tool = "sentence-transformers"
    if reason := not_in_sentence_transformers(recipe):
        return Snippet(tool, "", reason)
    if entry.package.endswith(".gguf"):
        return Snippet(
            tool, "", "sentence-transformers does not read these weights, one GGUF file: use `pooling` or PyTorch."
        )
    its_own = tuple(step.written for step in encoder.after)
    own = (encoder.trained_pooling, encoder.layers, its_own) == (strategy.name, layer, recipe.after)
    lines = ["from sentence_transformers import SentenceTransformer"]
    if own:
        lines += ["", *_where(entry), "model = SentenceTransformer(name, **pinned)  # this is the model's own pipeline"]
    else:
        one_layer = layer != encoder.layers
        modules = ["Pooling", "Transformer"] + (["WeightedLayerPooling"] if one_layer else [])
        modules += ["Normalize"] if recipe.normalise else []
        config = ["**pinned"] + (['"output_hidden_states": True'] if one_layer else [])
        config += ['"is_decoder": True'] if entry.causal else []
        lines += [
            f"from sentence_transformers.sentence_transformer.modules import {', '.join(sorted(modules))}",
            *(["from torch import nn, tensor"] if one_layer else []),
            "",
            *_where(entry),
            "transformer = Transformer(",
            "    name,",
            f"    max_seq_length={encoder.max_length},",
            '    model_kwargs={"use_safetensors": True, **pinned},',
            f"    config_kwargs={{{', '.join(config)}}},",
            "    processor_kwargs=pinned,",
            ")",
        ]
        parts = ["transformer"]
        if one_layer:
            lines += [
                f"shares = nn.Parameter(tensor({layer_shares(layer, encoder.layers)}))  # of layers 0 to "
                f"{encoder.layers}",
                "layers = WeightedLayerPooling(",
                f"    {encoder.dim}, num_hidden_layers={encoder.layers}, layer_start=0, layer_weights=shares",
                ")",
            ]
            parts += ["layers"]
        parts += [f'Pooling({encoder.dim}, "{strategy.sentence_transformers}")']
        parts += ["Normalize()"] if recipe.normalise else []
        lines += [f"model = SentenceTransformer(modules=[{', '.join(parts)}])"]
    lines += [
        *(["model.tokenizer.pad_token = model.tokenizer.eos_token"] if encoder.tokenizer.pad_token is None else []),
        *(["from safetensors.torch import load_file"] if _fitted(recipe) and not own else []),
        "",
        f"texts = {_listed(texts)}",
    ]
    lines += _prompted(recipe, "texts")
    # Some models' files name a prompt that would be put before every text unasked.
    lines += ['embeddings = model.encode(texts, prompt="", convert_to_tensor=True)']
    for step in [] if own or recipe.normalise else chosen_steps(recipe.after, encoder.after):
        lines += [*_numbers(step, entry), *(step.sentence_transformers or step.torch).splitlines()]
    said = f"Run with sentence-transformers 6.2.0.{_where_fitted(recipe)}{_cut_at_the_end(recipe, encoder)}"
    return Snippet(tool, _joined(lines), said)


def not_in_sentence_transformers(recipe: Recipe) -> str:
    """Why sentence-transformers cannot pool so, in a sentence; "" where it can."""
    strategy = recipe.pooling
    if strategy.sentence_transformers is None:
        return f"sentence-transformers has no {strategy.label} pooling among its modes."
    if _copy_counts(recipe):
        return "sentence-transformers pools both copies of a text that is said twice, and cannot leave out the first."
    if not recipe.plain and not recipe.pool_template:
        return (
            "sentence-transformers cannot leave out just the prompt's tokens: its include_prompt=False leaves out the "
            "special token before them too, and knows no prompt after the text."
        )
    return ""


def _copy_counts(recipe: Recipe) -> bool:
    """Whether a text is said twice and it makes a difference that its first copy is left out."""
    return says_twice(recipe.template) and recipe.strategy != "last_token"


def layer_shares(layer: Layer, layers: int) -> list[float]:
    """What share each of the hidden states 0 to L has in those that are pooled."""
    chosen = layer if isinstance(layer, tuple) else (layer,)
    return [chosen.count(i) / len(chosen) for i in range(layers + 1)]


def for_pooling(recipe: Recipe, encoder: Encoder | None = None, texts: Sequence[str] = TEXTS) -> Snippet:
    """This project's own module."""
    where = "In this project's folder, with its requirements installed."
    if recipe.own:
        return Snippet("pooling", _with_own_weights(recipe, texts), where)
    strategy, setting = recipe.pooling, _reading(recipe)
    named, params = f'"{strategy.name}"', [f"{name}={value!r}" for name, value in recipe.params]
    chosen = f"get_strategy({', '.join([named, *params])})" if params else named
    corpus = [step.written for step in map(get_step, recipe.after) if step.fits == "corpus"]
    if recipe.after and not recipe.normalise:
        named_or_read = [_file(one) if one in corpus else f'"{one}"' for one in recipe.after]
        setting += f", after=[{', '.join(named_or_read)}]"
    setting += ", normalize_embeddings=True" if recipe.normalise else ""
    lines = [
        *(["from pathlib import Path", ""] if corpus else []),
        f"from pooling import embed, {'get_strategy, ' if params else ''}load_encoder",
        *(["from pooling.after import load_step"] if corpus else []),
        "",
        f'encoder = load_encoder("{recipe.model}")',
        f"texts = {_listed(texts)}",
        f"embeddings = embed(texts, encoder, {chosen}, {setting})[{named}]",
    ]
    return Snippet("pooling", _joined(lines), where + _where_fitted(recipe))


def for_corpus(recipe: Recipe, encoder: Encoder, texts: Sequence[str] = TEXTS) -> Snippet:
    """The command that does it to files of any size."""
    if recipe.own:
        return Snippet("Corpus", "", "Weights of your own are for the tokens of one sentence, not for a corpus.")
    layer = encoder.layer(recipe.layer)
    strategy = ":".join([recipe.strategy, *(f"{name}={value!r}" for name, value in recipe.params)])
    command = ["python", "-m", "pooling.corpus", "texts.jsonl", "vectors", "--model", recipe.model]
    command += ["--strategy", strategy]
    command += ["--layer", ",".join(map(str, layer)) if isinstance(layer, tuple) else str(layer)]
    command += [] if recipe.plain else [f"--prompt={recipe.template}"]  # it may begin with a dash
    command += [] if recipe.pool_template else ["--prompt-not-pooled"]
    command += ["--after", ",".join(recipe.after)] if recipe.after else []
    for step in map(get_step, recipe.after):
        command += ["--fitted", f"{step.name}.safetensors"] if step.fits == "corpus" else []
    said = (
        "In this project's folder, with its requirements installed. texts.jsonl, a file or a folder of Parquet, CSV, "
        "JSON Lines or lines of text, has a column text; vectors becomes a folder of Parquet. Whatever ends it, the "
        "same command goes on." + _where_fitted(recipe)
    )
    return Snippet("Corpus", _joined([shlex.join(command)]), said, "bash")


def _reading(recipe: Recipe) -> str:
    """Arguments in Python: the layer and, where there is one, the prompt."""
    setting = f"layer={recipe.layer}"
    if not recipe.plain:
        setting += f", template={recipe.template!r}" + ("" if recipe.pool_template else ", pool_template=False")
    return setting


def _with_own_weights(recipe: Recipe, texts: Sequence[str]) -> str:
    lines = [
        "from pooling import load_encoder",
        *(["from pooling.after import chosen_steps, run_steps"] if recipe.after else []),
        "from pooling.own_weights import own_weights",
        "",
        f'encoder = load_encoder("{recipe.model}")',
        f"states = encoder.encode({_listed(texts)}, {_reading(recipe)})",
        f"embeddings = own_weights({list(recipe.own)})(states).embedding",
        *(
            [f"embeddings = run_steps(embeddings, chosen_steps({list(recipe.after)}, encoder.after))"]
            * bool(recipe.after)
        ),
    ]
    return _joined(lines)


def for_tei(recipe: Recipe, encoder: Encoder, texts: Sequence[str] = TEXTS) -> Snippet:
    """text-embeddings-inference: the command that serves, and a request."""
    tool, entry, kind = "text-embeddings-inference", get_model(recipe.model), encoder.model.config.model_type
    reason = _not_served(tool, recipe, encoder, TEI, "cls, mean and last-token", kind in TEI_MODELS)
    if reason:
        return Snippet("TEI", "", reason)
    serve = ["text-embeddings-router", "--model-id", entry.name, "--revision", entry.commit]
    serve += ["--pooling", TEI[recipe.strategy], "--dtype", "float32", "--port", "8080"]
    # What it takes at a time is also the most that a text may have.
    serve += ["--max-batch-tokens", str(encoder.max_length)] if encoder.max_length > TEI_BATCH_TOKENS else []
    said = (
        "Read in version 1.9.3. A text beyond the model's limit is cut at its end, unless it is started with "
        "--auto-truncate false: then it is refused." + _cut_at_the_end(recipe, encoder)
    )
    if entry.kind == "encoder" and recipe.strategy == "last_token":
        said += " For an encoder, it has last-token pooling on a GPU only."
    body = {"inputs": _wrapped(recipe, texts), "normalize": recipe.normalise}
    return _served("TEI", serve, "8080/embed", body, said)


def for_vllm(recipe: Recipe, encoder: Encoder, texts: Sequence[str] = TEXTS) -> Snippet:
    """vLLM: the command that serves, and a request."""
    entry, kind = get_model(recipe.model), encoder.model.config.model_type
    reason = _not_served("vLLM", recipe, encoder, VLLM, "CLS, MEAN and LAST", kind in VLLM_MODELS)
    if reason:
        return Snippet("vLLM", "", reason)
    pooler = {"pooling_type": VLLM[recipe.strategy], "use_activation": recipe.normalise}
    serve = ["vllm", "serve", entry.name, "--revision", entry.commit, "--runner", "pooling"]
    serve += ["--convert", "embed"] if entry.kind == "decoder" else []
    serve += ["--dtype", "float32", "--pooler-config", json.dumps(pooler)]
    said = (
        "Read in version 0.23; its use_activation is the scaling to length 1. A text beyond the model's limit is "
        f"refused, unless the request cuts it: truncate_prompt_tokens keeps its first {encoder.max_length} tokens."
        + _cut_at_the_end(recipe, encoder)
    )
    body = {"model": entry.name, "input": _wrapped(recipe, texts), "truncate_prompt_tokens": encoder.max_length}
    return _served("vLLM", serve, "8000/v1/embeddings", body, said)


def for_llama_cpp(recipe: Recipe, encoder: Encoder, texts: Sequence[str] = TEXTS) -> Snippet:
    """llama.cpp: the commands that convert and serve, and a request."""
    entry, config = get_model(recipe.model), encoder.model.config
    known = bool(LLAMA_CPP_MODELS & set(config.architectures or []))
    if known and config.model_type == "bert":
        # Its converter reads a BERT's vocabulary as WordPiece, whatever it is.
        known = type(encoder.tokenizer.backend_tokenizer.model).__name__ == "WordPiece"
    gguf = entry.package.endswith(".gguf")
    reason = _not_served("llama.cpp", recipe, encoder, LLAMA_CPP, "mean, cls and last", known or gguf, gguf=gguf)
    if reason:
        return Snippet("llama.cpp", "", reason)
    if gguf:
        package, _, file = entry.package.partition("/")
        get = [f"folder=$(python -c \"from importlib.util import find_spec; print(find_spec('{package}').origin)\")"]
        model = f'"$(dirname "$folder")/{file}"'
        said = "It computes with the weights as they are packed, so the last digits differ."
    else:
        get = [
            shlex.join(["hf", "download", entry.name, "--revision", entry.commit, "--local-dir", "model"]),
            "python convert_hf_to_gguf.py model --outtype f32 --outfile model.gguf",
        ]
        model, said = "model.gguf", "hf is the command of huggingface_hub, convert_hf_to_gguf.py a script of llama.cpp."
    serve = f"llama-server -m {model} --embeddings --pooling {LLAMA_CPP[recipe.strategy]} --embd-normalize "
    most = min(encoder.max_length, LLAMA_CPP_BATCH)
    serve += f"{2 if recipe.normalise else -1} --ubatch-size {most}"
    request = _request("8080/v1/embeddings", {"input": _wrapped(recipe, texts)})
    said = (
        f"Read at commit 00dc8057. A text of more than {most} tokens, its --ubatch-size, is refused and never cut: "
        f"shorten it first. {said}"
    )
    if most < encoder.max_length:
        said += f" The model has room for {encoder.max_length:,}: for longer texts raise --batch-size too."
    return Snippet("llama.cpp", _joined([*get, serve, "", request]), said, "bash")


def _fitted(recipe: Recipe) -> bool:
    """Whether a step after pooling has numbers of its own, to be read from a file."""
    return any(get_step(one).fits for one in recipe.after)


def _where_fitted(recipe: Recipe) -> str:
    """Where the numbers of steps are that were fitted on a corpus; "" where there are none."""
    fitted = any(get_step(one).fits == "corpus" for one in recipe.after)
    return " What was fitted on texts is a .safetensors file in each zip file under Export." if fitted else ""


def _file(step: str) -> str:
    """Code for the step that was fitted on a corpus, read from the file that `save_step` wrote."""
    return f'load_step(Path("{get_step(step).name}.safetensors"))'


def _numbers(step: Step, entry: Model) -> list[str]:
    """Lines of Python: `count` and `fitted`, where a step's code reads them."""
    lines = [f"count = {step.count}"] if step.counts else []
    if step.fits == "corpus":
        lines += [f'fitted = load_file("{step.name}.safetensors")  # written by save_step of pooling.after']
    elif step.fits == "model":
        numbers = step.settings["fitted"]
        if numbers["weight"] is None:
            raise NotComputable(numbers["lacks"])
        at = f'"{repository(entry)}", "{numbers["file"]}", revision="{entry.commit}"'
        lines += [
            "import torch",
            "from huggingface_hub import hf_hub_download",
            f"weights = load_file(hf_hub_download({at}))",
            'fitted = {"weight": weights["linear.weight"], "bias": weights.get("linear.bias")}',
            f'fitted["activation"] = torch.nn.{type(numbers["activation"]).__name__}()',
        ]
    return lines


def _cut_at_the_end(recipe: Recipe, encoder: Encoder) -> str:
    """What goes of a prompt where a long text is cut at its end, prompt and all; "" where nothing of it does."""
    what = "second copy" if says_twice(recipe.template) else "prompt" if split_template(recipe.template)[-1] else ""
    instead = "both copies alike" if says_twice(recipe.template) else "the text instead"
    return (
        what
        and f" A text beyond {encoder.max_length} tokens with its prompt loses the end of its {what} here; the app "
        f"cuts {instead}."
    )


def _not_served(
    tool: str,
    recipe: Recipe,
    encoder: Encoder,
    poolings: dict[str, str],
    named: str,
    known: bool,
    *,
    gguf: bool = False,
) -> str:
    """Why a server cannot do this, in a sentence; "" where it can."""
    entry, strategy = get_model(recipe.model), recipe.pooling
    if entry.causal:
        return f"{tool} cannot run an encoder under a causal mask, which is made for this app."
    if entry.package.endswith(".gguf") and not gguf:
        return (
            f"{tool} would take this model from the Hub, whose weights are not those in use here, one quantised GGUF "
            "file: its embeddings would be others."
        )
    if not known:
        return f"{tool} does not have this model's architecture ({encoder.model.config.model_type}) on its list."
    if strategy.name not in poolings:
        return f"{tool} pools by {named} only, so it cannot do {strategy.label} pooling."
    if encoder.layer(recipe.layer) != encoder.layers:
        return f"{tool} pools the last layer only, so it cannot pool layer {layer_name(recipe.layer)}."
    if _copy_counts(recipe):
        return f"{tool} pools both copies of a text that is said twice, and cannot leave out the first."
    if recipe.after and not recipe.normalise:
        return f"For {tool} there is code here for scaling to length 1 alone, not for {' → '.join(recipe.after)}."
    if not recipe.plain and not recipe.pool_template and strategy.name != "last_token":
        return f"{tool} pools a prompt's tokens with the text's, and cannot leave them out."
    if not recipe.plain and not recipe.pool_template:
        return f"{tool} takes the last token of all, and cannot stop before a prompt's own tokens."
    return ""


def _served(tool: str, serve: list[str], address: str, body: dict, said: str) -> Snippet:
    return Snippet(tool, _joined([shlex.join(serve), "", _request(address, body)]), said, "bash")


def _request(address: str, body: dict) -> str:
    return (
        f"curl http://localhost:{address} -H 'Content-Type: application/json' \\\n  -d {shlex.quote(json.dumps(body))}"
    )


def _wrapped(recipe: Recipe, texts: Sequence[str]) -> list[str]:
    return [text.join(split_template(recipe.template)) for text in texts]


def _prompted(recipe: Recipe, name: str, cut: Sequence[str] = ()) -> list[str]:
    """Lines of Python that put the prompt around `texts`, once they are cut."""
    if recipe.plain:
        return []
    parts = split_template(recipe.template)
    names = ("before", "between", "after") if len(parts) > 2 else ("before", "after")
    return [
        f"{', '.join(names)} = {', '.join(map(repr, parts))}",
        *cut,
        f"{name} = [{' + text + '.join(names)} for text in texts]",
    ]


def _cut_both(encoder: Encoder) -> list[str]:
    """Lines of Python that cut texts so that both copies fit."""
    return [
        "# Both copies must fit, so each has half of the room.",
        f"room = ({encoder.max_length} - len(tokenizer(before + between + after).input_ids)) // 2",
        "cut = tokenizer(texts, truncation=True, max_length=room, add_special_tokens=False, "
        "return_offsets_mapping=True)",
        "texts = [text[: spans[-1][1]] for text, spans in zip(texts, cut.offset_mapping)]",
    ]


def repository(entry: Model) -> str:
    """The repository on the Hub that has the model's weights; the causal twin borrows the original's."""
    return next(m.name for m in MODELS if m.sha256 == entry.sha256 and not m.causal) if entry.causal else entry.name


def _where(entry: Model) -> list[str]:
    """Lines of Python: `name`, where the weights are, and `pinned`, what makes sure that it is these."""
    if entry.package.endswith(".gguf"):
        package, _, file = entry.package.partition("/")
        return [
            f'name = Path(find_spec("{package}").origin).parent',
            f'pinned = {{"gguf_file": "{file}", "trust_remote_code": False}}',
        ]
    return [
        f'name = "{repository(entry)}"',
        f'pinned = {{"revision": "{entry.commit}", "trust_remote_code": False}}',
    ]


def _before(layer: Layer) -> int:
    """The index of a layer's attention; only a single layer from 1 up has one."""
    if not isinstance(layer, int) or layer < 1:
        raise NotComputable("CLS attention needs the attention of one transformer layer; choose one from 1 up.")
    return layer - 1


def _listed(texts: Sequence[str]) -> str:
    return "[" + ", ".join(map(repr, texts)) + "]"


def _joined(lines: Sequence[str]) -> str:
    return "\n".join(lines) + "\n"
