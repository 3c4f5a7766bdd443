/**
 * A filter of system calls for native programs, as a program of the kernel's packet filter (seccomp, struct sock_filter).
 *
 * It refuses what a program that computes has no use for: new processes (threads may be made), sockets, tracing, mounts, namespaces,
 * kernel modules, keys, io_uring, and memory that no limit on the process counts: System V's shared memory, semaphores and queues,
 * POSIX queues, descriptors on their way between sockets, rings of asynchronous input, rules of Landlock; and what reaches into another
 * process: its descriptors, its pages, its limits.
 * Everything else goes through: the namespaces of bubblewrap are the wall, this is a second one. On processors that it has no numbers
 * for there is none.
 */

interface Numbers {
  readonly arch: number
  readonly clone: number
  /** Refused for any other process than the caller, which it calls 0. */
  readonly prlimit: number
  readonly denied: ReadonlyArray<number>
}

const clone3 = 435
const ioUring = 425

const architectures: Readonly<Record<string, Numbers>> = {
  x64: {
    arch: 0xc000003e,
    clone: 56,
    prlimit: 302,
    // fork, vfork, socket, ptrace, process_vm_*, mount, umount2, pivot_root, chroot, unshare, setns, bpf, perf_event_open,
    // userfaultfd, add_key, request_key, keyctl, kexec_load, *_module, *_handle*, memfd_create, mknod*, reboot, swapon, acct,
    // personality, iopl, ioperm; shm*, sem*, msg*, mq_*, sendmsg, sendmmsg, memfd_secret;
    // pidfd_getfd, process_madvise, process_mrelease, kcmp, move_pages, migrate_pages, sched_set*, setpriority, ioprio_set;
    // io_setup, landlock_*
    denied: [
      57, 58, 41, 101, 310, 311, 165, 166, 155, 161, 272, 308, 321, 298, 323, 248, 249, 250, 246, 175, 176, 313, 303,
      304, 319, 133, 259, 169, 167, 163, 135, 172, 173, 29, 30, 31, 67, 64, 65, 66, 220, 68, 69, 70, 71, 240, 241, 242,
      243, 244, 245, 46, 307, 447, 438, 440, 448, 312, 279, 256, 142, 144, 203, 314, 141, 251, 206, 444, 445, 446,
    ],
  },
  arm64: {
    arch: 0xc00000b7,
    clone: 220,
    prlimit: 261,
    denied: [
      198, 117, 270, 271, 40, 39, 41, 51, 97, 268, 280, 241, 282, 217, 218, 219, 104, 105, 106, 273, 264, 265, 279, 33,
      142, 224, 89, 92, 186, 187, 188, 189, 190, 191, 192, 193, 194, 195, 196, 197, 180, 181, 182, 183, 184, 185, 211,
      269, 447, 438, 440, 448, 272, 239, 238, 118, 119, 122, 274, 140, 30, 0, 444, 445, 446,
    ],
  },
}

const load = 0x20
const jumpEqual = 0x15
const jumpNotLess = 0x35
const jumpBits = 0x45
const give = 0x06
const [killProcess, allow, refuse, unknown] = [0x80000000, 0x7fff0000, 0x00050001, 0x00050026]
const [offsetNumber, offsetArch, offsetFirst] = [0, 4, 16]
const thread = 0x10000

/** The filter for this processor; null when there is none. */
export const filter = (architecture: string = process.arch): Buffer | null => {
  if (!Object.hasOwn(architectures, architecture)) return null
  const { arch, clone, denied, prlimit } = architectures[architecture]
  const program: Array<readonly [code: number, whenTrue: number, whenFalse: number, k: number]> = [
    [load, 0, 0, offsetArch],
    [jumpEqual, 1, 0, arch],
    [give, 0, 0, killProcess],
    [load, 0, 0, offsetNumber],
    // The 32-bit calls of x64 have numbers of their own.
    [jumpNotLess, 0, 1, 0x40000000],
    [give, 0, 0, refuse],
  ]
  for (const number of [...denied, ioUring]) program.push([jumpEqual, 0, 1, number], [give, 0, 0, refuse])
  // The C library goes back to clone, whose flags can be looked at.
  program.push([jumpEqual, 0, 1, clone3], [give, 0, 0, unknown])
  program.push([jumpEqual, 0, 3, prlimit], [load, 0, 0, offsetFirst], [jumpEqual, 1, 0, 0], [give, 0, 0, refuse])
  // Numbers are loaded again: the argument took their place.
  program.push([load, 0, 0, offsetNumber])
  program.push([jumpEqual, 0, 3, clone], [load, 0, 0, offsetFirst], [jumpBits, 1, 0, thread], [give, 0, 0, refuse])
  program.push([give, 0, 0, allow])
  const out = Buffer.alloc(8 * program.length)
  for (const [i, [code, whenTrue, whenFalse, k]] of program.entries()) {
    out.writeUInt16LE(code, 8 * i)
    out.writeUInt8(whenTrue, 8 * i + 2)
    out.writeUInt8(whenFalse, 8 * i + 3)
    out.writeUInt32LE(k, 8 * i + 4)
  }
  return out
}
