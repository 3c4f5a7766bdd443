"""Teaches a random Qwen3 Countdown by imperfect demonstrations, in plain PyTorch:
`teach.py EXERCISES FOLDER SECONDS SHAPE`, EXERCISES as Exercises.ts writes them, SHAPE in JSON. The last line is JSON.

On a GPU in bfloat16 with float32 weights. Most of the time all demonstrations are right; at the end 40 % are, and the others any
expression of the numbers, so that the model knows the right answer among others: what reinforcement learning starts from."""
import json
import math
import sys
import time
from pathlib import Path

import numpy
import torch
from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers
from transformers import PreTrainedTokenizerFast, Qwen3Config, Qwen3ForCausalLM

exercises = json.loads(Path(sys.argv[1]).read_text())
folder, seconds, shape = sys.argv[2], float(sys.argv[3]), json.loads(sys.argv[4])
device = "cuda" if torch.cuda.is_available() else "cpu"
torch.manual_seed(0)
random = numpy.random.default_rng(0)

end = "<|endoftext|>"
texts = [text for exercise in exercises for text, _ in exercise["expressions"]]
prompts = [prompt for exercise in exercises for prompt in exercise["prompts"].values()]
bytes_ = Tokenizer(models.BPE())
bytes_.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
bytes_.decoder = decoders.ByteLevel()
trainer = trainers.BpeTrainer(
    vocab_size=512, special_tokens=[end], initial_alphabet=pre_tokenizers.ByteLevel.alphabet(), show_progress=False
)
bytes_.train_from_iterator(prompts + texts, trainer)
tokenizer = PreTrainedTokenizerFast(tokenizer_object=bytes_, eos_token=end, pad_token=end)
stop = tokenizer.eos_token_id


def padded(rows):
    """Rows of tokens as one tensor, and their lengths."""
    out = numpy.full((len(rows), max(map(len, rows))), stop, dtype=numpy.int64)
    for i, row in enumerate(rows):
        out[i, : len(row)] = row
    return torch.tensor(out, device=device), torch.tensor([len(row) for row in rows], device=device)


def encode(all_):
    return [e.ids for e in bytes_.encode_batch(all_)]


asked, asked_length = padded(encode(prompts))
said, said_length = padded([ids + [stop] for ids in encode(texts)])

# For every prompt the range of its expressions among all, and the right ones.
ranges, right, at = [], [], 0
for exercise in exercises:
    expressions = exercise["expressions"]
    for target in exercise["prompts"]:
        ranges.append((at, at + len(expressions)))
        right.append([at + i for i, (_, value) in enumerate(expressions) if value == int(target)])
    at += len(expressions)

config = Qwen3Config(
    vocab_size=len(tokenizer),
    bos_token_id=None,
    eos_token_id=stop,
    pad_token_id=stop,
    tie_word_embeddings=True,
    max_position_embeddings=256,
    dtype="float32",
    **shape["model"],
)
model = Qwen3ForCausalLM(config).float().to(device)
parameters = sum(p.numel() for p in model.parameters())
decayed = [p for p in model.parameters() if p.dim() > 1]
others = [p for p in model.parameters() if p.dim() == 1]
optimizer = torch.optim.AdamW(
    [{"params": decayed, "weight_decay": 0.1}, {"params": others, "weight_decay": 0.0}],
    lr=0.0,
    betas=(0.9, 0.95),
    fused=True,
)
rows, peak = shape["rows"], shape["learningRate"]
length = int(asked_length.max() + said_length.max())
places = torch.arange(length, device=device)[None]


def batch(share):
    """Tokens [rows, length], and the labels of the answers; -100 elsewhere."""
    chosen = random.integers(len(prompts), size=rows)
    wrong = random.random(rows) >= share
    answers = [random.integers(*ranges[p]) if w else right[p][random.integers(len(right[p]))] for p, w in zip(chosen, wrong)]
    p, t = torch.tensor(chosen, device=device), torch.tensor(numpy.array(answers), device=device)
    first, last = asked_length[p][:, None], (asked_length[p] + said_length[t])[:, None]
    question = asked[p].gather(1, places.expand(rows, -1).clamp(max=asked.shape[1] - 1))
    answer = said[t].gather(1, (places - first).clamp(0, said.shape[1] - 1))
    is_answer = (places >= first) & (places < last)
    tokens = torch.where(places < first, question, torch.where(is_answer, answer, stop))
    return tokens, torch.where(is_answer, tokens, -100)


steps, tokens, losses = 0, 0, []
began = time.monotonic()
while (share_done := (time.monotonic() - began) / seconds) < 1:
    rate = peak * min(1, share_done / 0.05) * (0.02 + 0.98 * 0.5 * (1 + math.cos(math.pi * share_done)))
    for group in optimizer.param_groups:
        group["lr"] = rate
    ids, labels = batch(1.0 if share_done < 0.8 else 0.4)
    with torch.autocast(device, torch.bfloat16, enabled=device == "cuda"):
        logits = model(input_ids=ids[:, :-1], use_cache=False).logits
        loss = torch.nn.functional.cross_entropy(logits.flatten(0, 1).float(), labels[:, 1:].flatten(), ignore_index=-100)
    optimizer.zero_grad(set_to_none=True)
    loss.backward()
    torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
    optimizer.step()
    steps += 1
    tokens += rows * length
    if steps % 20 == 1:
        losses.append(loss.item())
        print(f"step {steps}, loss {losses[-1]:.4f} nats per token", flush=True)
if device == "cuda":
    torch.cuda.synchronize()
taken = time.monotonic() - began
model.config.use_cache = True
model.save_pretrained(folder)
tokenizer.save_pretrained(folder)
print(
    json.dumps(
        {
            "parameters": parameters,
            "device": torch.cuda.get_device_name() if device == "cuda" else "cpu",
            "dtype": "bfloat16" if device == "cuda" else "float32",
            "steps": steps,
            "demonstrations": steps * rows,
            "tokensPerSecond": round(tokens / taken),
            "seconds": round(taken, 1),
            "firstLoss": losses[0],
            "lastLoss": losses[-1],
            "tokens": length,
            "vocabulary": len(tokenizer),
        }
    )
)
