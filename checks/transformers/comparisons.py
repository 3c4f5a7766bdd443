"""What transformers and peft make of tokenizers, configurations and adapters, for the table of the check."""

import json
import sys
from pathlib import Path

import torch
from peft import LoraConfig, get_peft_model
from transformers import AutoModelForCausalLM, GenerationConfig, LlamaConfig

out = Path(sys.argv[1])
sys.path.insert(0, sys.argv[2])
import tokenizers_of_families  # noqa: E402

ids = [3, 7, 1, 9, 30, 12, 5, 5, 0, 22, 41, 8]
sizes = dict(
    vocab_size=48, hidden_size=16, intermediate_size=20, num_hidden_layers=2, num_attention_heads=4, num_key_value_heads=2,
    max_position_embeddings=64, bos_token_id=0, eos_token_id=1,
)  # fmt: skip
torch.manual_seed(1)
base = AutoModelForCausalLM.from_config(LlamaConfig(**sizes), dtype=torch.float32).eval()
with torch.no_grad():
    for parameter in base.parameters():
        parameter.add_(torch.randn_like(parameter) * 0.3)
base.save_pretrained(out / "base")


def load(folder):
    return AutoModelForCausalLM.from_pretrained(folder, dtype=torch.float32, attn_implementation="eager").eval()


@torch.no_grad()
def last(model):
    return model(torch.tensor([ids])).logits[0, -1].tolist()


tokenizers = []
for name in ["llama3", "mistral", "qwen3"]:
    tokenizer = tokenizers_of_families.make(name)
    tokenizer.save_pretrained(out / f"tokenizer-{name}")
    tokenizers.append(dict(name=name, **tokenizers_of_families.expected(tokenizer)))

yarn = dict(rope_type="yarn", factor=4.0, original_max_position_embeddings=16)
edits = {
    "nothing": {},
    "harmless marks": dict(is_llama_config=True, unsloth_fixed=True, neftune_noise_alpha=5.0, max_length=4096),
    "interleaved is false": dict(rope_interleaved=False),
    "how it was trained": dict(attn_implementation="sdpa", gradient_checkpointing=True),
    "several ends": dict(eos_token_id=[0, 2]),
    "no end": dict(eos_token_id=None),
    "yarn": dict(rope_scaling=yarn, rope_theta=10000.0),
    "yarn, original at the top": dict(rope_scaling=dict(rope_type="yarn", factor=4.0), original_max_position_embeddings=16),
    "yarn by its old name": dict(rope_scaling=dict(type="yarn", factor=4.0, original_max_position_embeddings=16)),
    "linear": dict(rope_scaling=dict(type="linear", factor=2.0)),
    "dynamic": dict(rope_scaling=dict(rope_type="dynamic", factor=2.0)),
    "another theta": dict(rope_theta=500.0),
    "another epsilon": dict(rms_norm_eps=0.1),
    "another activation": dict(hidden_act="gelu"),
    "biases that are not there": dict(attention_bias=True),
    "partly rotated": dict(partial_rotary_factor=0.5),
    "tied": dict(tie_word_embeddings=True),
}
text = json.loads((out / "base" / "config.json").read_text())
configurations = []
for i, (name, edit) in enumerate(edits.items()):
    folder = out / f"config-{i}"
    folder.mkdir()
    for file in ["model.safetensors"]:
        (folder / file).write_bytes((out / "base" / file).read_bytes())
    config = {k: v for k, v in text.items() if k not in ("rope_parameters",) or "rope_scaling" not in edit and "rope_theta" not in edit}
    (folder / "config.json").write_text(json.dumps(config | edit))
    entry = dict(name=name, folder=str(folder))
    try:
        model = load(folder)
        eos = model.generation_config.eos_token_id
        entry |= dict(logits=last(model), eos=eos if isinstance(eos, list) else [] if eos is None else [eos])
    except Exception as error:
        entry |= dict(refused=f"{type(error).__name__}")
    configurations.append(entry)

options = {
    "plain": dict(target_modules=["q_proj", "v_proj"]),
    "all-linear": dict(target_modules="all-linear"),
    "rsLoRA": dict(target_modules=["k_proj", "o_proj"], use_rslora=True),
    "suffixes": dict(target_modules=["self_attn.q_proj", "mlp.up_proj"]),
    "a regular expression": dict(target_modules=r".*\.1\..*(gate|down)_proj"),
    "some layers": dict(target_modules=["q_proj", "down_proj"], layers_to_transform=[0]),
    "ranks by pattern": dict(target_modules=["q_proj", "down_proj"], rank_pattern={"down_proj": 5}),
    "alphas by pattern": dict(target_modules=["q_proj", "v_proj"], alpha_pattern={"layers.0.self_attn.v_proj": 9}),
    "both, rank-stabilised": dict(
        target_modules=["q_proj", "up_proj"], rank_pattern={"q_proj": 1}, alpha_pattern={"up_proj": 2}, use_rslora=True
    ),
    "excluded": dict(target_modules=["q_proj", "v_proj"], exclude_modules=["layers.0.self_attn.v_proj"]),
    "DoRA": dict(target_modules=["q_proj"], use_dora=True),
    "DoRA, rank-stabilised, on the head": dict(target_modules=["down_proj", "lm_head"], use_dora=True, use_rslora=True),
    "DoRA on the embedding": dict(target_modules=["q_proj", "embed_tokens"], use_dora=True),
    "DoRA, ranks by pattern": dict(target_modules=["q_proj", "up_proj"], use_dora=True, rank_pattern={"up_proj": 1}),
    "a module saved whole": dict(target_modules=["q_proj"], modules_to_save=["lm_head"]),
    "head and embedding saved whole": dict(target_modules=["q_proj"], modules_to_save=["lm_head", "embed_tokens"]),
    "norms saved whole": dict(target_modules=["q_proj"], modules_to_save=["norm"]),
    "an MLP saved whole": dict(target_modules=["q_proj"], modules_to_save=["layers.0.mlp"]),
    "saved whole, ranks by pattern": dict(
        target_modules=["q_proj", "lm_head", "embed_tokens"], modules_to_save=["o_proj"], rank_pattern={"lm_head": 3, "embed_tokens": 1}
    ),
    "tokens": dict(target_modules=["q_proj"], trainable_token_indices=[3, 7]),
    "on the head": dict(target_modules=["q_proj", "lm_head"]),
    "on the embedding": dict(target_modules=["q_proj", "embed_tokens"]),
    "with biases": dict(target_modules=["q_proj"], bias="lora_only"),
}
adapters = []
for i, (name, option) in enumerate(options.items()):
    torch.manual_seed(i)
    model = get_peft_model(load(out / "base"), LoraConfig(r=2, lora_alpha=3, task_type="CAUSAL_LM", **option)).eval()
    with torch.no_grad():
        for key, parameter in model.named_parameters():
            if "magnitude" in key or "modules_to_save" in key or "trainable_tokens_delta" in key:
                parameter.add_(torch.randn_like(parameter) * 0.1)
            elif "lora_" in key:
                parameter.copy_(torch.randn_like(parameter) * 0.3)
    folder = out / f"adapter-{i}"
    model.save_pretrained(folder)
    adapters.append(dict(name=name, folder=str(folder), logits=last(model)))

(out / "comparisons.json").write_text(
    json.dumps(dict(ids=ids, tokenizers=tokenizers, configurations=configurations, adapters=adapters))
)
