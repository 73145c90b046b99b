#!/usr/bin/env python3
"""Writes tests/models/families/goldens/CASE.json: what transformers and PEFT compute for a tiny model of every family.

usage: make_goldens.py OUTPUT_FOLDER [CASE ...]     (needs torch, transformers, peft, safetensors; versions go into the files)

No weights are kept: every value is a formula of its tensor's name and its index, which the C++ test
computes too (tests/models/families/formula_weights.h). A file holds the config in the older and the
newer spelling, fp32 logits of a short and of a long row at a few positions, the error of
transformers' own bf16 run, and gradients of LoRA matrices.
"""

import json
import pathlib
import sys
import tempfile

import numpy as np
import peft
import torch
import transformers
from safetensors import safe_open
from safetensors.torch import save_file
from transformers import AutoModelForCausalLM

VOCABULARY = 48
SHORT, LONG = 14, 60  # tokens; windows are 16, original contexts 32
RANK, ALPHA = 2, 4
SIZES = {"vocab_size": VOCABULARY, "hidden_size": 32, "num_hidden_layers": 3, "num_attention_heads": 4,
         "num_key_value_heads": 2, "intermediate_size": 40, "max_position_embeddings": 256, "rms_norm_eps": 1e-5,
         "bos_token_id": 1, "eos_token_id": 2, "pad_token_id": 0}
LLAMA3 = {"rope_type": "llama3", "factor": 8.0, "low_freq_factor": 1.0, "high_freq_factor": 4.0,
          "original_max_position_embeddings": 32}
YARN = {"type": "yarn", "factor": 4.0, "original_max_position_embeddings": 32, "beta_fast": 4.0}
LONGROPE = {"type": "longrope", "short_factor": [1.0, 1.1, 1.2, 1.3, 1.4, 1.5], "long_factor": [1.0, 1.5, 2.5, 4.0, 6.0, 8.0]}

# Case -> (architecture, config in the older spelling). The family is the part before a dash.
CASES = {
    "llama": ("LlamaForCausalLM", {"rope_theta": 500.0, "rope_scaling": LLAMA3}),
    "llama-biases": ("LlamaForCausalLM", {"attention_bias": True, "mlp_bias": True, "tie_word_embeddings": True,
                                          "num_key_value_heads": 4, "rope_scaling": {"type": "linear", "factor": 4.0}}),
    "mistral": ("MistralForCausalLM", {"head_dim": 16, "sliding_window": 16, "rope_theta": 10000.0}),
    "mixtral": ("MixtralForCausalLM", {"num_local_experts": 4, "num_experts_per_tok": 2, "sliding_window": None,
                                       "rope_theta": 1e6}),
    "qwen2": ("Qwen2ForCausalLM", {"tie_word_embeddings": True, "use_sliding_window": False, "sliding_window": 16,
                                   "rope_theta": 1e6}),
    "qwen2-yarn": ("Qwen2ForCausalLM", {"use_sliding_window": True, "sliding_window": 16, "max_window_layers": 1,
                                        "rope_theta": 1000.0, "rope_scaling": YARN}),
    "qwen3": ("Qwen3ForCausalLM", {"head_dim": 16, "tie_word_embeddings": True, "rope_theta": 1e6}),
    "qwen3_moe": ("Qwen3MoeForCausalLM", {"head_dim": 8, "num_experts": 6, "num_experts_per_tok": 2,
                                          "moe_intermediate_size": 24, "norm_topk_prob": True, "rope_theta": 1e6,
                                          "decoder_sparse_step": 1, "mlp_only_layers": []}),
    "qwen3_moe-raw": ("Qwen3MoeForCausalLM", {"head_dim": 16, "num_experts": 4, "num_experts_per_tok": 3,
                                              "moe_intermediate_size": 16, "norm_topk_prob": False, "rope_theta": 1e6,
                                              "decoder_sparse_step": 1, "mlp_only_layers": []}),
    "gemma2": ("Gemma2ForCausalLM", {"head_dim": 16, "query_pre_attn_scalar": 24, "attn_logit_softcapping": 2.0,
                                     "final_logit_softcapping": 5.0, "sliding_window": 16, "rope_theta": 10000.0,
                                     "hidden_activation": "gelu_pytorch_tanh"}),
    "gemma3": ("Gemma3ForCausalLM", {"model_type": "gemma3_text", "head_dim": 16, "num_hidden_layers": 4,
                                     "query_pre_attn_scalar": 16, "sliding_window": 16, "sliding_window_pattern": 3,
                                     "rope_theta": 1000.0, "rope_local_base_freq": 100.0,
                                     "rope_scaling": {"rope_type": "linear", "factor": 8.0},
                                     "hidden_activation": "gelu_pytorch_tanh"}),
    "phi3": ("Phi3ForCausalLM", {"hidden_size": 64, "partial_rotary_factor": 0.75, "original_max_position_embeddings": 32,
                                 "rope_theta": 10000.0, "rope_scaling": LONGROPE, "sliding_window": 24}),
    "smollm3": ("SmolLM3ForCausalLM", {"num_hidden_layers": 4, "rope_theta": 2e6, "no_rope_layers": [1, 1, 1, 0],
                                       "tie_word_embeddings": True, "use_sliding_window": False, "sliding_window": None}),
    "cohere": ("CohereForCausalLM", {"layer_norm_eps": 1e-5, "logit_scale": 0.25, "use_qk_norm": True,
                                     "rope_theta": 10000.0}),
    "cohere2": ("Cohere2ForCausalLM", {"layer_norm_eps": 1e-5, "logit_scale": 0.25, "num_hidden_layers": 4,
                                       "sliding_window": 16, "sliding_window_pattern": 4, "rope_theta": 1000.0}),
}


