"""Makes a random Qwen3 of two layers with a word-level tokenizer: `tiny_model.py FOLDER VOCABULARY_SIZE`."""
import sys

import torch
from tokenizers import Tokenizer, models, pre_tokenizers
from transformers import PreTrainedTokenizerFast, Qwen3Config, Qwen3ForCausalLM

folder, size = sys.argv[1], int(sys.argv[2])
torch.manual_seed(0)
config = Qwen3Config(
    vocab_size=size,
    hidden_size=64,
    intermediate_size=128,
    num_hidden_layers=2,
    num_attention_heads=2,
    num_key_value_heads=1,
    head_dim=32,
    max_position_embeddings=128,
    tie_word_embeddings=True,
    eos_token_id=1,
    initializer_range=0.3,
    dtype="float32",
)
Qwen3ForCausalLM(config).float().save_pretrained(folder)
words = {f"<{i}>": i for i in range(size)}
tokenizer = Tokenizer(models.WordLevel(words, unk_token="<0>"))
tokenizer.pre_tokenizer = pre_tokenizers.WhitespaceSplit()
PreTrainedTokenizerFast(tokenizer_object=tokenizer, unk_token="<0>", pad_token="<0>", eos_token="<1>").save_pretrained(folder)
