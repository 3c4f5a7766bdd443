"""Math-Verify on request: a line of JSON pairs in, a line of JSON [[right, seconds], ...] out."""
import json
import sys
import time

from math_verify import parse, verify


def judge(given, gold):
    start = time.perf_counter()
    try:
        right = bool(verify(parse(f"\\boxed{{{gold}}}"), parse(f"\\boxed{{{given}}}")))
    except Exception:
        right = None
    return right, time.perf_counter() - start


print("ready", flush=True)
for line in sys.stdin:
    print(json.dumps([judge(given, gold) for given, gold in json.loads(line)]), flush=True)
