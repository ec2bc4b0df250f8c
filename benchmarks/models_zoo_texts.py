"""The architectures of transformers that benchmarks/bench_models.py tries: 4 layers of 64, 16 tokens of 100."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from functools import partial
from importlib import import_module
from typing import Any

import torch
from models_zoo import CLASSES, Architecture, Inputs

VOCABULARY, LENGTH = 100, 16
Options = Mapping[str, Any]

# What configurations have in common; families have names of their own for the same sizes

_WORDS: Options = {"vocab_size": VOCABULARY, "pad_token_id": 0, "bos_token_id": 1, "eos_token_id": 2}
_SIZES: Options = {"hidden_size": 64, "num_hidden_layers": 4, "num_attention_heads": 4, "intermediate_size": 128}
_USUAL: Options = {**_WORDS, **_SIZES}
_WIDE: Options = {**_USUAL, "embedding_size": 64}
_NARROW: Options = {**_USUAL, "embedding_size": 32}
_GROUPED: Options = {**_USUAL, "num_key_value_heads": 2}
_HEADS: Options = {**_GROUPED, "head_dim": 16}
_GPT: Options = {**_WORDS, "n_embd": 64, "n_layer": 4, "n_head": 4}
_STATE: Options = {**_WORDS, "hidden_size": 64, "num_hidden_layers": 4, "state_size": 16}
_BOTH: Options = {
    **_WORDS, "d_model": 64, "encoder_layers": 3, "decoder_layers": 3, "encoder_attention_heads": 4,
    "decoder_attention_heads": 4, "encoder_ffn_dim": 128, "decoder_ffn_dim": 128, "decoder_start_token_id": 1,
    "max_position_embeddings": 64,
}  # fmt: skip
_TEXTS: dict[str, Options] = {
    "BertForSequenceClassification": {**_USUAL, "num_labels": CLASSES},
    "RobertaForMaskedLM": _USUAL,
    "AlbertForMaskedLM": _NARROW,
    "DistilBertForMaskedLM": {**_WORDS, "dim": 64, "n_layers": 4, "n_heads": 4, "hidden_dim": 128},
    "ElectraForMaskedLM": _NARROW,
    "SqueezeBertForMaskedLM": _WIDE,
    "DebertaV2ForMaskedLM": {**_USUAL, "relative_attention": True, "pos_att_type": ["p2c", "c2p"]},
    "FNetForMaskedLM": _USUAL,
    "ConvBertForMaskedLM": _WIDE,
    "RoFormerForMaskedLM": _WIDE,
    "NystromformerForMaskedLM": {**_USUAL, "segment_means_seq_len": 16, "num_landmarks": 4},
    "LongformerForMaskedLM": {**_USUAL, "attention_window": 8, "max_position_embeddings": 64},
    "BigBirdForMaskedLM": {**_USUAL, "attention_type": "original_full"},
    "ModernBertForMaskedLM": {**_USUAL, "local_attention": 8, "cls_token_id": 1, "sep_token_id": 2},
    "XLNetLMHeadModel": {**_WORDS, "d_model": 64, "n_layer": 4, "n_head": 4, "d_inner": 128},
    "GPT2LMHeadModel": _GPT,
    "GPTNeoForCausalLM": {
        **_WORDS, "hidden_size": 64, "num_layers": 4, "num_heads": 4, "window_size": 8,
        "attention_types": [[["global", "local"], 2]],
    },
    "GPTNeoXForCausalLM": _USUAL,
    "GPTJForCausalLM": {**_GPT, "rotary_dim": 8},
    "OPTForCausalLM": {**_USUAL, "ffn_dim": 128, "word_embed_proj_dim": 64},
    "BloomForCausalLM": {**_WORDS, "hidden_size": 64, "n_layer": 4, "n_head": 4},
    "CTRLLMHeadModel": {**_GPT, "dff": 128},
    "LlamaForCausalLM": _GROUPED,
    "MistralForCausalLM": _GROUPED,
    "MixtralForCausalLM": {**_GROUPED, "num_local_experts": 4},
    "Qwen2ForCausalLM": _GROUPED,
    "Qwen3ForCausalLM": _HEADS,
    "GemmaForCausalLM": _HEADS,
    "Gemma2ForCausalLM": _HEADS,
    "PhiForCausalLM": _USUAL,
    "Phi3ForCausalLM": _GROUPED,
    "FalconForCausalLM": _USUAL,
    "StableLmForCausalLM": _GROUPED,
    "Starcoder2ForCausalLM": _GROUPED,
    "OlmoForCausalLM": _GROUPED,
    "Olmo2ForCausalLM": _GROUPED,
    "CohereForCausalLM": _GROUPED,
    "GraniteForCausalLM": _GROUPED,
    "NemotronForCausalLM": _GROUPED,
    "PersimmonForCausalLM": _USUAL,
    "SmolLM3ForCausalLM": _GROUPED,
    "MptForCausalLM": {**_WORDS, "d_model": 64, "n_layers": 4, "n_heads": 4},
    "MambaForCausalLM": _STATE,
    "Mamba2ForCausalLM": {**_STATE, "num_heads": 8, "head_dim": 16, "n_groups": 2, "chunk_size": 8},
    "RwkvForCausalLM": {**_WORDS, "hidden_size": 64, "num_hidden_layers": 4},
    "T5ForConditionalGeneration": {
        **_WORDS, "d_model": 64, "d_kv": 16, "d_ff": 128, "num_layers": 3, "num_heads": 4, "decoder_start_token_id": 0,
    },
    "BartForConditionalGeneration": _BOTH,
    "PegasusForConditionalGeneration": _BOTH,
    "BlenderbotSmallForConditionalGeneration": _BOTH,
}  # fmt: skip
_SEEN: Options = {**_USUAL, "image_size": 32, "patch_size": 8}
_STAGES: Options = {"hidden_sizes": [16, 32, 64, 128], "depths": [1, 1, 1, 1]}
_PICTURES: dict[str, Options] = {
    "ViTForImageClassification": _SEEN,
    "DeiTForImageClassification": _SEEN,
    "BeitForImageClassification": _SEEN,
    "Dinov2ForImageClassification": _SEEN,
    "CLIPVisionModel": _SEEN,
    "SiglipVisionModel": _SEEN,
    "SwinForImageClassification": {
        "image_size": 32, "patch_size": 2, "embed_dim": 32, "depths": [2, 2], "num_heads": [2, 4], "window_size": 4,
    },
    "ConvNextForImageClassification": _STAGES,
    "SegformerForImageClassification": {**_STAGES, "num_attention_heads": [1, 2, 4, 8]},
    "ResNetForImageClassification": {"embedding_size": 16, "hidden_sizes": [32, 64], "depths": [2, 2]},
    "PoolFormerForImageClassification": _STAGES,
}  # fmt: skip
_WAVES: Options = {
    **_USUAL, "conv_dim": [32, 32, 32], "conv_stride": [5, 4, 4], "conv_kernel": [10, 8, 4],
    "num_conv_pos_embeddings": 16, "num_conv_pos_embedding_groups": 4, "apply_spec_augment": False,
}  # fmt: skip
_SERIES: dict[str, tuple[str, tuple[int, ...], Options]] = {
    "Wav2Vec2ForCTC": ("input_values", (2000,), _WAVES),
    "HubertForCTC": ("input_values", (2000,), _WAVES),
    "WhisperForConditionalGeneration": (
        "input_features", (80, 64), {**_BOTH, "max_source_positions": 32, "max_target_positions": 32},
    ),
    "PatchTSTForRegression": ("past_values", (32, 4), {
        "num_input_channels": 4, "context_length": 32, "patch_length": 8, "patch_stride": 4, "d_model": 64,
        "num_hidden_layers": 3, "ffn_dim": 128, "num_targets": CLASSES,
    }),
}  # fmt: skip
_TRAINED = {
    "BertForSequenceClassification", "GPT2LMHeadModel", "LlamaForCausalLM", "MambaForCausalLM", "GPTNeoXForCausalLM",
    "T5ForConditionalGeneration", "ViTForImageClassification", "ConvNextForImageClassification",
}  # fmt: skip


def transformers() -> Iterator[Architecture]:
    library = import_module("transformers")
    library.logging.set_verbosity_error()
    for name, options in _TEXTS.items():
        yield _one(library, name, options, partial(_tokens, both="Generation" in name))
    for name, options in _PICTURES.items():
        classes = {"num_labels": CLASSES} if "Classification" in name else {}
        yield _one(library, name, {**options, **classes}, partial(_series, "pixel_values", (3, 32, 32), False))
    for name, (word, shape, options) in _SERIES.items():
        yield _one(library, name, options, partial(_series, word, shape, "Generation" in name))


def _one(library: Any, name: str, options: Options, inputs: Callable[[int], Inputs]) -> Architecture:
    model = getattr(library, name)
    return Architecture(
        "transformers", name, lambda: model(model.config_class(**options)), inputs, trains=name in _TRAINED
    )


def _tokens(batch: int, both: bool = False) -> dict[str, torch.Tensor]:
    draw = partial(torch.randint, 3, VOCABULARY, (batch, LENGTH))
    return {"input_ids": draw(), "decoder_input_ids": draw()} if both else {"input_ids": draw()}


def _series(word: str, shape: tuple[int, ...], decoded: bool, batch: int) -> dict[str, torch.Tensor]:
    x = {word: torch.randn(batch, *shape)}
    return {**x, "decoder_input_ids": _tokens(batch)["input_ids"]} if decoded else x
