"""PyTorch eager and `transformers` generate on a model folder: python torch_worker.py FOLDER THREADS [DEVICE DTYPE]."""

import platform
import sys
import time

import lines  # first: it redirects standard output
import torch
import torch.nn.functional as F
import transformers
from transformers import AutoModelForCausalLM

folder, threads = sys.argv[1], int(sys.argv[2])
device, dtype = sys.argv[3:5] or ("cpu", "float32")
torch.set_num_threads(threads)
torch.manual_seed(0)
model = AutoModelForCausalLM.from_pretrained(folder, dtype=getattr(torch, dtype)).to(device)
model.generation_config.eos_token_id = None
model.generation_config.pad_token_id = 0
optimizer = torch.optim.AdamW(
    model.parameters(), lr=1e-4, betas=(0.9, 0.95), eps=1e-8, weight_decay=0.0, fused=True
)


def clock():
    """Seconds once the device has done all it was given."""
    if device == "cuda":
        torch.cuda.synchronize()
    return time.perf_counter()


def hello():
    return {
        "Python": platform.python_version(),
        "torch": torch.__version__,
        "transformers": transformers.__version__,
        "threads": torch.get_num_threads(),
        "attention": model.config._attn_implementation,
        "parameters": sum(p.numel() for p in model.parameters()),
    }


def token_logprobs(tokens):
    """Log-probs of tokens[:, 1:], nats, [B, T]."""
    logits = model(input_ids=tokens[:, :-1], use_cache=False).logits.float()
    return -F.cross_entropy(logits.flatten(0, 1), tokens[:, 1:].flatten(), reduction="none").view(len(tokens), -1)


def logprobs(tokens):
    with torch.no_grad():
        return token_logprobs(torch.tensor(tokens, device=device)).tolist()


def train(tokens, weights, max_norm):
    """One ascent step on the sum of weight times log-prob; seconds, and the gradient's norm before clipping."""
    tokens, weights = torch.tensor(tokens, device=device), torch.tensor(weights, device=device)
    started, cpu = clock(), time.process_time()
    optimizer.zero_grad()
    loss = -(weights * token_logprobs(tokens)).sum()
    loss.backward()
    norm = torch.nn.utils.clip_grad_norm_(model.parameters(), max_norm)
    optimizer.step()
    return {"seconds": clock() - started, "cpu": time.process_time() - cpu, "norm": norm.item()}


def draw(tokens, new_tokens, **more):
    return model.generate(
        tokens,
        attention_mask=torch.ones_like(tokens),
        do_sample=True,
        temperature=1.0,
        top_k=0,
        top_p=1.0,
        use_cache=True,
        max_new_tokens=new_tokens,
        **more,
    )


def generate(tokens, new_tokens):
    """Samples from the policy itself: temperature 1, no truncation, no stop."""
    tokens = torch.tensor(tokens, device=device)
    started, cpu = clock(), time.process_time()
    out = draw(tokens, new_tokens)
    seconds = clock() - started
    return {"seconds": seconds, "cpu": time.process_time() - cpu, "tokens": out.numel() - tokens.numel()}


def sample(tokens, new_tokens):
    """The same, with what was sampled and its log-probs."""
    tokens = torch.tensor(tokens, device=device)
    out = draw(tokens, new_tokens, output_logits=True, return_dict_in_generate=True)
    made = out.sequences[:, tokens.shape[1] :]
    logprobs = [torch.log_softmax(logits, -1).gather(1, made[:, t : t + 1])[:, 0] for t, logits in enumerate(out.logits)]
    return {"tokens": made.tolist(), "logprobs": torch.stack(logprobs, 1).tolist()}


def memory():
    """The most bytes of this process that were in memory, where the system tells."""
    try:
        import resource
    except ImportError:
        return {"resident": None}
    unit = 1 if sys.platform == "darwin" else 1024
    return {"resident": unit * resource.getrusage(resource.RUSAGE_SELF).ru_maxrss}


lines.answer({"ready": True})
lines.serve({"hello": hello, "logprobs": logprobs, "train": train, "generate": generate, "sample": sample, "memory": memory})
