"""Math-Verify on request: pairs of (given, gold) in, [right, seconds] of each out; right is null where it raises."""

import time

from lines import answer, serve
from math_verify import parse, verify


def judge_one(given, gold):
    start = time.perf_counter()
    try:
        right = bool(verify(parse(f"\\boxed{{{gold}}}"), parse(f"\\boxed{{{given}}}")))
    except Exception:
        right = None
    return right, time.perf_counter() - start


def judge(pairs):
    return [judge_one(given, gold) for given, gold in pairs]


answer({"ready": True})
serve({"judge": judge})
