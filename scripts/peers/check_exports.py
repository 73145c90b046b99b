#!/usr/bin/env python3
"""What we export, judged by the programs that load it: stock llama.cpp, transformers, PEFT, gguf-py.

usage: check_exports.py WORK_FOLDER   (run by scripts/test_peers.sh)
"""

import numpy as np

from support import (MODEL, STORY, WORK, agree_with_oracle, case, close, export, finish, logits, oracle_greedy,
                     oracle_refuses, sqpsych, their_logits)

IDS = [1, *STORY]


def random_adapter(folder, config_changes=None, targets=None, seed=7):
    """A PEFT adapter with both factors random, made by PEFT itself."""
    import torch
    from peft import LoraConfig, get_peft_model
    from transformers import AutoModelForCausalLM
    torch.manual_seed(seed)
    model = AutoModelForCausalLM.from_pretrained(base_folder(), dtype=torch.float32)
    config = LoraConfig(r=8, lora_alpha=16, target_modules=targets or "all-linear", task_type="CAUSAL_LM",
                        **(config_changes or {}))
    model = get_peft_model(model, config)
    with torch.no_grad():
        for name, parameter in model.named_parameters():
            if "lora_B" in name:
                parameter.normal_(0, 0.05)
    model.save_pretrained(folder)
    return folder


def base_folder():
    """The real model with its embedding under the name that every transformers version ties."""
    folder = WORK / "base"
    return folder if folder.exists() else export(folder, "--model", MODEL, "--format", "huggingface")


adapter = WORK / "adapter"
with case("base as GGUF F32 in llama.cpp"):
    gguf = export(WORK / "base-f32.gguf", "--model", MODEL, "--format", "gguf", "--type", "F32")
    agree_with_oracle(gguf, MODEL)

with case("a folder with the embedding under its own name and bf16 weights gives the same GGUF"):
    import shutil
    other = WORK / "bf16-source"
    other.mkdir()
    for source, name in [("model.bf16.safetensors", "model.safetensors"), ("config.bf16.json", "config.json"),
                         ("tokenizer.json", None), ("tokenizer_config.json", None)]:
        shutil.copy(MODEL / source, other / (name or source))
    from gguf import GGUFReader
    gguf = export(WORK / "bf16-source-f32.gguf", "--model", other, "--format", "gguf", "--type", "f32")
    left = {t.name: t.data for t in GGUFReader(gguf).tensors}
    right = {t.name: t.data for t in GGUFReader(WORK / "base-f32.gguf").tensors}
    assert left.keys() == right.keys() and all(np.array_equal(left[n], right[n]) for n in left)

for kind in ["F16", "BF16", "Q8_0"]:
    with case(f"base as GGUF {kind}: gguf-py reads it, tensors are byte for byte what gguf-py makes"):
        from gguf import GGMLQuantizationType, GGUFReader, quants
        gguf = export(WORK / f"base-{kind}.gguf", "--model", MODEL, "--format", "gguf", "--type", kind)
        reference = {t.name: t for t in GGUFReader(WORK / "base-f32.gguf").tensors}
        for tensor in GGUFReader(gguf).tensors:
            values = np.array(reference[tensor.name].data, dtype=np.float32)
            if tensor.tensor_type == GGMLQuantizationType.F32:
                assert np.array_equal(tensor.data, values), tensor.name
                continue
            assert tensor.tensor_type.name == kind, (tensor.name, tensor.tensor_type)
            expected = quants.quantize(values, tensor.tensor_type)
            assert np.array_equal(np.array(tensor.data).view(np.uint8), expected.view(np.uint8)), tensor.name
        assert len(oracle_greedy(gguf, [[1]], n=8)[0]["greedy"]) == 8

with case("chat template, ids and padding reach the file"):
    from gguf import GGUFReader
    gguf = export(WORK / "chatml.gguf", "--model", MODEL, "--format", "gguf", "--set", "chat_template=chatml")
    fields = GGUFReader(gguf).fields
    assert "im_end" in fields["tokenizer.chat_template"].contents()
    assert fields["tokenizer.ggml.bos_token_id"].contents() == 1
    assert fields["tokenizer.ggml.eos_token_id"].contents() == 2
    assert len(fields["tokenizer.ggml.tokens"].contents()) == 2048
    assert "im_end" in oracle_greedy(gguf, [[1]], n=1)[0]["chatTemplate"]

