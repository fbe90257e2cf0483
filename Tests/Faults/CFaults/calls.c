#define _GNU_SOURCE
#include "CFaults.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/random.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>

enum { ARMED_MAX = 4, DESCRIPTOR_MAX = 1 << 16 };

struct armed {
    _Atomic(int) call;
    /// Calls until the first that strikes; negative from the second on.
    _Atomic(int) countdown;
    _Atomic(int) times;
    _Atomic(int) error;
    _Atomic(int) byte_count;
};

struct cfaults_plan {
    struct armed armed[ARMED_MAX];
    _Atomic(int) armed_count;
    _Atomic(int) hit_count;
    _Atomic(int) open_count;
    _Atomic(int) calls[CFAULTS_CALL_COUNT];
};

static _Thread_local struct cfaults_plan *chosen;
/// Whose descriptor it is.
static _Atomic(struct cfaults_plan *) owners[DESCRIPTOR_MAX];

struct cfaults_plan *cfaults_make(void) { return calloc(1, sizeof(struct cfaults_plan)); }

void cfaults_free(struct cfaults_plan *plan) {
    for (int fd = 0; fd < DESCRIPTOR_MAX; fd++) {
        struct cfaults_plan *owner = plan;
        atomic_compare_exchange_strong(&owners[fd], &owner, NULL);
    }
    free(plan);
}

void cfaults_choose(struct cfaults_plan *plan) { chosen = plan; }

void cfaults_arm(struct cfaults_plan *plan, enum cfaults_call call, int nth, int times, int error,
                 int byte_count) {
    int position = atomic_load(&plan->armed_count);
    if (position == ARMED_MAX) abort();
    struct armed *armed = &plan->armed[position];
    armed->call = (int)call;
    armed->countdown = nth;
    armed->times = times;
    armed->error = error;
    armed->byte_count = byte_count;
    atomic_store(&plan->armed_count, position + 1);
}

void cfaults_disarm(struct cfaults_plan *plan) { atomic_store(&plan->armed_count, 0); }

int cfaults_hit_count(struct cfaults_plan *plan) { return plan->hit_count; }
int cfaults_call_count(struct cfaults_plan *plan, enum cfaults_call call) {
    return plan->calls[call];
}
int cfaults_open_count(struct cfaults_plan *plan) { return plan->open_count; }

/// What becomes of a call: `error` for it to fail, else the bytes it may move.
struct outcome {
    int error;
    size_t byte_count;
};

static struct outcome outcome_of(enum cfaults_call call, size_t byte_count) {
    struct outcome outcome = {0, byte_count};
    struct cfaults_plan *plan = chosen;
    if (!plan) return outcome;
    plan->calls[call]++;
    int count = atomic_load(&plan->armed_count);
    for (int position = 0; position < count; position++) {
        struct armed *armed = &plan->armed[position];
        if (armed->call != (int)call) continue;
        int left = atomic_fetch_sub(&armed->countdown, 1);
        if (left > 1 || left <= 1 - armed->times) continue;
        plan->hit_count++;
        outcome.error = armed->error;
        if (!armed->error && (size_t)armed->byte_count < byte_count)
            outcome.byte_count = (size_t)armed->byte_count;
    }
    return outcome;
}

static bool fails(enum cfaults_call call) {
    int error = outcome_of(call, 0).error;
    if (error) errno = error;
    return error != 0;
}

void cfaults_adopt(struct cfaults_plan *plan, int fd) {
    if (fd < 0 || fd >= DESCRIPTOR_MAX) return;
    plan->open_count++;
    atomic_store(&owners[fd], plan);
}

/// Notes who has opened a descriptor; passes it on.
static int opened(long fd) {
    if (chosen) cfaults_adopt(chosen, (int)fd);
    return (int)fd;
}

static void closing(int fd) {
    if (fd < 0 || fd >= DESCRIPTOR_MAX) return;
    struct cfaults_plan *owner = atomic_exchange(&owners[fd], NULL);
    if (owner) owner->open_count--;
}

// A sanitizer wants to see the call, too: it checks the memory, and what happens before what.
#define SEEN_BY_SANITIZER(result, name, ...)                                                       \
    extern result __interceptor_##name(__VA_ARGS__) __attribute__((weak))
