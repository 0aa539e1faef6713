"""Tiny checkpoints of several families, random weights, written as a model's repository is."""

import json
from pathlib import Path

import torch
from tokenizers import Tokenizer, decoders, models, normalizers, pre_tokenizers, processors, trainers
from transformers import (
    BertConfig,
    BertModel,
    GPT2Config,
    GPT2Model,
    LlamaConfig,
    LlamaModel,
    MPNetConfig,
    MPNetModel,
    PreTrainedTokenizerFast,
    Qwen3Config,
    Qwen3Model,
    RobertaConfig,
    RobertaModel,
    T5Config,
    T5EncoderModel,
)

LINES = [
    "The cat sat on the mat.",
    "A dog is running in the park.",
    'This sentence: "a cat" means in one word: "',
    "query: how do cats purr?",
    "It's so sunny outside!",
] * 3


def wordpiece() -> PreTrainedTokenizerFast:
    """As BERT: [CLS] … [SEP]."""
    made = Tokenizer(models.WordPiece(unk_token="[UNK]"))
    made.normalizer = normalizers.BertNormalizer(lowercase=True)
    made.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    special = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"]
    made.train_from_iterator(LINES, trainers.WordPieceTrainer(vocab_size=200, special_tokens=special))
    ends = [(t, made.token_to_id(t)) for t in ("[CLS]", "[SEP]")]
    made.post_processor = processors.TemplateProcessing(single="[CLS] $A [SEP]", special_tokens=ends)
    made.decoder = decoders.WordPiece()
    names = {"pad_token": "[PAD]", "unk_token": "[UNK]", "cls_token": "[CLS]", "sep_token": "[SEP]"}
    return PreTrainedTokenizerFast(tokenizer_object=made, model_max_length=64, **names)


def byte_level(*, around: tuple[str, str] | None, special: list[str], **names: str) -> PreTrainedTokenizerFast:
    """As GPT-2, RoBERTa or Qwen: bytes, with special tokens before and after where there are some."""
    made = Tokenizer(models.BPE())
    made.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    made.decoder = decoders.ByteLevel()
    alphabet = pre_tokenizers.ByteLevel.alphabet()
    made.train_from_iterator(
        LINES, trainers.BpeTrainer(vocab_size=320, special_tokens=special, initial_alphabet=alphabet)
    )
    if around:
        ends = [(t, made.token_to_id(t)) for t in set(around) if t]
        single = " ".join(part for part in (around[0], "$A", around[1]) if part)
        made.post_processor = processors.TemplateProcessing(single=single, special_tokens=ends)
    return PreTrainedTokenizerFast(tokenizer_object=made, model_max_length=64, **names)


def sentencepiece(*, end: str = "", **names: str) -> PreTrainedTokenizerFast:
    """As T5 or Llama: words begin with ▁; bytes where a character is not known (Llama)."""
    special = ["<pad>", "</s>", "<unk>"]
    if end:
        made = Tokenizer(models.Unigram())
        trainer = trainers.UnigramTrainer(vocab_size=120, special_tokens=special, unk_token="<unk>")
    else:
        made = Tokenizer(models.BPE(byte_fallback=True, unk_token="<unk>"))
        special = ["<unk>", "<s>", "</s>", *(f"<0x{b:02X}>" for b in range(256))]
        trainer = trainers.BpeTrainer(vocab_size=400, special_tokens=special)
    made.pre_tokenizer = pre_tokenizers.Metaspace()
    made.train_from_iterator(LINES, trainer)
    made.decoder = (
        decoders.Metaspace()
        if end
        else decoders.Sequence([decoders.Replace("▁", " "), decoders.ByteFallback(), decoders.Fuse()])
    )
    one = end or "<s>"
    made.post_processor = processors.TemplateProcessing(
        single=f"$A {one}" if end else f"{one} $A", special_tokens=[(one, made.token_to_id(one))]
    )
    return PreTrainedTokenizerFast(tokenizer_object=made, model_max_length=64, **names)


SIZE = {
    "hidden_size": 32,
    "num_hidden_layers": 2,
    "num_attention_heads": 4,
    "intermediate_size": 48,
    "max_position_embeddings": 64,
}
FAMILIES = ("bert", "roberta", "mpnet", "t5", "gpt2", "llama", "qwen3")
DECODERS = ("gpt2", "llama", "qwen3")


def write(family: str, folder: Path, *, pooling: str | None = None) -> Path:
    """A tiny checkpoint of that family; with `pooling`, it says that it was trained with it."""
    torch.manual_seed(0)
    if family == "bert":
        words = wordpiece()
        model = BertModel(BertConfig(vocab_size=len(words), **SIZE))
    elif family in ("roberta", "mpnet"):
        special = ["<s>", "<pad>", "</s>", "<unk>", "<mask>"]
        names = {"bos_token": "<s>", "pad_token": "<pad>", "eos_token": "</s>", "unk_token": "<unk>"}
        words = byte_level(around=("<s>", "</s>"), special=special, **names)
        sizes = SIZE | {"max_position_embeddings": 66}
        config, made = (RobertaConfig, RobertaModel) if family == "roberta" else (MPNetConfig, MPNetModel)
        model = made(config(vocab_size=len(words), pad_token_id=1, **sizes))
    elif family == "t5":
        words = sentencepiece(end="</s>", pad_token="<pad>", eos_token="</s>", unk_token="<unk>")
        model = T5EncoderModel(T5Config(vocab_size=len(words), d_model=32, d_kv=8, d_ff=48, num_layers=2, num_heads=4))
    elif family == "gpt2":
        words = byte_level(around=None, special=["<|endoftext|>"], eos_token="<|endoftext|>")
        model = GPT2Model(GPT2Config(vocab_size=len(words), n_embd=32, n_layer=2, n_head=4, n_positions=64))
    elif family == "llama":
        words = sentencepiece(bos_token="<s>", eos_token="</s>", unk_token="<unk>")
        model = LlamaModel(LlamaConfig(vocab_size=len(words), **SIZE))
    else:
        end = "<|endoftext|>"
        words = byte_level(around=("", end), special=[end], eos_token=end, pad_token=end)
        model = Qwen3Model(Qwen3Config(vocab_size=len(words), num_key_value_heads=2, head_dim=8, **SIZE))
    for name, weights in model.named_parameters():
        if weights.ndim > 1 and "norm" not in name.lower():
            torch.nn.init.normal_(weights, std=0.3)  # as they come, tokens would hardly differ
    model.save_pretrained(folder, safe_serialization=True)
    words.save_pretrained(folder)
    if pooling:
        (folder / "1_Pooling").mkdir()
        (folder / "1_Pooling" / "config.json").write_text(json.dumps({f"pooling_mode_{pooling}": True}))
        kinds = ("Transformer", "Pooling", "Normalize")
        modules = [{"type": f"sentence_transformers.models.{kind}"} for kind in kinds]
        (folder / "modules.json").write_text(json.dumps(modules))
    return folder
