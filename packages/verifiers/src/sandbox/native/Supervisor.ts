/**
 * The Python side of the native sandbox: process 1 of the sandbox, which forks itself for every test.
 *
 * It is up, with the harness loaded, before any program comes, and runs none itself: the child of a test reads program and input from
 * the host on its own, so that nothing of a test is ever in the memory that the next one starts from. The child then takes its limits,
 * the filter of system calls, and four descriptors of its own: 0 input (a sealed file in memory), 1 and 2 output, 4 the harness's answer.
 *
 * Host to child: memory u64, processor seconds u32, length of the job u32, length of the input u64, job, input; little-endian.
 * Supervisor to host, on descriptor 1: frames of channel u8, length u32, bytes. Channels 1, 2 and 4 carry what the child wrote, as it
 * is; channel 0 comes once the child is gone and everything else is through: the kernel's status u32, processor milliseconds u32.
 *
 * Process 1 of a namespace cannot be ended or stopped by signals from inside it. What a child can still do to it, in vain, costs the
 * sandbox: one that breaks is not used again.
 */
import * as PythonHarness from "../PythonHarness.ts"

/** The byte on channel 4 before any answer: the program starts. */
export const mark = "!"

/** Bytes of the header that goes to a child, of a frame's, and of the status in the frame that ends a test. */
export const [headerBytes, frameBytes, statusBytes] = [24, 5, 4]

const supervise = `
def _supervise(filter):
    import ctypes, fcntl, gc, os, resource, select, signal, sys
    # It ends all processes that it sees after each test: those of its own namespace, never the machine's.
    if os.getpid() != 1:
        raise SystemExit("the supervisor runs as process 1 of a sandbox only")
    for name in "bisect collections copy functools heapq itertools math operator re string typing".split():
        __import__(name)

    class Program(ctypes.Structure):
        _fields_ = [("length", ctypes.c_ushort), ("instructions", ctypes.c_char_p)]

    prctl = ctypes.CDLL(None).prctl
    program = Program(len(filter) // 8, filter)

    def exactly(size):
        chunks = []
        while size:
            chunk = os.read(0, min(size, 1 << 20))
            if not chunk:
                os._exit(0)
            chunks.append(chunk)
            size -= len(chunk)
        return b"".join(chunks)

    def child(ends):
        header = exactly(${headerBytes})
        number = lambda a, b: int.from_bytes(header[a:b], "little")
        memory, seconds, left = number(0, 8), number(8, 12), number(16, 24)
        job = exactly(number(12, 16)).decode("utf-8", "surrogatepass")
        stdin = os.memfd_create("stdin", os.MFD_CLOEXEC | os.MFD_ALLOW_SEALING)
        while left:
            chunk = memoryview(exactly(min(left, 1 << 16)))
            left -= len(chunk)
            while chunk:
                chunk = chunk[os.write(stdin, chunk):]
        os.lseek(stdin, 0, 0)
        fcntl.fcntl(stdin, 1033, 15)
        # Above all others first: the numbers that they get may be taken.
        high = [fcntl.fcntl(fd, fcntl.F_DUPFD, 64) for fd in (stdin, *ends)]
        for fd, to in zip(high, (0, 1, 2, 4)):
            os.dup2(fd, to)
        os.close(3)
        os.closerange(5, 128)
        signal.signal(signal.SIGINT, signal.default_int_handler)
        bounds = {"CORE": 0, "FSIZE": 0, "NOFILE": 64, "SIGPENDING": 64, "AS": memory, "CPU": seconds}
        for name, bound in bounds.items():
            resource.setrlimit(getattr(resource, "RLIMIT_" + name), (bound, bound))
        if filter and prctl(22, 2, ctypes.byref(program), 0, 0) != 0:
            raise OSError("the kernel takes no filter of system calls")
        os.write(4, b"${mark}")
        return job

    buffer = bytearray(1 << 16)
    view = memoryview(buffer)

    def send(data):
        data = memoryview(data)
        while data:
            data = data[os.write(1, data):]

    def relay(pid, ends):
        """Hands on what the child writes until it is gone; how it ended, and whether it began."""
        names, began, status = dict(zip(ends, (1, 2, 4))), False, None
        poll = select.poll()
        for fd in ends:
            poll.register(fd, select.POLLIN)
        while names:
            for fd, _ in poll.poll(100):
                size = os.readv(fd, [buffer])
                if size == 0:
                    poll.unregister(fd)
                    os.close(fd)
                    del names[fd]
                    continue
                began = began or names[fd] == 4
                send(bytes((names[fd],)) + size.to_bytes(4, "little"))
                send(view[:size])
            if names and status is None:
                # Where children of its own are not refused, they may outlive it with its pipes in hand.
                found, status, usage = os.wait4(pid, os.WNOHANG)
                if found == 0:
                    status = None
                else:
                    end_all()
        if status is None:
            _, status, usage = os.wait4(pid, 0)
            end_all()
        buffer[:] = bytes(len(buffer))
        milliseconds = int(1000 * (usage.ru_utime + usage.ru_stime))
        return began, status.to_bytes(${statusBytes}, "little") + milliseconds.to_bytes(4, "little")

    def end_all():
        try:
            os.kill(-1, signal.SIGKILL)
            while True:
                os.waitpid(-1, 0)
        except (ChildProcessError, ProcessLookupError):
            pass

    signal.signal(signal.SIGINT, signal.SIG_IGN)
    gc.collect()
    gc.freeze()
    while True:
        pipes = [os.pipe() for _ in range(3)]
        pid = os.fork()
        if pid == 0:
            for read, _ in pipes:
                os.close(read)
            return child([write for _, write in pipes])
        for _, write in pipes:
            os.close(write)
        began, end = relay(pid, [read for read, _ in pipes])
        if not began:
            os._exit(0)
        send(bytes(1) + len(end).to_bytes(4, "little") + end)
`

/** Ends the child of a test as the interpreter would, but for tearing its memory down, which would make it copy all of it. */
const leave = `
def _leave():
    import os, sys
    if "threading" in sys.modules:
        sys.modules["threading"]._shutdown()
    try:
        sys.stdout.flush()
    except (AttributeError, ValueError):
        pass
    os._exit(0)
`

/** The program of process 1, for an interpreter that starts without its \`site\`: \`packages\` are the folders of what is installed. */
export const program = (packages: ReadonlyArray<string>, filter: Buffer | null): string => `
import sys
sys.path += ${JSON.stringify(packages)}
import site
site.setquit(), site.setcopyright(), site.sethelper()
${PythonHarness.source}
${PythonHarness.answering}
${supervise}
${leave}
_run = _make()
_job = _supervise(bytes.fromhex("${filter?.toString("hex") ?? ""}"))
_run(lambda: _job, _answer)
_leave()
`
