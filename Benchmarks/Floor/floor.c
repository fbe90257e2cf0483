// floor: the least a WebSocket echo server can do, as the yardstick for ours.
//
//   epoll ─▶ recv ─▶ unmask in place ─▶ frames side by side in one buffer ─▶ one send
//
// One thread, one receive and one send buffer for all connections, nothing kept of an idle one. It
// trusts its clients where a real server must not: no limits, no UTF-8 check, no fragments, no
// messages above 64 KiB, and a client that does not read what it asked for is dropped.
//
// usage: floor --port N        (0: a free port)      Linux only.

#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/tcp.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

enum { BUFFER = 256 * 1024, PAYLOAD_MAX = 64 * 1024, DESCRIPTORS = 65536, EVENTS = 256 };

struct connection {
    unsigned char *rest; // received and not yet a whole frame or request; owned
    uint32_t rest_count;
    uint8_t is_upgraded;
};

static struct connection connections[DESCRIPTORS];
static unsigned char input[2 * BUFFER], output[2 * BUFFER];

// --- Opening handshake (RFC 6455 §4.2.2), with SHA-1 (RFC 3174) and base64 (RFC 4648) ---------

static uint32_t rotate(uint32_t x, int n) { return x << n | x >> (32 - n); }

static void sha1_block(uint32_t state[5], const unsigned char *block) {
    uint32_t w[80];
    for (int i = 0; i < 16; i++)
        w[i] = (uint32_t)block[4 * i] << 24 | block[4 * i + 1] << 16 | block[4 * i + 2] << 8 |
               block[4 * i + 3];
    for (int i = 16; i < 80; i++) w[i] = rotate(w[i - 3] ^ w[i - 8] ^ w[i - 14] ^ w[i - 16], 1);
    uint32_t a = state[0], b = state[1], c = state[2], d = state[3], e = state[4];
    for (int i = 0; i < 80; i++) {
        uint32_t f, k;
        if (i < 20) f = (b & c) | (~b & d), k = 0x5A827999;
        else if (i < 40) f = b ^ c ^ d, k = 0x6ED9EBA1;
        else if (i < 60) f = (b & c) | (b & d) | (c & d), k = 0x8F1BBCDC;
        else f = b ^ c ^ d, k = 0xCA62C1D6;
        uint32_t next = rotate(a, 5) + f + e + k + w[i];
        e = d, d = c, c = rotate(b, 30), b = a, a = next;
    }
    state[0] += a, state[1] += b, state[2] += c, state[3] += d, state[4] += e;
}

// The input is always a 24-character key and the 36-character constant: 60 bytes, two blocks.
static void accept_key(const char *key, char out[29]) {
    unsigned char blocks[128] = {0}, digest[21] = {0};
    memcpy(blocks, key, 24);
    memcpy(blocks + 24, "258EAFA5-E914-47DA-95CA-C5AB0DC85B11", 36);
    blocks[60] = 0x80;
    blocks[126] = 480 >> 8, blocks[127] = 480 & 0xFF; // length in bits
    uint32_t state[5] = {0x67452301, 0xEFCDAB89, 0x98BADCFE, 0x10325476, 0xC3D2E1F0};
    sha1_block(state, blocks);
    sha1_block(state, blocks + 64);
    for (int i = 0; i < 20; i++) digest[i] = state[i / 4] >> (24 - 8 * (i % 4));
    static const char alphabet[] =
        "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    for (int i = 0; i < 7; i++) {
        uint32_t triple = digest[3 * i] << 16 | digest[3 * i + 1] << 8 | digest[3 * i + 2];
        for (int j = 0; j < 4; j++) out[4 * i + j] = alphabet[triple >> (18 - 6 * j) & 63];
    }
    out[27] = '=', out[28] = 0;
}

// Bytes of the request, 0 if it is not complete, -1 if it has no key.
static int upgrade(int fd, char *request, size_t count) {
    char *end = memmem(request, count, "\r\n\r\n", 4);
    if (!end) return 0;
    *end = 0;
    char *key = strcasestr(request, "\r\nsec-websocket-key:");
    if (!key) return -1;
    key += 20;
    while (*key == ' ') key++;
    if (strlen(key) < 24) return -1;
    char accept[29], answer[256];
    accept_key(key, accept);
    int length = snprintf(answer, sizeof answer,
                          "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\n"
                          "Connection: Upgrade\r\nSec-WebSocket-Accept: %s\r\n\r\n", accept);
    if (send(fd, answer, length, MSG_NOSIGNAL) != length) return -1;
    return (int)(end + 4 - request);
}

// --- Frames (RFC 6455 §5.2) ------------------------------------------------------------------

static void unmask(unsigned char *out, const unsigned char *in, size_t count, uint32_t key) {
    uint64_t word, wide = (uint64_t)key << 32 | key;
    size_t i = 0;
    for (; i + 8 <= count; i += 8) {
        memcpy(&word, in + i, 8);
        word ^= wide;
        memcpy(out + i, &word, 8);
    }
    for (; i < count; i++) out[i] = in[i] ^ (unsigned char)(key >> (8 * (i & 3)));
}

