// redis: the subscription to the backplane's channel for everybody.
//
//   *3 $7 message $N channel $M envelope ─▶ from the first '{"' to the last 0x1E ─▶ broadcast
//
// Source: Redis serialization protocol, pushed data; the envelope is that of the server we compare.

#define _GNU_SOURCE
#include "floor.h"
#include <errno.h>
#include <netdb.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

static const char channel[] = "contoso-signalrOrderNotification.Worker.Hubs.OrderStatusHub:all";

static int redis;
static unsigned char stream[4 * BUFFER];
static size_t stream_count;

int redis_open(const char *address) {
    char host[256];
    const char *colon = strrchr(address, ':');
    if (!colon || (size_t)(colon - address) >= sizeof host) {
        fprintf(stderr, "floor: --redis wants HOST:PORT, not %s\n", address);
        exit(2);
    }
    snprintf(host, sizeof host, "%.*s", (int)(colon - address), address);
    struct addrinfo wanted = {.ai_socktype = SOCK_STREAM}, *found;
    if (getaddrinfo(host, colon + 1, &wanted, &found)) fail("cannot resolve Redis");
    redis = socket(found->ai_family, SOCK_STREAM, 0);
    if (connect(redis, found->ai_addr, found->ai_addrlen)) fail("cannot reach Redis");
    freeaddrinfo(found);
    dprintf(redis, "*2\r\n$9\r\nSUBSCRIBE\r\n$%zu\r\n%s\r\n", sizeof channel - 1, channel);
    // The answer, before anybody is told that the floor is there.
    ssize_t count = recv(redis, stream, sizeof stream, 0);
    if (count <= 0 || *stream != '*') fail("Redis does not let subscribe");
    return redis;
}

static void deliver(const unsigned char *envelope, size_t count) {
    const unsigned char *start = memmem(envelope, count, "{\"", 2);
    const unsigned char *end = memrchr(envelope, 0x1E, count);
    if (start && end > start) broadcast(start, (size_t)(end + 1 - start));
}

// Bytes of the push at the start; 0 while it is not whole.
static size_t take_push(const unsigned char *bytes, size_t count) {
    const unsigned char *at = bytes, *end = bytes + count, *value = NULL;
    long length = 0;
    // The array's own line, then three strings.
    for (int item = 0; item < 4; item++) {
        const unsigned char *line = at, *line_end = memchr(at, '\n', (size_t)(end - at));
        if (!line_end) return 0;
        at = line_end + 1;
        if (*line != '$') continue;
        length = strtol((const char *)line + 1, NULL, 10);
        value = at;
        if (end - at < length + 2) return 0;
        at += length + 2;
    }
    if (value) deliver(value, (size_t)length);
    return (size_t)(at - bytes);
}

void redis_readable(void) {
    ssize_t received =
        recv(redis, stream + stream_count, sizeof stream - stream_count, MSG_DONTWAIT);
    if (received < 0 && errno == EAGAIN) return;
    if (received <= 0) fail("Redis has gone");
    stream_count += (size_t)received;
    size_t at = 0, used;
    while ((used = take_push(stream + at, stream_count - at))) at += used;
    stream_count -= at;
    memmove(stream, stream + at, stream_count);
}