#define KERNEL(name, number, ...)                                                                  \
    (__interceptor_##name ? __interceptor_##name(__VA_ARGS__) : syscall(number, __VA_ARGS__))

SEEN_BY_SANITIZER(ssize_t, recv, int, void *, size_t, int);
SEEN_BY_SANITIZER(ssize_t, send, int, const void *, size_t, int);
SEEN_BY_SANITIZER(ssize_t, sendmsg, int, const struct msghdr *, int);
SEEN_BY_SANITIZER(ssize_t, read, int, void *, size_t);
SEEN_BY_SANITIZER(ssize_t, write, int, const void *, size_t);
SEEN_BY_SANITIZER(int, close, int);
SEEN_BY_SANITIZER(int, accept4, int, struct sockaddr *, socklen_t *, int);
SEEN_BY_SANITIZER(int, socket, int, int, int);
SEEN_BY_SANITIZER(int, connect, int, const struct sockaddr *, socklen_t);
SEEN_BY_SANITIZER(int, bind, int, const struct sockaddr *, socklen_t);
SEEN_BY_SANITIZER(int, listen, int, int);
SEEN_BY_SANITIZER(int, getsockopt, int, int, int, void *, socklen_t *);
SEEN_BY_SANITIZER(int, getsockname, int, struct sockaddr *, socklen_t *);
SEEN_BY_SANITIZER(int, getpeername, int, struct sockaddr *, socklen_t *);
SEEN_BY_SANITIZER(int, epoll_create1, int);
SEEN_BY_SANITIZER(int, epoll_ctl, int, int, int, struct epoll_event *);
SEEN_BY_SANITIZER(int, epoll_wait, int, struct epoll_event *, int, int);
SEEN_BY_SANITIZER(int, eventfd, unsigned int, int);
SEEN_BY_SANITIZER(int, pipe2, int *, int);
SEEN_BY_SANITIZER(int, poll, struct pollfd *, nfds_t, int);
SEEN_BY_SANITIZER(int, fdatasync, int);

// MARK: Bytes

ssize_t recv(int fd, void *buffer, size_t count, int flags) {
    struct outcome outcome = outcome_of(CFAULTS_RECV, count);
    if (outcome.error) return errno = outcome.error, -1;
    if (__interceptor_recv) return __interceptor_recv(fd, buffer, outcome.byte_count, flags);
    return syscall(SYS_recvfrom, fd, buffer, outcome.byte_count, flags, NULL, NULL);
}

ssize_t send(int fd, const void *buffer, size_t count, int flags) {
    struct outcome outcome = outcome_of(CFAULTS_SEND, count);
    if (outcome.error) return errno = outcome.error, -1;
    if (__interceptor_send) return __interceptor_send(fd, buffer, outcome.byte_count, flags);
    return syscall(SYS_sendto, fd, buffer, outcome.byte_count, flags, NULL, 0);
}

ssize_t sendmsg(int fd, const struct msghdr *message, int flags) {
    struct outcome outcome = outcome_of(CFAULTS_SENDMSG, SIZE_MAX);
    if (outcome.error) return errno = outcome.error, -1;
    struct msghdr shorter = *message;
    struct iovec first;
    if (outcome.byte_count < SIZE_MAX && message->msg_iovlen > 0) {
        first = message->msg_iov[0];
        if (outcome.byte_count < first.iov_len) first.iov_len = outcome.byte_count;
        shorter.msg_iov = &first;
        shorter.msg_iovlen = 1;
    }
    return KERNEL(sendmsg, SYS_sendmsg, fd, &shorter, flags);
}

ssize_t read(int fd, void *buffer, size_t count) {
    struct outcome outcome = outcome_of(CFAULTS_READ, count);
    if (outcome.error) return errno = outcome.error, -1;
    return KERNEL(read, SYS_read, fd, buffer, outcome.byte_count);
}

ssize_t write(int fd, const void *buffer, size_t count) {
    struct outcome outcome = outcome_of(CFAULTS_WRITE, count);
    if (outcome.error) return errno = outcome.error, -1;
    return KERNEL(write, SYS_write, fd, buffer, outcome.byte_count);
}

ssize_t getrandom(void *buffer, size_t count, unsigned int flags) {
    struct outcome outcome = outcome_of(CFAULTS_GETRANDOM, count);
    if (outcome.error) return errno = outcome.error, -1;
    return syscall(SYS_getrandom, buffer, outcome.byte_count, flags);
}

int fdatasync(int fd) {
    if (fails(CFAULTS_FDATASYNC)) return -1;
    return (int)KERNEL(fdatasync, SYS_fdatasync, fd);
}

// MARK: Descriptors

int open(const char *path, int flags, ...) {
    va_list arguments;
    va_start(arguments, flags);
    mode_t mode = flags & (O_CREAT | O_TMPFILE) ? va_arg(arguments, mode_t) : 0;
    va_end(arguments);
    if (fails(CFAULTS_OPEN)) return -1;
    return opened(syscall(SYS_openat, AT_FDCWD, path, flags, mode));
}

/// The kernel frees the descriptor whatever it answers (man 2 close).
int close(int fd) {
    closing(fd);
    int result = (int)KERNEL(close, SYS_close, fd);
    return result == 0 && fails(CFAULTS_CLOSE) ? -1 : result;
}

int pipe2(int ends[2], int flags) {
    if (fails(CFAULTS_PIPE)) return -1;
    int result = (int)KERNEL(pipe2, SYS_pipe2, ends, flags);
    if (result == 0) opened(ends[0]), opened(ends[1]);
    return result;
}

int eventfd(unsigned int count, int flags) {
    if (fails(CFAULTS_EVENTFD)) return -1;
    return opened(KERNEL(eventfd, SYS_eventfd2, count, flags));
}

// MARK: Sockets

int socket(int domain, int type, int protocol) {
    if (fails(CFAULTS_SOCKET)) return -1;
    return opened(KERNEL(socket, SYS_socket, domain, type, protocol));
}

int accept4(int fd, struct sockaddr *address, socklen_t *count, int flags) {
    if (fails(CFAULTS_ACCEPT)) return -1;
    return opened(KERNEL(accept4, SYS_accept4, fd, address, count, flags));
}

int connect(int fd, const struct sockaddr *address, socklen_t count) {
    if (fails(CFAULTS_CONNECT)) return -1;
    return (int)KERNEL(connect, SYS_connect, fd, address, count);
}

int bind(int fd, const struct sockaddr *address, socklen_t count) {
    if (fails(CFAULTS_BIND)) return -1;
    return (int)KERNEL(bind, SYS_bind, fd, address, count);
}

int listen(int fd, int backlog) {
    if (fails(CFAULTS_LISTEN)) return -1;
    return (int)KERNEL(listen, SYS_listen, fd, backlog);
}

int shutdown(int fd, int how) {
    if (fails(CFAULTS_SHUTDOWN)) return -1;
    return (int)syscall(SYS_shutdown, fd, how);
}

int setsockopt(int fd, int level, int name, const void *value, socklen_t count) {
    if (fails(CFAULTS_SETSOCKOPT)) return -1;
    return (int)syscall(SYS_setsockopt, fd, level, name, value, count);
}

int getsockopt(int fd, int level, int name, void *value, socklen_t *count) {
    if (fails(CFAULTS_GETSOCKOPT)) return -1;
    return (int)KERNEL(getsockopt, SYS_getsockopt, fd, level, name, value, count);
}

int getsockname(int fd, struct sockaddr *address, socklen_t *count) {
    if (fails(CFAULTS_GETSOCKNAME)) return -1;
    return (int)KERNEL(getsockname, SYS_getsockname, fd, address, count);
}

int getpeername(int fd, struct sockaddr *address, socklen_t *count) {
    if (fails(CFAULTS_GETPEERNAME)) return -1;
    return (int)KERNEL(getpeername, SYS_getpeername, fd, address, count);
}

// MARK: Waiting

int epoll_create1(int flags) {
    if (fails(CFAULTS_EPOLL_CREATE)) return -1;
    return opened(KERNEL(epoll_create1, SYS_epoll_create1, flags));
}

int epoll_ctl(int epoll, int operation, int fd, struct epoll_event *event) {
    if (operation == EPOLL_CTL_ADD && fails(CFAULTS_EPOLL_ADD)) return -1;
    return (int)KERNEL(epoll_ctl, SYS_epoll_ctl, epoll, operation, fd, event);
}

int epoll_wait(int epoll, struct epoll_event *events, int max, int timeout_ms) {
    if (fails(CFAULTS_EPOLL_WAIT)) return -1;
    return (int)KERNEL(epoll_wait, SYS_epoll_wait, epoll, events, max, timeout_ms);
}

int poll(struct pollfd *polled, nfds_t count, int timeout_ms) {
    if (fails(CFAULTS_POLL)) return -1;
    return (int)KERNEL(poll, SYS_poll, polled, count, timeout_ms);
}
