"""Says what is on this machine: one line of JSON. `machine.py`"""
import importlib.metadata
import json
import os
import platform
import subprocess
import sys

packages = "torch triton jax jaxlib jax-cuda13-plugin flax optax transformers peft safetensors tokenizers numpy skyrl tinker".split()


def version(name):
    try:
        return importlib.metadata.version(name)
    except importlib.metadata.PackageNotFoundError:
        return None


def driver():
    """Name, driver and memory of each GPU, as nvidia-smi has them."""
    query = ["nvidia-smi", "--query-gpu=name,driver_version,memory.total", "--format=csv,noheader"]
    try:
        return subprocess.run(query, capture_output=True, text=True, timeout=20, check=True).stdout.strip().split("\n")
    except (OSError, subprocess.SubprocessError):
        return None


import torch

cuda = torch.cuda.is_available()
found = {
    "python": platform.python_version(),
    "kernel": platform.release(),
    "cores": len(os.sched_getaffinity(0)),
    "memoryGiB": round(os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30, 1),
    "driver": driver(),
    "gpu": torch.cuda.get_device_name() if cuda else None,
    "gpuMemoryGiB": round(torch.cuda.get_device_properties(0).total_memory / 2**30, 1) if cuda else None,
    "torchCuda": torch.version.cuda if cuda else None,
    "versions": {name: version(name) for name in packages},
}
if sys.version_info[:2] != (3, 12):
    sys.exit(f"this is Python {platform.python_version()}; the packages brought along are compiled for 3.12")
missing = [name for name in "torch jax flax optax transformers peft safetensors skyrl tinker".split() if found["versions"][name] is None]
if missing:
    sys.exit(f"{', '.join(missing)} cannot be found by this Python; Python 3.12 with the packages of README.md is needed")
print(json.dumps(found))