with case("base folder in transformers"):
    close(logits(base_folder(), IDS), their_logits(base_folder(), IDS))

with case("adapter of PEFT in our engine"):
    random_adapter(adapter)
    close(logits(MODEL, IDS, adapter=adapter), their_logits(base_folder(), IDS, adapter))

with case("merged folder in transformers equals the adapter"):
    merged = export(WORK / "merged", "--model", MODEL, "--adapter", adapter, "--format", "huggingface")
    close(their_logits(merged, IDS), their_logits(base_folder(), IDS, adapter))
    assert (merged / "manifest.json").exists()

with case("merged model as GGUF F32 in llama.cpp"):
    gguf = export(WORK / "merged.gguf", "--model", MODEL, "--adapter", adapter, "--format", "gguf", "--type", "F32")
    agree_with_oracle(gguf, WORK / "merged")

with case("GGUF adapter on the base in llama.cpp"):
    lora = export(WORK / "adapter.gguf", "--model", MODEL, "--adapter", adapter, "--format", "gguf-adapter")
    agree_with_oracle(WORK / "base-f32.gguf", MODEL, adapter=adapter, lora=lora)

with case("GGUF adapter with rsLoRA, rank_pattern and alpha_pattern in llama.cpp"):
    patterned = random_adapter(WORK / "patterned", seed=8, config_changes={
        "use_rslora": True, "rank_pattern": {"q_proj": 4}, "alpha_pattern": {"down_proj": 5, "v_proj": 3}})
    close(logits(MODEL, IDS, adapter=patterned), their_logits(base_folder(), IDS, patterned))
    lora = export(WORK / "patterned.gguf", "--model", MODEL, "--adapter", patterned, "--format", "gguf-adapter")
    agree_with_oracle(WORK / "base-f32.gguf", MODEL, adapter=patterned, lora=lora)

with case("our own engine reads the GGUF types we write"):
    ours = logits(MODEL, IDS)
    close(logits(WORK / "base-f32.gguf", IDS), ours, atol=1e-5)
    for kind, bound in [("F16", 0.05), ("BF16", 0.5), ("Q8_0", 0.5)]:
        close(logits(WORK / f"base-{kind}.gguf", IDS), ours, atol=bound)

with case("adapters on tied embeddings are refused"):
    tied = random_adapter(WORK / "tied", targets=["q_proj", "embed_tokens"])
    sqpsych("export", "--model", MODEL, "--adapter", tied, "--format", "gguf-adapter", "--output", WORK / "tied.gguf",
            expect=1)

with case("verify passes what we write"):
    for gguf in sorted(WORK.glob("*.gguf")):
        sqpsych("verify", gguf)


def changed(name, change):
    """A copy of the good file with bytes changed."""
    path = WORK / f"negative-{name}.gguf"
    path.write_bytes(change((WORK / "base-f32.gguf").read_bytes()))
    return path


NEGATIVE = {
    "magic": lambda data: b"GGML" + data[4:],
    "version": lambda data: data[:4] + b"\x04" + data[5:],
    "key-missing": lambda data: data.replace(b"llama.context_length", b"llama.context_lengty"),
    "rope-dimensions": lambda data: data.replace(
        b"llama.rope.dimension_count\x04\0\0\0\x10", b"llama.rope.dimension_count\x04\0\0\0\x08"),
    "tensor-missing": lambda data: data.replace(b"blk.1.attn_norm.weight", b"blk.1.attn_nurm.weight"),
    "data-truncated": lambda data: data[:-4096],
}
for name, change in NEGATIVE.items():
    with case(f"negative file: {name} is named by verify and refused by llama.cpp"):
        path = changed(name, change)
        assert path.read_bytes() != (WORK / "base-f32.gguf").read_bytes()
        assert f": {name}: " in sqpsych("verify", path, expect=1)
        assert oracle_refuses(path), "llama.cpp loads it"

finish()
