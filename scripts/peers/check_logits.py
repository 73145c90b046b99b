#!/usr/bin/env python3
"""The decoder against transformers and PEFT: logits of every feature, adapters, greedy replies, new models.

usage: check_logits.py WORK_FOLDER    (environment: see support.py)
"""

import json
import shutil

import torch
from peft import LoraConfig, PeftModel, get_peft_model
from transformers import AutoModelForCausalLM, AutoTokenizer, LlamaConfig, LlamaForCausalLM

from support import MODEL, STORY, WORK, case, close, finish, ids_text, logits, new_model, sqpsych, their_logits

BOUND = 1e-4
SIZES = {"vocab_size": 96, "hidden_size": 32, "num_hidden_layers": 3, "num_attention_heads": 4,
         "num_key_value_heads": 2, "intermediate_size": 56, "max_position_embeddings": 512,
         "bos_token_id": 1, "eos_token_id": 2}
LLAMA3 = {"rope_type": "llama3", "rope_theta": 500000.0, "factor": 8.0, "low_freq_factor": 1.0,
          "high_freq_factor": 4.0, "original_max_position_embeddings": 64}
VARIANTS = {
    "grouped heads, untied": {},
    "one key head, tied": {"num_key_value_heads": 1, "tie_word_embeddings": True},
    "biases": {"attention_bias": True, "mlp_bias": True, "num_key_value_heads": 4},
    "explicit head_dim": {"head_dim": 20},
    "llama3 rope scaling": {"rope_parameters": LLAMA3},
}
LONG = [(7 * i + i * i // 3) % 96 for i in range(300)]


def theirs(model, ids):
    with torch.no_grad():
        return model(torch.tensor([list(ids)])).logits[0].float().numpy()


def random_model(name, **changes):
    """A folder with every weight random (biases and norms too), and the model itself."""
    torch.manual_seed(len(name))
    model = LlamaForCausalLM(LlamaConfig(**{**SIZES, **changes})).eval()
    with torch.no_grad():
        for key, parameter in model.named_parameters():
            parameter.normal_(1.0 if "norm" in key else 0.0, 0.2)
    return model


for variant, changes in VARIANTS.items():
    with case(f"logits equal transformers: {variant}"):
        folder = WORK / "random"
        shutil.rmtree(folder, ignore_errors=True)
        model = random_model(variant, **changes)
        model.save_pretrained(folder)
        close(logits(folder, LONG), theirs(model, LONG), atol=BOUND)

with case("sharded folder with the old spelling of the config"):
    folder = WORK / "sharded"
    model = random_model("sharded", rope_parameters=LLAMA3)
    model.save_pretrained(folder, max_shard_size="20KB")
    assert len(list(folder.glob("model-*.safetensors"))) > 1, "the test needs more than one shard"
    config = json.loads((folder / "config.json").read_text())
    rope = config.pop("rope_parameters")
    config["rope_theta"] = rope.pop("rope_theta")
    config["rope_scaling"] = {**rope, "type": rope.pop("rope_type")}
    config["torch_dtype"] = config.pop("dtype", "float32")
    (folder / "config.json").write_text(json.dumps(config))
    close(logits(folder, LONG), theirs(model, LONG), atol=BOUND)

with case("the real model, F32 and BF16 file"):
    folder = WORK / "bf16"
    folder.mkdir(exist_ok=True)
    shutil.copy(MODEL / "config.bf16.json", folder / "config.json")
    shutil.copy(MODEL / "model.bf16.safetensors", folder / "model.safetensors")
    ids = [1, *STORY]
    expected = their_logits(MODEL, ids)
    close(logits(MODEL, ids), expected, atol=BOUND)
    close(logits(folder, ids), expected, atol=BOUND)

with case("greedy reply equals transformers' generate"):
    model = AutoModelForCausalLM.from_pretrained(MODEL, dtype=torch.float32).eval()
    tokenizer = AutoTokenizer.from_pretrained(MODEL)
    prompt = tokenizer("Tom and his dog went to the park.")["input_ids"]
    reply = model.generate(torch.tensor([prompt]), max_new_tokens=80, do_sample=False)[0, len(prompt):].tolist()
    if reply[-1] == 2:
        reply.pop()
    ours = json.loads(sqpsych("complete", "--model", MODEL, "--ids", ids_text(prompt), "--n", "80", "--set",
                              "temperature=0"))
    assert ours["ids"] == reply, f"{ours['ids']} instead of {reply}"

ADAPTERS = {
    "plain": {"r": 4, "lora_alpha": 16, "target_modules": ["q_proj", "v_proj"]},
    "all linear, rank-stabilised": {"r": 6, "lora_alpha": 9, "use_rslora": True, "target_modules": "all-linear"},
    "patterns": {"r": 4, "lora_alpha": 8, "target_modules": ["q_proj", "down_proj"],
                 "rank_pattern": {"down_proj": 2}, "alpha_pattern": {"q_proj": 3}},
}
for name, settings in ADAPTERS.items():
    with case(f"adapter made by PEFT: {name}"):
        folder, adapter = WORK / "adapted", WORK / "adapter"
        shutil.rmtree(adapter, ignore_errors=True)
        model = random_model("adapted")
        model.save_pretrained(folder)
        tuned = get_peft_model(model, LoraConfig(task_type="CAUSAL_LM", init_lora_weights=False, **settings)).eval()
        tuned.save_pretrained(adapter)
        close(logits(folder, LONG, adapter=adapter), theirs(tuned, LONG), atol=BOUND)
        base = AutoModelForCausalLM.from_pretrained(folder, dtype=torch.float32).eval()
        again = PeftModel.from_pretrained(base, adapter).eval()
        close(logits(folder, LONG, adapter=adapter), theirs(again, LONG), atol=BOUND)

with case("a new model loads in transformers, tokenizer included"):
    folder = new_model(WORK / "new-model", {"vocabulary_size": 400, "hidden_size": 32, "intermediate_size": 48})
    model = AutoModelForCausalLM.from_pretrained(folder, dtype=torch.float32).eval()
    tokenizer = AutoTokenizer.from_pretrained(folder)
    for line in ("Sentence 3 speaks of work.", "  two  spaces, ümläut and 日本", "<|im_start|>user\nhi<|im_end|>\n"):
        ids = json.loads(sqpsych("tokenize", "--model", folder, "--text", line).splitlines()[0])
        assert tokenizer(line)["input_ids"] == ids, f"{line!r}: {tokenizer(line)['input_ids']} instead of {ids}"
        close(logits(folder, ids), theirs(model, ids), atol=BOUND)
    messages = [{"role": "user", "content": "I sleep badly."}]
    assert "I sleep badly." in tokenizer.apply_chat_template(messages, tokenize=False, add_generation_prompt=True)

finish()
