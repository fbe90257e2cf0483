"""One callgrind dump: its instructions, and how often functions were called.

    fn=(7) $s4Loop7ReactorC…       a function, named at its first mention, by number afterwards
    ob=(2) /usr/lib/libc.so.6      the object of the functions that follow
    cob=(3) …  cfn=(9) malloc      the callee of the next line; cob only if it is another object
    calls=40 0x…                   forty calls
    summary: 1562287               instructions since the last dump

Source: the Valgrind manual, "Callgrind Format Specification".
"""

import re
from collections import Counter
from collections.abc import Iterable
from pathlib import Path

# Of libc; what they call among themselves is one request of memory.
ALLOCATORS = frozenset({
    "malloc", "calloc", "realloc", "reallocarray", "posix_memalign", "aligned_alloc", "memalign"})

# swift_retain, swift_release_n, swift_bridgeObjectRetain, swift_weakLoadStrong, …
_REFERENCE_COUNTING = re.compile(
    r"_?swift_(nonatomic_)?(\w*retain(_n)?|\w*release(_n)?|(weak|unowned)\w+)", re.IGNORECASE)

# libc's wrappers of the system calls that a message can cost.
SYSCALLS = frozenset({
    "send", "sendto", "sendmsg", "sendmmsg", "recv", "recvfrom", "recvmsg", "recvmmsg",
    "read", "readv", "write", "writev", "pread", "pwrite", "pread64", "pwrite64",
    "epoll_wait", "epoll_pwait", "epoll_pwait2", "epoll_ctl", "poll", "ppoll", "select",
    "timerfd_settime", "eventfd_read", "eventfd_write", "io_uring_enter",
    "accept", "accept4", "close", "shutdown", "fsync", "fdatasync", "nanosleep", "sched_yield",
    "mmap", "mmap64", "munmap", "mremap", "madvise", "brk", "sbrk", "syscall"})

_OPENSSL = ("libcrypto", "libssl")

_NAMED = re.compile(r"(c?(?:fn|ob))=\((\d+)\)(?: (.*))?")
# Versions ("@@GLIBC_2.2.5"), depths of recursion ("'2") and libc's second names ("__send",
# "__libc_malloc"), which it depends on its debug symbols whether we see, are no part of a name.
_DECORATION = re.compile(r"@.*$|'\d+$|^__(libc_)?(?=[a-z])")


class Profile:
    """Instructions, and calls by (object of the caller, caller, callee)."""

    def __init__(self, instructions: int, calls: Counter):
        self.instructions = instructions
        self.calls = calls

    @classmethod
    def read(cls, path: Path) -> "Profile":
        with open(path, errors="replace") as lines:
            return cls.parse(lines)

    @classmethod
    def parse(cls, lines: Iterable[str]) -> "Profile":
        instructions, calls = None, Counter()
        # Numbers of functions and of objects are two spaces; callers and callees share each.
        names: dict[tuple[str, str], str] = {}
        here = {"fn": "", "ob": "", "cfn": ""}
        for line in lines:
            if line.startswith("calls="):
                count = int(line[6:].split()[0])
                calls[here["ob"], here["fn"], here["cfn"]] += count
            elif line.startswith("summary:"):
                instructions = int(line.split()[1])
            elif found := _NAMED.match(line):
                kind, number, name = found.groups()
                key = (kind[-2:], number)
                if name is not None:
                    names[key] = _DECORATION.sub("", name.strip())
                here[kind] = names[key]
        if instructions is None:
            raise ValueError("this is no callgrind dump: it has no summary")
        return cls(instructions, calls)

    def allocations(self, *, by_openssl: bool) -> int:
        """Requests of heap memory, either those that OpenSSL makes or all others."""
        return sum(count for (owner, caller, callee), count in self.calls.items()
                   if callee in ALLOCATORS and caller not in ALLOCATORS
                   and any(name in owner for name in _OPENSSL) == by_openssl)

    def reference_counts(self) -> int:
        """Retains and releases of class instances; one that calls another counts once."""
        def is_counting(name: str) -> bool:
            return _REFERENCE_COUNTING.fullmatch(name) is not None
        return sum(count for (_, caller, callee), count in self.calls.items()
                   if is_counting(callee) and not is_counting(caller))

    def syscalls(self) -> int:
        """Calls of libc's wrappers; a wrapper that calls another counts once."""
        return sum(count for (_, caller, callee), count in self.calls.items()
                   if callee in SYSCALLS and caller not in SYSCALLS)
