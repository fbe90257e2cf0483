// CFaults: system calls that fail when a test wants them to.
//
//   code under test ─ recv ─▶ this recv ─┬─ thread has no plan ─────────▶ kernel
//                                        ├─ not the armed one's turn ───▶ kernel, counted
//                                        └─ its turn ─▶ -1 and errno, or the kernel with fewer bytes
//
// A definition in the executable goes before the C library's, for our own code and for every library
// that is linked in. So nothing in Sources knows of this, and a program that is no test pays nothing.
//
// Thread: a plan speaks of the threads that have chosen it; arm and read it from any.
// Source: man 8 ld.so, "symbol interposition"; the pages of the calls.
#ifndef CONTOSO_CFAULTS_H
#define CONTOSO_CFAULTS_H

enum cfaults_call {
    CFAULTS_ACCEPT,
    CFAULTS_BIND,
    CFAULTS_CLOSE,
    CFAULTS_CONNECT,
    /// epoll_ctl with EPOLL_CTL_ADD: the others cannot fail on a descriptor that has been added.
    CFAULTS_EPOLL_ADD,
    CFAULTS_EPOLL_CREATE,
    CFAULTS_EPOLL_WAIT,
    CFAULTS_EVENTFD,
    CFAULTS_FDATASYNC,
    CFAULTS_GETPEERNAME,
    CFAULTS_GETRANDOM,
    CFAULTS_GETSOCKNAME,
    CFAULTS_GETSOCKOPT,
    CFAULTS_LISTEN,
    CFAULTS_OPEN,
    CFAULTS_PIPE,
    CFAULTS_POLL,
    CFAULTS_READ,
    CFAULTS_RECV,
    CFAULTS_SEND,
    CFAULTS_SENDMSG,
    CFAULTS_SETSOCKOPT,
    CFAULTS_SHUTDOWN,
    CFAULTS_SOCKET,
    CFAULTS_WRITE,
    CFAULTS_CALL_COUNT,
};

struct cfaults_plan;

struct cfaults_plan *cfaults_make(void);
/// No thread may have it chosen any more.
void cfaults_free(struct cfaults_plan *plan);

/// The descriptor was opened before the plan was chosen; from now on it counts, too.
void cfaults_adopt(struct cfaults_plan *plan, int fd);

/// The current thread's calls are this plan's from now on; NULL leaves them alone.
void cfaults_choose(struct cfaults_plan *plan);

/// Calls number `nth` to `nth + times - 1` of `call`, counted from now, fail with `error`; if that is 0
/// they move at most `byte_count` bytes. Up to four calls can be armed at once.
void cfaults_arm(struct cfaults_plan *plan, enum cfaults_call call, int nth, int times, int error,
                 int byte_count);
void cfaults_disarm(struct cfaults_plan *plan);

/// How often an armed call has struck since the plan was made.
int cfaults_hit_count(struct cfaults_plan *plan);
/// How often `call` was made under the plan.
int cfaults_call_count(struct cfaults_plan *plan, enum cfaults_call call);
/// Descriptors that were opened under the plan and are not closed yet, by whomever.
int cfaults_open_count(struct cfaults_plan *plan);

#endif
