/** Programs as models write them, and ground truths as the data sets have them: every reading of input, every shape of output. */

export interface CodeInput {
  readonly kind: string
  readonly response: string
  readonly gold: Readonly<Record<string, unknown>>
}

const fenced = (code: string): string => `\`\`\`python\n${code}\n\`\`\``

/** Each doubles the numbers of its lines. */
const doublers: ReadonlyArray<string> = [
  "while True:\n    try:\n        print(int(input()) * 2)\n    except EOFError:\n        break",
  "import sys\nfor line in sys.stdin:\n    print(int(line) * 2)",
  "import sys\nfor x in sys.stdin.read().split():\n    print(int(x) * 2)",
  "from sys import stdin\nfor x in stdin.read().split():\n    print(int(x) * 2)",
  "import sys\nfor line in sys.stdin.readlines():\n    if line: print(int(line) * 2)",
  "import sys\ninput = sys.stdin.readline\nprint(int(input()) * 2)\nprint(int(input()) * 2)",
  "import sys\nfor x in sys.stdin.buffer.read().split():\n    print(int(x) * 2)",
  "for x in open(0).read().split():\n    print(int(x) * 2)",
  "import os\nfor x in os.read(0, 1000).split():\n    print(int(x) * 2)",
  "import sys\nsys.stdout.write('\\n'.join(str(int(x) * 2) for x in sys.stdin.read().split()))",
  "import sys\nsys.stdout.buffer.write(b'2\\n4\\n')",
  "def solve():\n    print(int(input()) * 2)\n    print(int(input()) * 2)\nif __name__ == '__main__':\n    solve()",
  'def solve():\n    print(int(input()) * 2)\n    print(int(input()) * 2)\nif __name__ == "__main__":\n    solve()',
  "n = 0\ndef add(x):\n    global n\n    n += x\nfor _ in range(2):\n    add(int(input()))\n    print(n * 2)\n    n = 0",
  "def main():\n    import sys\n    data = sys.stdin.read().split()\n    print(*[int(x) * 2 for x in data], sep='\\n')\nmain()",
  "print(int(input()) * 2); print(int(input()) * 2); exit()",
  "import sys\nprint(int(input()) * 2); print(int(input()) * 2)\nsys.exit(0)",
  "import sys\nprint(int(input()) * 2); print(int(input()) * 2)\nsys.exit(3)",
  "print(int(input()) * 2)\nprint(int(input()) * 2)\nraise ValueError('late')",
  "a, b = [int(x) for x in (input(), input())]\nprint(f'{a*2}\\n{b*2}')",
  "print(int(input()) * 2)",
  "print(int(input()) * 2.0); print(int(input()) * 2.0)",
  "print(int(input()) * 2, int(input()) * 2)",
  "print('2'); print('5')",
  "print(int(input('n? ')) * 2); print(int(input()) * 2)",
  "xs = list(map(int, [input(), input()]))\nprint(xs)",
  "from collections import *\nd = deque([input(), input()])\nwhile d: print(int(d.popleft()) * 2)\n",
  "import subprocess\nprint(2); print(4)",
  "import numpy\nprint(2); print(4)",
  "s = '''\nx'''\nprint(len(s)); print(len(s) + 2)",
  "import sys\nsys.setrecursionlimit(10**6)\ndef f(n):\n    return 0 if n == 0 else 2 + f(n - 1)\nprint(f(int(input()))); print(f(int(input())))",
  "import sys, threading\ndef main():\n    print(int(input()) * 2); print(int(input()) * 2)\nt = threading.Thread(target=main)\nt.start()\nt.join()",
  "class Solution:\n    def run(self):\n        print(int(input()) * 2); print(int(input()) * 2)\nSolution().run()",
  "print(2)\n\n\nprint(4)\n\n",
  "print('  2  ')\nprint('4')",
  "print('2 ')\nprint(' 4 ')",
  "print(2, end='')\nprint()\nprint(4, end='')",
  "print('2\\n\\n4')",
  "print('2\\r\\n4')",
  "print('2.000001'); print('4.0')",
  "print('2.001'); print('4')",
  "print('2e0'); print('4')",
  "print('+2'); print('4')",
  "print('02'); print('4')",
  "prin(2)",
  "print(2",
  "",
  "import json\nprint(json.dumps(2)); print(json.dumps(4))",
  "print(pow(2, 1)); print(sqrt(16))",
  "print(gcd(4, 6)); print(int(sqrt(16)))",
  "print(Counter('aab').most_common(1)[0][1]); print(4)",
]

const scripts: ReadonlyArray<CodeInput> = doublers.flatMap((code) => [
  { kind: "scripts", response: fenced(code), gold: { inputs: ["1\n2\n", "1\n2"], outputs: ["2\n4\n", "2\n4"] } },
  { kind: "scripts", response: code, gold: { inputs: ["1\n2\n"], outputs: ["2\n4\n"] } },
  {
    kind: "scripts",
    response: `First \`\`\`python\nprint(0)\n\`\`\` then\n${fenced(code)}`,
    gold: { inputs: ["1\n2", "2\n1"], outputs: ["2\n4", "4\n2"] },
  },
])

