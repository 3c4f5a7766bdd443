"""The graders of the field themselves, on request.

Reads a JSON list of jobs [grader, response, gold] from standard input and writes the list of their verdicts to standard output: a
score, or null where the grader raises or does not come back within the time. Every job runs in a worker that is killed at its deadline.

The folder with an older verl is the first argument: its `prime_math` is another grader than that of the newer one.
"""

import contextlib
import importlib
import importlib.util
import json
import multiprocessing
import multiprocessing.connection
import os
import re
import sys
import types

DEADLINE = 20.0


def stub(name, folder=None, **members):
    """Puts a module into place whose real one would load a training framework."""
    module = types.ModuleType(name)
    if folder is not None:
        module.__path__ = [folder]
    module.__dict__.update(members)
    sys.modules[name] = module
    return module


class TimeLimit:
    """verl's `timeout_limit`: as a decorator it runs the function (the deadline here is the worker's), in a `with` it raises."""

    def __init__(self, seconds, use_signals=False):
        pass

    def __call__(self, function):
        return function


def load_verl():
    folder = site_packages_of_verl()
    stub("verl", folder)
    stub("verl.utils", f"{folder}/utils")
    stub("verl.utils.py_functional", timeout_limit=TimeLimit)
    stub("verl.utils.reward_score", f"{folder}/utils/reward_score")


def site_packages_of_verl():
    for folder in sys.path:
        if os.path.isfile(f"{folder}/verl/utils/reward_score/math_dapo.py"):
            return f"{folder}/verl"
    raise ImportError("verl")


def verl(name):
    return importlib.import_module(f"verl.utils.reward_score.{name}")


def older_prime_math(folder):
    path = f"{folder}/verl/utils/reward_score/prime_math"
    spec = importlib.util.spec_from_file_location(
        "older_prime_math", f"{path}/__init__.py", submodule_search_locations=[path]
    )
    module = importlib.util.module_from_spec(spec)
    sys.modules["older_prime_math"] = module
    spec.loader.exec_module(module)
    return module


def math_reward(response, gold):
    return float(verl("math_reward").compute_score(response, gold))


def math_dapo(response, gold):
    return float(verl("math_dapo").compute_score(response, gold)["acc"])


def prime_math(response, gold):
    return float(verl("prime_math").compute_score(response, gold)[0])


def prime_math_older(response, gold):
    return float(sys.modules["older_prime_math"].compute_score(response, gold)[0])


def prm800k(response, gold):
    from mathruler.grader import extract_boxed_content, grade_answer

    answer = extract_boxed_content(response)
    # mathruler's word for "no box" equals a gold "None"; the other members of the family say wrong.
    return 0.0 if answer == "None" and "\\boxed{" not in response else float(grade_answer(answer, gold))


def polaris_box(text):
    """Polaris's answer: the last `\\boxed`, its braces matched from there, and no character between it and the first brace."""
    at = text.rfind("\\boxed")
    if at < 0:
        return None
    depth = 0
    for end in range(at, len(text)):
        if text[end] == "{":
            depth += 1
        elif text[end] == "}":
            depth -= 1
            if depth == 0:
                found = text[at : end + 1]
                return found[len("\\boxed{") : -1] if found.startswith("\\boxed{") else None
    return None


def polaris_grade(text, gold):
    """Not on the index: its comparison is mathruler's but for a bare percent sign in the first step, which mathruler drops."""
    from mathruler import grader

    answer = polaris_box(text)
    if "\\boxed" in gold:
        gold = polaris_box(gold)
    if answer is None or gold is None:
        return 0.0
    hide = {ord("%"): "\ue000"}
    keep = lambda s: s.replace("\\%", "").translate(hide)  # noqa: E731
    if grader.normalize_answer(keep(answer)) == grader.normalize_answer(keep(gold)):
        return 1.0
    normalize = grader.normalize_answer
    fresh = iter(range(2))
    grader.normalize_answer = lambda _: next(fresh)
    try:
        return float(grader.grade_answer(answer, gold))
    finally:
        grader.normalize_answer = normalize


def polaris(response, gold):
    return polaris_grade(response.split("</think>")[1], gold) if "</think>" in response else 0.0


def math_verify(response, gold):
    module = verl("math_verify")
    return float(module._verify_in_subprocess("\\boxed{" + gold + "}", response))


def expression_of(text):
    found = re.findall(r"<answer>(.*?)</answer>", text)
    return found[-1].strip() if found else None


