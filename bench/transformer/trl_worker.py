"""TRL's GRPO on a model folder, one step per request: python trl_worker.py FOLDER THREADS OPTIONS.

OPTIONS is JSON: prompts (texts of prompt_tokens words), words (the vocabulary, ids in order), group_size, new_tokens,
learning_rate, max_norm, steps (an upper bound).
"""

import json
import os
import sys
import tempfile
import time

os.environ["HF_HUB_OFFLINE"] = "1"

import lines  # noqa: E402, first of the imports that print: it redirects standard output
import torch  # noqa: E402
import trl  # noqa: E402
from datasets import Dataset  # noqa: E402
from tokenizers import Tokenizer, models, pre_tokenizers  # noqa: E402
from transformers import LlamaForCausalLM, PreTrainedTokenizerFast, TrainerCallback  # noqa: E402
from trl import GRPOConfig, GRPOTrainer  # noqa: E402

folder, threads, options = sys.argv[1], int(sys.argv[2]), json.loads(sys.argv[3])
torch.set_num_threads(threads)

# The stop token lies outside the model's vocabulary: every response has its full length, as on the other side.
words = options["words"]
vocabulary = {word: i for i, word in enumerate([*words, "<stop>"])}
plain = Tokenizer(models.WordLevel(vocabulary, unk_token=words[0]))
plain.pre_tokenizer = pre_tokenizers.WhitespaceSplit()
tokenizer = PreTrainedTokenizerFast(tokenizer_object=plain, eos_token="<stop>", pad_token=words[0])
model = LlamaForCausalLM.from_pretrained(folder, dtype=torch.float32)


for prompt in options["prompts"]:
    assert len(tokenizer(prompt).input_ids) == options["prompt_tokens"], prompt


def reward(completions, completion_ids, **_):
    for ids in completion_ids:
        assert len(ids) == options["new_tokens"], f"a response of {len(ids)} tokens"
    return [text.count("1") / 10 for text in completions]


class OneStepPerRequest(TrainerCallback):
    """Waits for a request before each step and answers it after the step."""

    def __init__(self):
        self.requests = lines.requests()

    def on_step_begin(self, args, state, control, **_):
        if next(self.requests, None) is None:
            os._exit(0)  # Standard input is closed: nobody wants another step.
        self.started, self.cpu = time.perf_counter(), time.process_time()

    def on_step_end(self, args, state, control, **_):
        lines.answer({"seconds": time.perf_counter() - self.started, "cpu": time.process_time() - self.cpu})


sequences = len(options["prompts"]) * options["group_size"]
trainer = GRPOTrainer(
    model=model,
    reward_funcs=reward,
    processing_class=tokenizer,
    train_dataset=Dataset.from_list([{"prompt": p} for p in options["prompts"]]),
    callbacks=[OneStepPerRequest()],
    args=GRPOConfig(
        output_dir=tempfile.mkdtemp(),
        use_cpu=True,
        bf16=False,
        gradient_checkpointing=False,
        per_device_train_batch_size=sequences,
        gradient_accumulation_steps=1,
        num_generations=options["group_size"],
        max_completion_length=options["new_tokens"],
        num_iterations=1,
        beta=0.0,
        temperature=1.0,
        top_k=0,
        top_p=1.0,
        learning_rate=options["learning_rate"],
        lr_scheduler_type="constant",
        max_grad_norm=options["max_norm"],
        adam_beta2=0.95,
        weight_decay=0.0,
        max_steps=options["steps"],
        logging_strategy="no",
        save_strategy="no",
        report_to=[],
        disable_tqdm=True,
    ),
)
lines.answer({"ready": True, "trl": trl.__version__, "parameters": model.num_parameters()})
trainer.train()
