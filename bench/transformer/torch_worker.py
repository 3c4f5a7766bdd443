"""PyTorch eager and `transformers` generate on a model folder: python torch_worker.py FOLDER THREADS."""

import platform
import sys
import time

import lines  # first: it redirects standard output
import torch
import torch.nn.functional as F
import transformers
from transformers import LlamaForCausalLM

folder, threads = sys.argv[1], int(sys.argv[2])
torch.set_num_threads(threads)
torch.manual_seed(0)
model = LlamaForCausalLM.from_pretrained(folder, dtype=torch.float32)
model.generation_config.eos_token_id = None
model.generation_config.pad_token_id = 0
optimizer = torch.optim.AdamW(
    model.parameters(), lr=1e-4, betas=(0.9, 0.95), eps=1e-8, weight_decay=0.0, fused=True
)


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
    logits = model(input_ids=tokens[:, :-1], use_cache=False).logits
    return -F.cross_entropy(logits.flatten(0, 1), tokens[:, 1:].flatten(), reduction="none").view(len(tokens), -1)


def logprobs(tokens):
    with torch.no_grad():
        return token_logprobs(torch.tensor(tokens)).tolist()


def train(tokens, weights, max_norm):
    """One ascent step on the sum of weight times log-prob; seconds, and the gradient's norm before clipping."""
    tokens, weights = torch.tensor(tokens), torch.tensor(weights)
    started, cpu = time.perf_counter(), time.process_time()
    optimizer.zero_grad()
    loss = -(weights * token_logprobs(tokens)).sum()
    loss.backward()
    norm = torch.nn.utils.clip_grad_norm_(model.parameters(), max_norm)
    optimizer.step()
    return {"seconds": time.perf_counter() - started, "cpu": time.process_time() - cpu, "norm": norm.item()}


def generate(tokens, new_tokens):
    """Samples from the policy itself: temperature 1, no truncation, no stop."""
    tokens = torch.tensor(tokens)
    started, cpu = time.perf_counter(), time.process_time()
    out = model.generate(
        tokens,
        attention_mask=torch.ones_like(tokens),
        do_sample=True,
        temperature=1.0,
        top_k=0,
        top_p=1.0,
        use_cache=True,
        max_new_tokens=new_tokens,
    )
    seconds = time.perf_counter() - started
    return {"seconds": seconds, "cpu": time.process_time() - cpu, "tokens": out.numel() - tokens.numel()}


def memory():
    """The most bytes of this process that were in memory, where the system tells."""
    try:
        import resource
    except ImportError:
        return {"resident": None}
    unit = 1 if sys.platform == "darwin" else 1024
    return {"resident": unit * resource.getrusage(resource.RUSAGE_SELF).ru_maxrss}


lines.answer({"ready": True})
lines.serve({"hello": hello, "logprobs": logprobs, "train": train, "generate": generate, "memory": memory})