// Echoes all whole frames; returns the bytes used, or -1 to close after `*answer_count` bytes.
static long echo(unsigned char *bytes, size_t count, size_t *answer_count, int *is_closing) {
    size_t at = 0, out = 0;
    while (count - at >= 6) {
        unsigned char *frame = bytes + at;
        size_t length = frame[1] & 0x7F, header = 6;
        if (length == 126) {
            if (count - at < 8) break;
            length = frame[2] << 8 | frame[3], header = 8;
        } else if (length == 127) {
            return -1;
        }
        if (length > PAYLOAD_MAX || !(frame[1] & 0x80)) return -1;
        if (count - at < header + length) break;
        uint32_t key;
        memcpy(&key, frame + header - 4, 4);
        int opcode = frame[0] & 0x0F;
        at += header + length;
        if (opcode == 10) continue;
        output[out++] = opcode == 9 ? 0x8A : frame[0];
        if (length < 126) {
            output[out++] = (unsigned char)length;
        } else {
            output[out++] = 126;
            output[out++] = (unsigned char)(length >> 8);
            output[out++] = (unsigned char)length;
        }
        unmask(output + out, frame + header, length, key);
        out += length;
        if (opcode == 8) { *is_closing = 1; break; }
    }
    *answer_count = out;
    return (long)at;
}

// --- The loop --------------------------------------------------------------------------------

static void drop(int fd) {
    free(connections[fd].rest);
    connections[fd] = (struct connection){0};
    close(fd);
}

static void keep(struct connection *c, const unsigned char *bytes, size_t count) {
    free(c->rest);
    c->rest = NULL;
    c->rest_count = (uint32_t)count;
    if (count) memcpy(c->rest = malloc(count), bytes, count);
}

static void readable(int fd) {
    struct connection *c = &connections[fd];
    size_t kept = c->rest_count;
    if (kept) memcpy(input, c->rest, kept);
    ssize_t received = recv(fd, input + kept, BUFFER, 0);
    if (received < 0 && errno == EAGAIN) return;
    if (received <= 0) { drop(fd); return; }
    size_t count = kept + (size_t)received;
    long used = 0;
    if (!c->is_upgraded) {
        input[count] = 0;
        used = upgrade(fd, (char *)input, count);
        if (used > 0) c->is_upgraded = 1;
    }
    size_t answer_count = 0;
    int is_closing = 0;
    if (used >= 0 && c->is_upgraded) {
        long frames = echo(input + used, count - (size_t)used, &answer_count, &is_closing);
        used = frames < 0 ? -1 : used + frames;
    }
    if (used < 0) { drop(fd); return; }
    if (answer_count && send(fd, output, answer_count, MSG_NOSIGNAL) != (ssize_t)answer_count)
        is_closing = 1;
    if (is_closing || count - (size_t)used > BUFFER) { drop(fd); return; }
    if (kept || count > (size_t)used) keep(c, input + used, count - (size_t)used);
}

static int listen_on(uint16_t port) {
    int yes = 1, fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
    setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &yes, sizeof yes);
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &yes, sizeof yes); // accepted sockets inherit it
    struct sockaddr_in name = {.sin_family = AF_INET, .sin_port = htons(port)};
    name.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t size = sizeof name;
    if (bind(fd, (struct sockaddr *)&name, size) || listen(fd, 4096)) {
        perror("floor: cannot listen");
        exit(1);
    }
    getsockname(fd, (struct sockaddr *)&name, &size);
    printf("floor listening on http://127.0.0.1:%d\n", ntohs(name.sin_port));
    fflush(stdout);
    return fd;
}

int main(int argc, char **argv) {
    if (argc != 3 || strcmp(argv[1], "--port")) {
        fprintf(stderr, "usage: floor --port N\n");
        return 2;
    }
    struct rlimit limit;
    getrlimit(RLIMIT_NOFILE, &limit);
    limit.rlim_cur = limit.rlim_max < DESCRIPTORS ? limit.rlim_max : DESCRIPTORS;
    setrlimit(RLIMIT_NOFILE, &limit);
    int listener = listen_on((uint16_t)atoi(argv[2])), poller = epoll_create1(0);
    struct epoll_event event = {.events = EPOLLIN, .data.fd = listener}, events[EVENTS];
    epoll_ctl(poller, EPOLL_CTL_ADD, listener, &event);
    for (;;) {
        int count = epoll_wait(poller, events, EVENTS, -1);
        for (int i = 0; i < count; i++) {
            if (events[i].data.fd != listener) { readable(events[i].data.fd); continue; }
            int fd = accept4(listener, NULL, NULL, SOCK_NONBLOCK);
            if (fd < 0) continue;
            event = (struct epoll_event){.events = EPOLLIN, .data.fd = fd};
            epoll_ctl(poller, EPOLL_CTL_ADD, fd, &event);
        }
    }
}
