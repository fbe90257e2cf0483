// floor: the least a WebSocket echo server and SignalR hub can do, as the yardstick for ours.
//
//   epoll ─▶ recv ─▶ SSL_read ─▶ frames ─▶ answers side by side in one buffer ─▶ one send
//   Redis ─▶ one prepared frame ─▶ one send per hub connection
//
// One thread, one receive and one send buffer for all connections. It trusts its clients where a
// real server must not: no limits, no UTF-8 check, no fragments, no messages above 64 KiB, no
// tokens, and a client that does not read what is sent to it is dropped.
//
// usage: floor --port N [--tls CERT KEY] [--redis HOST:PORT]      N 0: a free port.  Linux only.

#define _GNU_SOURCE
#include "floor.h"
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/tcp.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

enum {
    EVENTS = 256,
    ACCEPTS = 64,     // per wake-up, so that a storm of connects does not stop the others
    BACKLOG = 65535,  // the kernel takes net.core.somaxconn of it
    TICK = 100,       // ms between looks at who is to be pinged
};

static unsigned char input[2 * BUFFER];
static int poller, listener, is_secure;

static void keep(struct connection *c, const unsigned char *bytes, size_t count) {
    free(c->rest);
    c->rest = NULL;
    c->rest_count = (uint32_t)count;
    if (count) memcpy(c->rest = malloc(count), bytes, count);
}

// Requests first, then frames: both may come with one recv.
static long answer(struct connection *c, unsigned char *bytes, size_t count) {
    long used = 0;
    if (c->role == REQUESTING) used = answer_requests(c, (char *)bytes, count);
    if (used == ENDED || c->role == REQUESTING) return used;
    long frames = answer_frames(c, bytes + used, count - (size_t)used);
    return frames == ENDED ? ENDED : used + frames;
}

static void readable(int fd) {
    struct connection *c = &connections[fd];
    size_t kept = c->rest_count;
    if (kept) memcpy(input, c->rest, kept);
    ssize_t received = c->tls ? tls_receive(fd, c->tls, input + kept, BUFFER + RECORD)
                              : recv(fd, input + kept, BUFFER, 0);
    if (received == 0 || (received < 0 && errno != EAGAIN)) { drop(fd); return; }
    size_t count = kept + (received > 0 ? (size_t)received : 0);
    output_count = 0;
    long used = received > 0 ? answer(c, input, count) : 0;
    // The answer to a close frame goes out before the end; so does a part of a TLS handshake.
    int is_sent = transmit(fd, output, output_count);
    if (!is_sent || used == ENDED || count - (size_t)used > PAYLOAD_MAX + 16) { drop(fd); return; }
    if (received > 0 && (kept || count > (size_t)used)) keep(c, input + used, count - (size_t)used);
}

static void accept_some(void) {
    for (int i = 0; i < ACCEPTS; i++) {
        int fd = accept4(listener, NULL, NULL, SOCK_NONBLOCK);
        if (fd < 0 && (errno == EMFILE || errno == ENFILE)) {
            // It stays readable for ever now, so it is not looked at again.
            fprintf(stderr, "floor: out of descriptors at %d; accepts no more\n", descriptor_max);
            epoll_ctl(poller, EPOLL_CTL_DEL, listener, NULL);
        }
        if (fd < 0) return;
        if (fd > descriptor_max) descriptor_max = fd;
        connections[fd].role = REQUESTING;
        if (is_secure) connections[fd].tls = tls_accept();
        struct epoll_event event = {.events = EPOLLIN, .data.fd = fd};
        epoll_ctl(poller, EPOLL_CTL_ADD, fd, &event);
    }
}

static void listen_on(uint16_t port) {
    int yes = 1;
    listener = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
    setsockopt(listener, SOL_SOCKET, SO_REUSEADDR, &yes, sizeof yes);
    // Accepted sockets inherit it.
    setsockopt(listener, IPPROTO_TCP, TCP_NODELAY, &yes, sizeof yes);
    // Any address: clients by the ten thousand need all of 127.0.0.0/8.
    struct sockaddr_in name = {.sin_family = AF_INET, .sin_port = htons(port)};
    socklen_t size = sizeof name;
    if (bind(listener, (struct sockaddr *)&name, size) || listen(listener, BACKLOG))
        fail("cannot listen");
    getsockname(listener, (struct sockaddr *)&name, &size);
    printf("floor listening on %s://127.0.0.1:%d\n", is_secure ? "https" : "http",
           ntohs(name.sin_port));
    fflush(stdout);
}

static void stop(int number) {
    (void)number;
    _exit(0);
}

static _Noreturn void run(int redis) {
    struct epoll_event events[EVENTS], event = {.events = EPOLLIN, .data.fd = listener};
    epoll_ctl(poller, EPOLL_CTL_ADD, listener, &event);
    event.data.fd = redis;
    if (redis >= 0) epoll_ctl(poller, EPOLL_CTL_ADD, redis, &event);
    for (;;) {
        int count = epoll_wait(poller, events, EVENTS, TICK);
        for (int i = 0; i < count; i++) {
            int fd = events[i].data.fd;
            if (fd == listener) accept_some();
            else if (fd == redis) redis_readable();
            else readable(fd);
        }
        ping_those_due();
    }
}

int main(int argc, char **argv) {
    const char *port = NULL, *redis = NULL, *certificate = NULL, *key = NULL;
    for (int i = 1; i < argc; i++) {
        if (!strcmp(argv[i], "--port") && i + 1 < argc) port = argv[++i];
        else if (!strcmp(argv[i], "--redis") && i + 1 < argc) redis = argv[++i];
        else if (!strcmp(argv[i], "--tls") && i + 2 < argc)
            certificate = argv[++i], key = argv[++i];
        else port = NULL, i = argc;
    }
    if (!port) {
        fprintf(stderr, "usage: floor --port N [--tls CERT KEY] [--redis HOST:PORT]\n");
        return 2;
    }
    struct rlimit limit;
    getrlimit(RLIMIT_NOFILE, &limit);
    limit.rlim_cur = limit.rlim_max < DESCRIPTORS ? limit.rlim_max : DESCRIPTORS;
    setrlimit(RLIMIT_NOFILE, &limit);
    signal(SIGTERM, stop);
    signal(SIGINT, stop);
    is_secure = certificate != NULL;
    if (is_secure) tls_open(certificate, key);
    int subscription = redis ? redis_open(redis) : -1;
    poller = epoll_create1(0);
    listen_on((uint16_t)atoi(port));
    run(subscription);
}
