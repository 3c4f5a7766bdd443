"""Makes a random Qwen3 of two layers with a word-level tokenizer: `tiny_model.py FOLDER VOCABULARY_SIZE`."""
import sys

import torch
from tokenizers import Tokenizer, models, pre_tokenizers
from transformers import PreTrainedTokenizerFast, Qwen3Config, Qwen3ForCausalLM

folder, size = sys.argv[1], int(sys.argv[2])
torch.manual_seed(0)
config = Qwen3Config(
    vocab_size=size,
    hidden_size=32,
    intermediate_size=64,
    num_hidden_layers=2,
    num_attention_heads=4,
    num_key_value_heads=2,
    head_dim=16,
    max_position_embeddings=128,
    tie_word_embeddings=True,
    # The unembedding is not trained: logits must be able to move.
    initializer_range=0.2,
    dtype="float32",
)
Qwen3ForCausalLM(config).float().save_pretrained(folder)
words = {f"<{i}>": i for i in range(size)}
tokenizer = Tokenizer(models.WordLevel(words, unk_token="<0>"))
tokenizer.pre_tokenizer = pre_tokenizers.WhitespaceSplit()
PreTrainedTokenizerFast(tokenizer_object=tokenizer, unk_token="<0>", pad_token="<0>", eos_token="<1>").save_pretrained(folder)
