/** Tests that are asserts, in the forms of HumanEval and MBPP. */
export const fence = (code: string): string => `\`\`\`python\n${code}\n\`\`\``

/** As HumanEval has them: a helper and a stub, a `check` that loops, computes and asserts. */
export const humaneval = {
  prompt: `from typing import List

def poly(xs: list, x: float):
    return sum(c * x**i for i, c in enumerate(xs))

def root(xs: List[float]):
    """ A number at which poly is 0. """
`,
  entry_point: "root",
  test: `
METADATA = {"author": "us"}

def check(candidate):
    import math
    import random
    rng = random.Random(42)
    assert True, "this asks nothing"
    for _ in range(3):
        xs = [rng.randint(-9, 9), rng.randint(1, 9)]
        solution = candidate(list(xs))
        assert math.fabs(poly(xs, solution)) < 1e-6
    x = candidate([-6, 3])
    y = candidate([-x, 1])
    assert x == 2 and y == 2
    assert tuple(candidate(xs) for xs in [[0, 1]]) == (0,), "zero"
`,
}
export const mbpp = {
  text: "Write a function that gives the common members.",
  task_id: 2,
  test_list: [
    "assert set(similar((3, 4, 5, 6), (5, 7, 4, 10))) == set((4, 5))",
    "assert set(similar((1, 2), (3,))) == set(())",
    "assert math.isclose(sum(similar({1: 'a', 2: 'b'}, (2,))), 2, rel_tol=0.001)",
  ],
  test_setup_code: "",
}
