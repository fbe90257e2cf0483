#define _GNU_SOURCE
#include "CLinux.h"

#include <fcntl.h>
#include <malloc.h>
#include <netdb.h>
#include <stdio.h>
#include <string.h>
#include <sys/random.h>

_Static_assert(sizeof(struct epoll_event) == 12, "epoll_event is packed on x86-64");

/// Zeros for a family that is neither IPv4 nor IPv6.
static void fill_peer(const struct sockaddr_storage *address, struct clinux_peer *peer) {
    memset(peer, 0, sizeof *peer);
    if (address->ss_family == AF_INET6) {
        const struct sockaddr_in6 *v6 = (const struct sockaddr_in6 *)address;
        memcpy(peer->ip, &v6->sin6_addr, 16);
        peer->port = ntohs(v6->sin6_port);
    } else if (address->ss_family == AF_INET) {
        const struct sockaddr_in *v4 = (const struct sockaddr_in *)address;
        peer->ip[10] = peer->ip[11] = 0xFF;
        memcpy(peer->ip + 12, &v4->sin_addr, 4);
        peer->port = ntohs(v4->sin_port);
    }
}

int clinux_accept(int listener, struct clinux_peer *peer) {
    struct sockaddr_storage address = {0};
    socklen_t length = sizeof address;
    int fd = accept4(listener, (struct sockaddr *)&address, &length, SOCK_NONBLOCK | SOCK_CLOEXEC);
    if (fd < 0) return -errno;
    fill_peer(&address, peer);
    return fd;
}

int clinux_peer(int fd, struct clinux_peer *peer) {
    struct sockaddr_storage address = {0};
    socklen_t length = sizeof address;
    if (getpeername(fd, (struct sockaddr *)&address, &length) < 0) return -errno;
    fill_peer(&address, peer);
    return 0;
}

static int format_address(const struct sockaddr *address, socklen_t count, char *text, size_t size) {
    char host[NI_MAXHOST], port[NI_MAXSERV];
    int failed = getnameinfo(address, count, host, sizeof host, port, sizeof port,
                             NI_NUMERICHOST | NI_NUMERICSERV);
    if (failed) return -EAFNOSUPPORT;
    snprintf(text, size, address->sa_family == AF_INET6 ? "[%s]:%s" : "%s:%s", host, port);
    return 0;
}

int clinux_local_address(int fd, char *text, size_t count) {
    struct sockaddr_storage address;
    socklen_t length = sizeof address;
    if (getsockname(fd, (struct sockaddr *)&address, &length) < 0) return -errno;
    return format_address((struct sockaddr *)&address, length, text, count);
}

/// Resolves `host`; the caller frees `*found` when the result is not NULL.
static const struct addrinfo *resolve(const char *host, uint16_t port, struct addrinfo **found) {
    char service[8];
    snprintf(service, sizeof service, "%u", (unsigned)port);
    struct addrinfo hints = {.ai_family = AF_UNSPEC,
                             .ai_socktype = SOCK_STREAM,
                             .ai_flags = AI_PASSIVE | AI_NUMERICSERV};
    if (getaddrinfo(host, service, &hints, found) != 0) return NULL;
    // "localhost" has two addresses; the IPv4 one is what port-forwarding tools and tests expect.
    for (const struct addrinfo *a = *found; a; a = a->ai_next)
        if (a->ai_family == AF_INET) return a;
    return *found;
}

/// A bound stream socket or -errno.
static int bound_socket(const char *host, uint16_t port, int is_shared) {
    struct addrinfo *found = NULL;
    const struct addrinfo *chosen = resolve(host, port, &found);
    if (!chosen) return -EADDRNOTAVAIL;
    int result = socket(chosen->ai_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (result < 0) {
        result = -errno;
    } else {
        int yes = 1;
        setsockopt(result, SOL_SOCKET, SO_REUSEADDR, &yes, sizeof yes);
        if (is_shared) setsockopt(result, SOL_SOCKET, SO_REUSEPORT, &yes, sizeof yes);
        if (bind(result, chosen->ai_addr, chosen->ai_addrlen) < 0) {
            int failure = -errno;
            close(result);
            result = failure;
        }
    }
    freeaddrinfo(found);
    return result;
}

int clinux_probe_port(const char *host, uint16_t port) {
    int fd = bound_socket(host, port, 0);
    if (fd < 0) return fd;
    close(fd);
    return 0;
}

// Probes find a silent peer on an idle connection, TCP_USER_TIMEOUT one that takes no data.
static void end_silent_peers(int fd, int silence_seconds) {
    int yes = 1, half = silence_seconds / 2, quarter = silence_seconds / 4;
    unsigned int silence_ms = (unsigned)silence_seconds * 1000;
    setsockopt(fd, SOL_SOCKET, SO_KEEPALIVE, &yes, sizeof yes);
    setsockopt(fd, IPPROTO_TCP, TCP_KEEPIDLE, &half, sizeof half);
    setsockopt(fd, IPPROTO_TCP, TCP_KEEPINTVL, &quarter, sizeof quarter);
    setsockopt(fd, IPPROTO_TCP, TCP_USER_TIMEOUT, &silence_ms, sizeof silence_ms);
}

int clinux_bind_and_listen(const char *host, uint16_t port, int backlog, int send_buffer_bytes,
                           int silence_seconds) {
    int fd = bound_socket(host, port, 1);
    if (fd < 0) return fd;
    // Accepted sockets inherit all of these: no system call per connection.
    int yes = 1;
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &yes, sizeof yes);
    end_silent_peers(fd, silence_seconds);
    if (send_buffer_bytes > 0)
        setsockopt(fd, SOL_SOCKET, SO_SNDBUF, &send_buffer_bytes, sizeof send_buffer_bytes);
    if (listen(fd, backlog) < 0) {
        int failure = -errno;
        close(fd);
        return failure;
    }
    return fd;
}

