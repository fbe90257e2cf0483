// CLinux: the system calls that Swift's Glibc module does not import, with their result and errno
// folded into one value. Every function returns -errno on failure, so that nothing between the call
// and the look at errno (a release, a free) can clobber it.
//
// No feature-test macro may be defined in this header: it would change the layout of types that the
// Glibc module has already imported. What needs _GNU_SOURCE lives in shims.c.
#ifndef CONTOSO_CLINUX_H
#define CONTOSO_CLINUX_H

#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <pthread.h>
#include <signal.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/types.h>
#include <sys/uio.h>
#include <time.h>
#include <unistd.h>

static inline int clinux_epoll_create(void) {
    int fd = epoll_create1(EPOLL_CLOEXEC);
    return fd < 0 ? -errno : fd;
}

static inline int clinux_epoll_ctl(int epoll, int operation, int fd, uint32_t events, uint64_t token) {
    struct epoll_event event = {.events = events, .data = {.u64 = token}};
    return epoll_ctl(epoll, operation, fd, &event) < 0 ? -errno : 0;
}

static inline int clinux_epoll_wait(int epoll, struct epoll_event *events, int max, int timeout_ms) {
    int n = epoll_wait(epoll, events, max, timeout_ms);
    return n < 0 ? -errno : n;
}

static inline int clinux_eventfd(void) {
    int fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    return fd < 0 ? -errno : fd;
}

static inline ssize_t clinux_recv(int fd, void *buffer, size_t count) {
    ssize_t n = recv(fd, buffer, count, 0);
    return n < 0 ? -errno : n;
}

/// The same, and leaves the bytes where they are.
static inline ssize_t clinux_peek(int fd, void *buffer, size_t count) {
    ssize_t n = recv(fd, buffer, count, MSG_PEEK);
    return n < 0 ? -errno : n;
}

static inline ssize_t clinux_send(int fd, const void *buffer, size_t count) {
    ssize_t n = send(fd, buffer, count, MSG_NOSIGNAL);
    return n < 0 ? -errno : n;
}

static inline ssize_t clinux_sendv(int fd, const struct iovec *vectors, size_t count) {
    struct msghdr message = {.msg_iov = (struct iovec *)vectors, .msg_iovlen = count};
    ssize_t n = sendmsg(fd, &message, MSG_NOSIGNAL);
    return n < 0 ? -errno : n;
}

static inline ssize_t clinux_read(int fd, void *buffer, size_t count) {
    ssize_t n = read(fd, buffer, count);
    return n < 0 ? -errno : n;
}

static inline ssize_t clinux_write(int fd, const void *buffer, size_t count) {
    ssize_t n = write(fd, buffer, count);
    return n < 0 ? -errno : n;
}

static inline int clinux_close(int fd) { return close(fd) < 0 ? -errno : 0; }

static inline int clinux_shutdown_write(int fd) {
    return shutdown(fd, SHUT_WR) < 0 ? -errno : 0;
}

/// Nanoseconds of CLOCK_MONOTONIC.
static inline uint64_t clinux_monotonic_ns(void) {
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (uint64_t)t.tv_sec * 1000000000ull + (uint64_t)t.tv_nsec;
}

/// Microseconds since 1970-01-01T00:00:00Z.
static inline int64_t clinux_wall_us(void) {
    struct timespec t;
    clock_gettime(CLOCK_REALTIME, &t);
    return (int64_t)t.tv_sec * 1000000 + t.tv_nsec / 1000;
}

/// Who is at the other end: IPv6 in network order, IPv4 as ::ffff:a.b.c.d.
struct clinux_peer {
    unsigned char ip[16];
    uint16_t port;
};
/// A descriptor, with `peer` filled, or -errno.
int clinux_accept(int listener, struct clinux_peer *peer);
/// 0 or -errno.
int clinux_peer(int fd, struct clinux_peer *peer);
/// The bound address as "127.0.0.1:8080" or "[::1]:8080"; 0 or -errno.
int clinux_local_address(int fd, char *text, size_t count);
/// Resolves a numeric or symbolic host; binds and listens. A descriptor or -errno; -EADDRNOTAVAIL
/// where the host has no address. Accepted connections are ended by the kernel when their peer answers
/// nothing, or takes nothing of what is sent, for `silence_seconds`.
int clinux_bind_and_listen(const char *host, uint16_t port, int backlog, int send_buffer_bytes,
                           int silence_seconds);
/// 0 if nobody listens on the address, else -errno. SO_REUSEPORT lets a second server of the same
/// user bind a port that is in use without an error; a bind without it tells.
int clinux_probe_port(const char *host, uint16_t port);
/// Connects with TCP_NODELAY set, then makes the socket non-blocking. Blocks until the peer has
/// accepted; for tools, never on a loop. A descriptor or -errno.
int clinux_connect(const char *host, uint16_t port);
/// A socket address, IPv4 or IPv6, as connect(2) takes it.
struct clinux_address {
    unsigned char bytes[28];
    unsigned int count;
};
/// Fills `found` with at most `max` addresses of `host`: a numeric one without asking anybody, a name
/// by asking (blocks for as long as the resolver does). How many, or a negative EAI code.
int clinux_resolve(const char *host, uint16_t port, int is_numeric, struct clinux_address *found,
                   int max);
/// A non-blocking socket on its way to `address`, with TCP_NODELAY set and a peer that is silent for
/// `silence_seconds` given up. `source`, unless NULL, is its own address, port 0. A descriptor or -errno.
int clinux_start_connect(const struct clinux_address *address, const struct clinux_address *source,
                         int silence_seconds);
/// What became of the connect: 0 or -errno.
int clinux_socket_error(int fd);
int clinux_reset_on_close(int fd);
/// A pipe that no program started later inherits: [0] is read, [1] written. 0 or -errno.
int clinux_pipe(int ends[2]);
int clinux_open_reserve(void);
/// Raises the soft descriptor limit to the hard one; returns the resulting soft limit or -errno.
int64_t clinux_raise_descriptor_limit(void);
/// Has the allocator give what is free back to the system.
void clinux_trim_memory(void);
ssize_t clinux_random(void *buffer, size_t count);
void clinux_name_thread(const char *name);
/// Blocks the signals that the supervisor waits for, and ignores SIGPIPE. Call before any thread.
void clinux_block_signals(void);
/// Waits for one of the blocked signals at most `timeout_ms` (-1: for ever). A signal, 0 or -errno.
int clinux_wait_signal(int timeout_ms);

#endif
