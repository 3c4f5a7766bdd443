"""Makes a random Qwen3 of two layers with a word-level tokenizer: `tiny_model.py FOLDER VOCABULARY_SIZE CONFIG`, CONFIG in JSON."""
import json
import sys

import torch
from tokenizers import Tokenizer, models, pre_tokenizers
from transformers import PreTrainedTokenizerFast, Qwen3Config, Qwen3ForCausalLM

folder, size, options = sys.argv[1], int(sys.argv[2]), json.loads(sys.argv[3])
torch.manual_seed(0)
config = Qwen3Config(
    vocab_size=size,
    num_hidden_layers=2,
    tie_word_embeddings=True,
    dtype="float32",
    **{"max_position_embeddings": 128, **options},
)
Qwen3ForCausalLM(config).float().save_pretrained(folder)
words = {f"<{i}>": i for i in range(size)}
tokenizer = Tokenizer(models.WordLevel(words, unk_token="<0>"))
tokenizer.pre_tokenizer = pre_tokenizers.WhitespaceSplit()
PreTrainedTokenizerFast(tokenizer_object=tokenizer, unk_token="<0>", pad_token="<0>", eos_token="<1>").save_pretrained(folder)