int clinux_connect(const char *host, uint16_t port) {
    char service[8];
    snprintf(service, sizeof service, "%u", (unsigned)port);
    struct addrinfo hints = {.ai_family = AF_UNSPEC,
                             .ai_socktype = SOCK_STREAM,
                             .ai_flags = AI_NUMERICSERV};
    struct addrinfo *found = NULL;
    if (getaddrinfo(host, service, &hints, &found) != 0) return -EADDRNOTAVAIL;
    int result = -EADDRNOTAVAIL;
    for (const struct addrinfo *a = found; a && result < 0; a = a->ai_next) {
        int fd = socket(a->ai_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
        if (fd < 0) {
            result = -errno;
            break;
        }
        if (connect(fd, a->ai_addr, a->ai_addrlen) < 0) {
            result = -errno;
            close(fd);
        } else {
            result = fd;
        }
    }
    freeaddrinfo(found);
    if (result < 0) return result;
    int yes = 1;
    setsockopt(result, IPPROTO_TCP, TCP_NODELAY, &yes, sizeof yes);
    fcntl(result, F_SETFL, fcntl(result, F_GETFL) | O_NONBLOCK);
    return result;
}

int clinux_resolve(const char *host, uint16_t port, int is_numeric, struct clinux_address *found,
                   int max) {
    char service[8];
    snprintf(service, sizeof service, "%u", (unsigned)port);
    struct addrinfo hints = {.ai_family = AF_UNSPEC,
                             .ai_socktype = SOCK_STREAM,
                             .ai_flags = AI_NUMERICSERV | (is_numeric ? AI_NUMERICHOST : 0)};
    struct addrinfo *all = NULL;
    int failure = getaddrinfo(host, service, &hints, &all);
    if (failure) return failure;
    int count = 0;
    for (const struct addrinfo *a = all; a && count < max; a = a->ai_next) {
        if (a->ai_addrlen > sizeof found->bytes) continue;
        memcpy(found[count].bytes, a->ai_addr, a->ai_addrlen);
        found[count++].count = a->ai_addrlen;
    }
    freeaddrinfo(all);
    return count > 0 ? count : EAI_NONAME;
}

int clinux_start_connect(const struct clinux_address *address, const struct clinux_address *source,
                         int silence_seconds) {
    struct sockaddr_storage storage = {0};
    memcpy(&storage, address->bytes, address->count);
    int fd = socket(storage.ss_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (fd < 0) return -errno;
    int yes = 1;
    if (source) {
        struct sockaddr_storage local = {0};
        memcpy(&local, source->bytes, source->count);
        // A port chosen by bind must be free for every peer, one chosen by connect for this one only.
        setsockopt(fd, IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT, &yes, sizeof yes);
        if (bind(fd, (struct sockaddr *)&local, source->count) < 0) {
            int failure = -errno;
            close(fd);
            return failure;
        }
    }
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &yes, sizeof yes);
    end_silent_peers(fd, silence_seconds);
    if (connect(fd, (struct sockaddr *)&storage, address->count) < 0 && errno != EINPROGRESS) {
        int failure = -errno;
        close(fd);
        return failure;
    }
    return fd;
}

int clinux_socket_error(int fd) {
    int failure = 0;
    socklen_t length = sizeof failure;
    if (getsockopt(fd, SOL_SOCKET, SO_ERROR, &failure, &length) < 0) return -errno;
    return -failure;
}

int clinux_reset_on_close(int fd) {
    struct linger now = {.l_onoff = 1, .l_linger = 0};
    return setsockopt(fd, SOL_SOCKET, SO_LINGER, &now, sizeof now) < 0 ? -errno : 0;
}

int clinux_pipe(int ends[2]) { return pipe2(ends, O_CLOEXEC) < 0 ? -errno : 0; }

int clinux_open_reserve(void) {
    int fd = open("/dev/null", O_RDONLY | O_CLOEXEC);
    return fd < 0 ? -errno : fd;
}

int64_t clinux_raise_descriptor_limit(void) {
    struct rlimit limit;
    if (getrlimit(RLIMIT_NOFILE, &limit) < 0) return -errno;
    if (limit.rlim_cur < limit.rlim_max) {
        limit.rlim_cur = limit.rlim_max;
        if (setrlimit(RLIMIT_NOFILE, &limit) < 0) return -errno;
    }
    return limit.rlim_cur > INT32_MAX ? INT32_MAX : (int64_t)limit.rlim_cur;
}

void clinux_trim_memory(void) { malloc_trim(0); }

ssize_t clinux_random(void *buffer, size_t count) {
    ssize_t n = getrandom(buffer, count, 0);
    return n < 0 ? -errno : n;
}

void clinux_name_thread(const char *name) { pthread_setname_np(pthread_self(), name); }

static void supervised(sigset_t *set) {
    sigemptyset(set);
    sigaddset(set, SIGINT);
    sigaddset(set, SIGTERM);
    sigaddset(set, SIGHUP);
}

void clinux_block_signals(void) {
    sigset_t set;
    supervised(&set);
    pthread_sigmask(SIG_BLOCK, &set, NULL);
    signal(SIGPIPE, SIG_IGN);
}

int clinux_wait_signal(int timeout_ms) {
    sigset_t set;
    supervised(&set);
    int number;
    if (timeout_ms < 0) {
        number = sigwaitinfo(&set, NULL);
    } else {
        struct timespec timeout = {timeout_ms / 1000, (timeout_ms % 1000) * 1000000L};
        number = sigtimedwait(&set, NULL, &timeout);
    }
    if (number >= 0) return number;
    return errno == EAGAIN ? 0 : -errno;
}
