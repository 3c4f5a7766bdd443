"""Opens with transformers and peft what the engine saved, and compares with the originals and with what the engine computed."""

import json
import sys
from pathlib import Path

import torch
from peft import PeftModel
from transformers import AutoModelForCausalLM, AutoTokenizer

root = Path(sys.argv[1])
plan = json.loads((root / "plan.json").read_text())
failures = []


def report(what, ok, detail=""):
    print(f"{'ok    ' if ok else 'FAILED'} {what}{detail}", flush=True)
    if not ok:
        failures.append(what)


def load(folder):
    return AutoModelForCausalLM.from_pretrained(folder, dtype=torch.float32, attn_implementation="eager").eval()


@torch.no_grad()
def logits(model, ids):
    return model(torch.tensor([ids])).logits[0]


for entry in plan["models"]:
    name, saved = entry["name"], load(entry["saved"])
    original = load(entry["original"])
    report(f"{name}: same class and configuration", type(saved) is type(original) and saved.config.to_dict() | dict(dtype=None, _name_or_path=None) == original.config.to_dict() | dict(dtype=None, _name_or_path=None))
    same = all(torch.equal(logits(saved, ids), logits(original, ids)) for ids in entry["sequences"])
    report(f"{name}: identical logits from our folder ({entry['form']})", same)
    ours = torch.tensor(entry["logits"])
    gap = (logits(saved, entry["sequences"][-1])[-1] - ours).abs().max().item()
    report(f"{name}: the engine's logits", gap < 1e-4, f", largest difference {gap:.1e}")
    if entry["tokenizer"]:
        a, b = AutoTokenizer.from_pretrained(entry["saved"]), AutoTokenizer.from_pretrained(entry["original"])
        text = "What is 12 + 34? größere 漢字 🙂\n\n  <think>"
        chat = [dict(role="user", content=text)]
        report(
            f"{name}: the same tokenizer and chat template",
            a.encode(text) == b.encode(text) and a.apply_chat_template(chat, tokenize=False) == b.apply_chat_template(chat, tokenize=False),
        )

for entry in plan["trained"]:
    name, model = entry["name"], load(entry["saved"]["F32"])
    gap = (logits(model, entry["sequence"])[-1] - torch.tensor(entry["logits"])).abs().max().item()
    report(f"{name}: a trained model, saved as F32", gap < 1e-4, f", largest difference {gap:.1e}")
    for dtype, folder in [(torch.bfloat16, entry["saved"]["BF16"]), (torch.float16, entry["saved"]["F16"])]:
        halves = AutoModelForCausalLM.from_pretrained(folder, dtype="auto").state_dict()
        same = all(
            halves[key].dtype == dtype and torch.equal(value.to(dtype), halves[key])
            for key, value in model.state_dict().items()
        )
        report(f"{name}: saved as {dtype}, the bits that PyTorch rounds to", same)

for entry in plan["adapters"]:
    model = PeftModel.from_pretrained(load(entry["base"]), entry["adapter"]).eval()
    gap = (logits(model, entry["sequence"])[-1] - torch.tensor(entry["logits"])).abs().max().item()
    report(f"{entry['name']}: our adapter in peft", gap < 1e-4, f", largest difference {gap:.1e}")
    merged = load(entry["merged"])
    gap = (logits(model.merge_and_unload(), entry["sequence"]) - logits(merged, entry["sequence"])).abs().max().item()
    report(f"{entry['name']}: our merged folder beside peft's merge", gap < 1e-4, f", largest difference {gap:.1e}")

print(f"{len(failures)} failed")
sys.exit(1 if failures else 0)
