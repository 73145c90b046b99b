#!/usr/bin/env python3
"""Checkpoints as transformers itself writes them: rotary scalings, norms of heads, biases, wrappers, fp16, shards.

usage: check_variants.py WORK_FOLDER    (environment: see support.py)
"""

import functools
import json
import shutil

import torch
import transformers
from transformers import AutoConfig, AutoModelForCausalLM, AutoModelForImageTextToText

from support import (SMALL_PROMPTS, SMALL_ROW, WORK, agree_over_prompts, case, close, export, finish, logits, new_model,
                     sqpsych, their_logits)

NEW_TOKENS = 32
# Weights large enough that the best token is clear.
SIZES = {"vocab_size": 400, "hidden_size": 64, "num_hidden_layers": 3, "num_attention_heads": 4, "num_key_value_heads": 2,
         "intermediate_size": 96, "max_position_embeddings": 256, "initializer_range": 0.15, "bos_token_id": 1,
         "eos_token_id": 2, "pad_token_id": None, "tie_word_embeddings": False}
LLAMA3 = {"rope_type": "llama3", "factor": 8.0, "low_freq_factor": 1.0, "high_freq_factor": 4.0,
          "original_max_position_embeddings": 32}
YARN = {"rope_type": "yarn", "factor": 4.0, "original_max_position_embeddings": 32}
# llama.cpp takes the long factors for every token of a larger context: every sequence here is longer than four tokens.
LONGROPE = {"rope_type": "longrope", "short_factor": [1.0] * 6, "long_factor": [1.0, 1.5, 2.5, 4.0, 6.0, 8.0]}

# Name -> (model_type, config); all of them can be said in GGUF.
VARIANTS = {
    "llama with llama3 scaling": ("llama", {"rope_theta": 500.0, "rope_scaling": LLAMA3}),
    "llama with linear scaling": ("llama", {"rope_scaling": {"rope_type": "linear", "factor": 4.0}}),
    "llama with biases": ("llama", {"attention_bias": True, "mlp_bias": True}),
    "qwen2 with YaRN": ("qwen2", {"rope_theta": 1000.0, "rope_scaling": YARN}),
    "phi3 with LongRoPE": ("phi3", {"partial_rotary_factor": 0.75, "original_max_position_embeddings": 4,
                                    "rope_scaling": LONGROPE, "sliding_window": None}),
    # llama.cpp looks for these norms in models of 64 layers and more.
    "cohere with norms per head": ("cohere", {"use_qk_norm": True, "logit_scale": 0.25, "tie_word_embeddings": True,
                                              "num_hidden_layers": 64}),
    "mistral with explicit head_dim": ("mistral", {"head_dim": 32, "sliding_window": None}),
}


@functools.cache
def tokenizer_source():
    """A folder of ours whose tokenizer has as many tokens as the models' embeddings have rows."""
    return new_model(WORK / "tokenizer", {"vocabulary_size": SIZES["vocab_size"], "hidden_size": 64, "num_hidden_layers": 1})


def saved(model, folder, **options):
    model.save_pretrained(folder, **options)
    for path in tokenizer_source().glob("tokenizer*"):
        shutil.copy(path, folder / path.name)
    return folder


def random_model(kind, changes, seed=3):
    """By transformers' own initialisation; biases and norms, which it leaves plain, are made uneven."""
    torch.manual_seed(seed)
    model = AutoModelForCausalLM.from_config(AutoConfig.for_model(kind, **{**SIZES, **changes}))
    uneven(model)
    return model


def uneven(model):
    with torch.no_grad():
        for name, parameter in model.named_parameters():
            if name.endswith("bias") or "norm" in name:
                parameter.add_(0.2 * torch.randn_like(parameter))


def agrees_in_llama_cpp(folder):
    gguf = export(folder.with_suffix(".gguf"), "--model", folder, "--format", "gguf", "--type", "F32")
    sqpsych("verify", gguf)
    agree_over_prompts(gguf, SMALL_PROMPTS, folder, n=NEW_TOKENS)


for name, (kind, changes) in VARIANTS.items():
    folder = WORK / name.replace(" ", "-")
    with case(f"{name}: logits as transformers'"):
        saved(random_model(kind, changes), folder)
        close(logits(folder, SMALL_ROW), their_logits(folder, SMALL_ROW))
    with case(f"{name}: as GGUF it agrees with stock llama.cpp"):
        agrees_in_llama_cpp(folder)


with case("cohere with norms per head in few layers: nothing is written that llama.cpp refuses"):
    changes = {"use_qk_norm": True, "tie_word_embeddings": True}
    shallow = saved(random_model("cohere", changes), WORK / "shallow")
    close(logits(shallow, SMALL_ROW), their_logits(shallow, SMALL_ROW))
    sqpsych("export", "--model", shallow, "--format", "gguf", "--output", WORK / "shallow.gguf", expect=1)
    assert not (WORK / "shallow.gguf").exists()

VISION = {"hidden_size": 32, "intermediate_size": 48, "num_hidden_layers": 1, "num_attention_heads": 2, "image_size": 28,
          "patch_size": 14}
# Wrapper -> (its config's class, the language model's config, the vision part's, the rest)
WRAPPERS = {
    "gemma3": (transformers.Gemma3Config,
               {**SIZES, "model_type": "gemma3_text", "head_dim": 16, "query_pre_attn_scalar": 16, "sliding_window": 64,
                "num_hidden_layers": 6, "tie_word_embeddings": True},
               {"model_type": "siglip_vision_model", **VISION}, {"mm_tokens_per_image": 4, "image_token_index": 399}),
    "mistral3": (transformers.Mistral3Config, {**SIZES, "model_type": "mistral", "head_dim": 16, "sliding_window": None},
                 {"model_type": "pixtral", **VISION}, {"image_token_index": 399}),
}


def their_wrapped_logits(folder, ids):
    model, info = AutoModelForImageTextToText.from_pretrained(folder, dtype=torch.float32, output_loading_info=True)
    assert not info["missing_keys"] and not info["unexpected_keys"], info
    with torch.no_grad():
        return model.eval()(input_ids=torch.tensor([ids])).logits[0].float().numpy()


for name, (config_class, text, vision, rest) in WRAPPERS.items():
    folder = WORK / f"wrapped-{name}"
    with case(f"{name} with its vision part: logits as transformers'"):
        torch.manual_seed(5)
        model = AutoModelForImageTextToText.from_config(config_class(text_config=text, vision_config=vision, **rest))
        uneven(model)
        saved(model, folder)
        assert "text_config" in json.loads((folder / "config.json").read_text())
        close(logits(folder, SMALL_ROW), their_wrapped_logits(folder, SMALL_ROW))
    with case(f"{name} with its vision part: its language model as GGUF agrees with stock llama.cpp"):
        agrees_in_llama_cpp(folder)

for dtype in (torch.float16, torch.bfloat16):
    folder = WORK / f"shards-{dtype}".replace("torch.", "")
    with case(f"{dtype} weights in shards: fp32 logits as transformers'"):
        saved(random_model("llama", {}).to(dtype), folder, max_shard_size="100KB")
        assert len(list(folder.glob("*.safetensors"))) > 2
        close(logits(folder, SMALL_ROW), their_logits(folder, SMALL_ROW))

finish()