def uniform(name, count):
    """[-1, 1): FNV-1a of the name, then splitmix64 of (hash + index)."""
    state = 0xCBF29CE484222325
    for byte in name.encode():
        state = ((state ^ byte) * 0x100000001B3) % 2**64
    with np.errstate(over="ignore"):
        z = np.uint64(state) + np.arange(1, count + 1, dtype=np.uint64) * np.uint64(0x9E3779B97F4A7C15)
        z = (z ^ (z >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
        z = (z ^ (z >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
        z = z ^ (z >> np.uint64(31))
    return (z >> np.uint64(40)).astype(np.float64) / 2**23 - 1


def formula(name, shape):
    """Norms near 1, biases within 0.25, matrices that keep the size of what goes through them."""
    values = uniform(name, int(np.prod(shape))).reshape(shape)
    if name.endswith("norm.weight"):
        values = 1 + 0.25 * values
    elif name.endswith("bias"):
        values = 0.25 * values
    else:
        values = values * np.sqrt(3 / shape[-1])
    return torch.tensor(values.astype(np.float32))


def row(length):
    return [(7 * i + i * i // 3 + length) % VOCABULARY for i in range(length)]


def make_folder(case, folder):
    """A checkpoint folder with weights by formula, as save_pretrained names them."""
    architecture, changes = CASES[case]
    config = {"architectures": [architecture], "model_type": case.split("-")[0], **SIZES, **changes}
    if "layer_norm_eps" in config:
        del config["rms_norm_eps"]
    (folder / "config.json").write_text(json.dumps(config))
    blank = AutoModelForCausalLM.from_config(transformers.AutoConfig.from_pretrained(folder))
    blank.save_pretrained(folder)
    with safe_open(folder / "model.safetensors", "pt") as file:
        shapes = {name: tuple(file.get_slice(name).get_shape()) for name in file.keys()}
    save_file({name: formula(name, shape) for name, shape in shapes.items()}, folder / "model.safetensors",
              metadata={"format": "pt"})
    return config


def load(folder, dtype=torch.float32):
    model, info = AutoModelForCausalLM.from_pretrained(folder, dtype=dtype, attn_implementation="eager",
                                                       output_loading_info=True)
    assert not info["missing_keys"] and not info["unexpected_keys"], info
    return model.eval()


def logits(model, ids):
    with torch.no_grad():
        return model(torch.tensor([ids])).logits[0].float()


def rounded(tensor):
    return [float(f"{value:.7g}") for value in tensor.flatten().tolist()]


def some_of(gradient):
    flat = gradient.flatten()
    places = sorted({0, len(flat) // 3, len(flat) // 2, len(flat) - 1})
    return [rounded(gradient.norm().reshape(1))[0], places, rounded(flat[places])]


def lora_gradients(folder, ids):
    """Of the mean loss of the row's second half. Per tensor of the first and the last layer: norm, places, values."""
    model = load(folder)
    # Experts and routers are no linear layers here; PEFT's all-linear would reach them as parameters.
    targets = ["q_proj", "k_proj", "v_proj", "o_proj"] if hasattr(model.config, "num_experts_per_tok") else "all-linear"
    config = peft.LoraConfig(r=RANK, lora_alpha=ALPHA, target_modules=targets, task_type="CAUSAL_LM")
    model = peft.get_peft_model(model, config)
    factors = {}
    for name, parameter in model.named_parameters():
        if ".lora_" not in name:
            continue
        name = name.removeprefix("base_model.model.").replace(".default", "")
        parameter.data = formula(name, tuple(parameter.shape)) * (1 if "lora_A" in name else 0.5)
        factors[name] = parameter
    labels = torch.tensor([[-100 if i < len(ids) // 2 else token for i, token in enumerate(ids)]])
    loss = model(torch.tensor([ids]), labels=labels).loss
    loss.backward()
    ends = ("layers.0.", f"layers.{model.config.num_hidden_layers - 1}.")
    return {"r": RANK, "lora_alpha": ALPHA, "loss": float(loss), "modules": len(factors) // 2,
            "tensors": {name: some_of(parameter.grad) for name, parameter in factors.items()
                        if any(end in name for end in ends)}}


def golden(case):
    with tempfile.TemporaryDirectory() as name:
        folder = pathlib.Path(name)
        config = make_folder(case, folder)
        wide, narrow = load(folder), load(folder, torch.bfloat16)
        rows, errors = [], []
        for length, positions in ((SHORT, [0, 5, 13]), (LONG, [0, 17, 33, 59])):
            exact = logits(wide, row(length))
            rows.append({"length": length, "positions": positions, "logits": [rounded(exact[p]) for p in positions]})
            errors.append(logits(narrow, row(length)) - exact)
        error = torch.cat(errors)
        saved = json.loads((folder / "config.json").read_text())
        for key in ("transformers_version", "architectures", "initializer_range", "use_cache", "attention_dropout"):
            saved.pop(key, None)
        return {"script": "scripts/make_goldens.py", "versions": {"torch": torch.__version__,
                "transformers": transformers.__version__, "peft": peft.__version__}, "family": case.split("-")[0],
                "config": config, "saved_config": saved, "rows": rows,
                "bf16_root_mean_square_error": float(error.square().mean().sqrt()),
                "lora": lora_gradients(folder, row(LONG))}


def text_of(document):
    """One line per key, and per row of numbers."""
    def lines(value):
        if isinstance(value, list) and value and isinstance(value[0], dict):
            return "[" + ",\n  ".join(json.dumps(item) for item in value) + "]"
        return json.dumps(value)
    return "{\n" + ",\n".join(f" {json.dumps(key)}: {lines(value)}" for key, value in document.items()) + "\n}\n"


def main(arguments):
    torch.set_num_threads(1)
    output = pathlib.Path(arguments[0])
    for case in arguments[1:] or CASES:
        text = text_of(golden(case))
        path = output / f"{case}.json"
        path.write_text(text)
        print(f"{path}: {len(text)} bytes", flush=True)


if __name__ == "__main__":
    main(sys.argv[1:])