def countdown(text, gold):
    """The steps that TinyZero and the paper's lab share."""
    if text is None:
        return 0.0
    expression = expression_of(text)
    if expression is None:
        return 0.0
    used = sorted(int(digits) for digits in re.findall(r"\d+", expression))
    if used != sorted(gold["nums"]) or not re.match(r"^[\d+\-*/().\s]+$", expression):
        return 0.1
    try:
        value = eval(expression, {"__builtins__": None}, {})  # noqa: S307
        return 1.0 if abs(value - gold["target"]) < 1e-5 else 0.1
    except Exception:
        return 0.1


def tinyzero(response, gold):
    for marker in ("Assistant:", "<|im_start|>assistant"):
        if marker in response:
            return countdown(response.split(marker, 1)[1].split("\n")[-1], gold)
    return 0.0


def reasoning_gym(response, gold):
    from reasoning_gym.games.countdown import CountdownDataset
    from reasoning_gym.utils import extract_answer

    entry = {"metadata": {"numbers": gold["nums"], "target": gold["target"]}}
    return CountdownDataset.score_answer(None, extract_answer(response), entry)


def prime_code(response, gold):
    return float(verl("prime_code").compute_score(response, gold, continuous=True)[0])


GRADERS = {
    "math_reward": math_reward,
    "math_dapo": math_dapo,
    "prime_math": prime_math,
    "prime_math-0.3": prime_math_older,
    "prm800k": prm800k,
    "polaris": polaris,
    "polaris-evaluation": polaris_grade,
    "math-verify": math_verify,
    "tinyzero": tinyzero,
    "lab": countdown,
    "reasoning-gym": reasoning_gym,
    "prime_code": prime_code,
}


def work(pipe, older):
    import logging

    logging.disable(logging.CRITICAL)
    # The graders start processes as they do under Linux.
    multiprocessing.set_start_method("fork", force=True)
    load_verl()
    older_prime_math(older)
    gym = f"{os.path.dirname(site_packages_of_verl())}/reasoning_gym"
    stub("reasoning_gym", gym)
    stub("reasoning_gym.games", f"{gym}/games")
    sys.stdout = sys.stderr = open(os.devnull, "w")  # noqa: SIM115
    while True:
        grader, response, gold = pipe.recv()
        try:
            verdict = GRADERS[grader](response, gold)
        except Exception:
            verdict = None
        pipe.send(verdict)


class Worker:
    def __init__(self, context, older, code):
        self.start = lambda: self._start(context, older, code)
        self.start()

    def _start(self, context, older, code):
        self.pipe, theirs = context.Pipe()
        # A grader of programs starts processes of its own, which a daemon may not.
        self.process = context.Process(target=work, args=(theirs, older), daemon=not code)
        self.process.start()
        theirs.close()
        self.job = None

    def stop(self):
        self.process.kill()
        self.process.join()
        self.pipe.close()


def main():
    import time

    older, workers = sys.argv[1], int(sys.argv[2])
    jobs = json.load(sys.stdin)
    code = any(grader == "prime_code" for grader, _, _ in jobs)
    verdicts = [None] * len(jobs)
    context = multiprocessing.get_context("spawn")
    pool = [Worker(context, older, code) for _ in range(workers)]
    waiting = iter(range(len(jobs)))
    busy = {}

    def give(worker):
        worker.job = next(waiting, None)
        if worker.job is not None:
            worker.pipe.send(jobs[worker.job])
            busy[worker] = time.monotonic()

    for worker in pool:
        give(worker)
    done = 0
    while busy:
        multiprocessing.connection.wait([worker.pipe for worker in busy], timeout=1)
        for worker in list(busy):
            if worker.pipe.poll():
                try:
                    verdicts[worker.job] = worker.pipe.recv()
                except EOFError:
                    worker.stop()
                    worker.start()
            elif time.monotonic() - busy[worker] > (600 if jobs[worker.job][0] == "prime_code" else DEADLINE):
                worker.stop()
                worker.start()
            else:
                continue
            done += 1
            if done % 1000 == 0:
                print(f"{done} of {len(jobs)}", file=sys.stderr, flush=True)
            del busy[worker]
            give(worker)
    for worker in pool:
        with contextlib.suppress(Exception):
            worker.stop()
    json.dump(verdicts, sys.stdout)


if __name__ == "__main__":
    main()