const big = "9".repeat(5000)
const call = (code: string, inputs: ReadonlyArray<string>, outputs: ReadonlyArray<string>, name = "f"): CodeInput => ({
  kind: "calls",
  response: fenced(code),
  gold: { inputs, outputs, fn_name: name },
})

const others: ReadonlyArray<CodeInput> = [
  call("def f(x):\n    return x + 1", ["1", "2"], ["2", "3"]),
  call("def f(x):\n    return x + 1", ["1\n", "2"], ["2", "3"]),
  call("class Solution:\n    def f(self, a, b):\n        return a + b", ["1\n2"], ["3"]),
  call("class Solution:\n    def f(self, a, b):\n        return a + b", ["[1]\n[2]"], ["[1, 2]"]),
  call("def f(x):\n    return (x, x)", ["1"], ["[1, 1]"]),
  call("def f(x):\n    return [(x, x)]", ["1"], ["[[1, 1]]"]),
  call("def f(x):\n    return [(x, x)]", ["1"], ["[[[1, 1]]]"]),
  call("def f(x):\n    return x", ["5"], ["[5]"]),
  call("def f(x):\n    return [x]", ["5"], ["5"]),
  call("def f(x):\n    return {x}", ["5"], ["[5]"]),
  call("def f(x):\n    return 1", ["5"], ["true"]),
  call("def f(x):\n    return 0.1 + 0.2", ["5"], ["0.3"]),
  call("def f(x):\n    return None", ["5"], ["null"]),
  call("def f(d):\n    return d[1]", ['{"1": 7}'], ["7"]),
  call("def f(d):\n    return d['1']", ['{"1": 7}'], ["7"]),
  call("def f(d):\n    return d['a']", ['{"a": 7}'], ["7"]),
  call("def f(d):\n    return {1: 2}", ["0"], ['{"1": 2}']),
  call("def f(d):\n    return {'1': 2}", ["0"], ['{"1": 2}']),
  call("def f(d):\n    return {'a': 2}", ["0"], ['{"a": 2}']),
  call("def f(d):\n    return [{1: 2}]", ["0"], ['[{"1": 2}]']),
  call("def f(d):\n    return {1: 2}", ["0"], ['[{"1": 2}]']),
  call("def f(d, k):\n    return d[k]", ['{"1": 7}\n1'], ["7"]),
  call("def f(k, d):\n    return d['1']", ['1\n{"1": 7}'], ["7"]),
  call("def f(s):\n    return s[::-1]", ['"ab"'], ['"ba"']),
  call("def f(s):\n    return s", [big], [big]),
  call("def f(s):\n    return 10 ** 5000", ["1"], ["1"]),
  call("def g(s):\n    return s", ["1"], ["1"]),
  call("def f(s):\n    return undefined", ["1"], ["1"]),
  call("def f(s):\n    return s", ["x"], ["1"]),
  call("def f(s):\n    return s", ["1"], ["x"]),
  call("def f(a):\n    return sorted(a)", ["[3, 1, 2]"], ["[1, 2, 3]"]),
  call("def f(a):\n    a.sort()\n    return a", ["[3, 1, 2]"], ["[[1, 2, 3]]"]),
  call("def f(n):\n    return sum(range(n))", ["10", "11"], ["45", "56"]),
  call("def f(a: List[int]) -> int:\n    return max(a)", ["[3, 1]"], ["3"]),
  call("x = input()\ndef f(a):\n    return a", ["3"], ["3"]),
  call("import sys\ndef f(a):\n    return a\nsys.exit()", ["3"], ["3"]),
  call("print(f(1))\ndef f(a):\n    return a", ["3"], ["3"]),
  call("def f(a):\n    return a\nif __name__ == '__main__':\n    raise ValueError", ["3"], ["3"]),
  call("def f(a):\n    return 'x' * a", ["3"], ['"xxx"']),
  call("def f():\n    return 1", [""], ["1"]),
  {
    kind: "numbers",
    response: fenced("print(int(input()) + 1)"),
    gold: { inputs: [big], outputs: [`1${"0".repeat(5000)}`] },
  },
  { kind: "numbers", response: fenced("print(10 ** 4299)"), gold: { inputs: [""], outputs: [`1${"0".repeat(4299)}`] } },
  { kind: "numbers", response: fenced("print(10 ** 4300)"), gold: { inputs: [""], outputs: [`1${"0".repeat(4300)}`] } },
  {
    kind: "numbers",
    response: fenced("x = input()\ny = input()\nprint(x + y)"),
    gold: { inputs: ["a\n\n"], outputs: ["a"] },
  },
  {
    kind: "numbers",
    response: fenced("print(input())"),
    gold: { inputs: ["\u00e9\u4e2d"], outputs: ["\u00e9\u4e2d"] },
  },
  { kind: "numbers", response: fenced("print(1)"), gold: { inputs: [], outputs: [] } },
  { kind: "numbers", response: fenced("print(1)"), gold: { inputs: [["1"]], outputs: [["1"]] } },
]

/** All of them. */
export const inputs: ReadonlyArray<CodeInput> = [...scripts, ...others]
