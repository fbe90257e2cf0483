// websocket: the requests and the frames of clients, and the answers to them.
//
//   POST …   a SignalR negotiation (the only POST there is)
//   GET …    an upgrade, on any path (RFC 6455 §4.2.2)
//   frames   unmasked; the first message decides whether its connection is an echo's or the hub's

#define _GNU_SOURCE
#include "floor.h"
#include <openssl/evp.h>
#include <openssl/sha.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { CLOSE = 8, PING = 9, PONG = 10 };

// --- Requests ---------------------------------------------------------------------------------

// Both return 0 if the request is none they know.

static int upgrade(struct connection *c, const char *request) {
    const char *key = strcasestr(request, "\r\nsec-websocket-key:");
    if (!key) return 0;
    key += 20;
    while (*key == ' ') key++;
    if (strlen(key) < 24) return 0;
    unsigned char text[60], digest[SHA_DIGEST_LENGTH], accept[29];
    memcpy(text, key, 24);
    memcpy(text + 24, "258EAFA5-E914-47DA-95CA-C5AB0DC85B11", 36);
    EVP_EncodeBlock(accept, SHA1(text, sizeof text, digest), sizeof digest);
    c->role = UNDECIDED;
    output_count += (size_t)sprintf((char *)output + output_count,
                                    "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\n"
                                    "Connection: Upgrade\r\nSec-WebSocket-Accept: %s\r\n\r\n",
                                    accept);
    return 1;
}

static int negotiate(void) {
    static unsigned long issued;
    char body[256];
    ++issued;
    int count = snprintf(body, sizeof body,
                         "{\"negotiateVersion\":1,\"connectionId\":\"%022lu\","
                         "\"connectionToken\":\"%022lu\",\"availableTransports\":"
                         "[{\"transport\":\"WebSockets\",\"transferFormats\":[\"Text\"]}]}",
                         issued, issued);
    output_count += (size_t)sprintf((char *)output + output_count,
                                    "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n"
                                    "Content-Length: %d\r\n\r\n%s", count, body);
    return 1;
}

// Bytes of the body, which is of no interest.
static size_t body_count(const char *request) {
    const char *length = strcasestr(request, "\r\ncontent-length:");
    return length ? strtoul(length + 17, NULL, 10) : 0;
}

long answer_requests(struct connection *c, char *bytes, size_t count) {
    size_t at = 0;
    while (c->role == REQUESTING) {
        char *request = bytes + at, *end = memmem(request, count - at, "\r\n\r\n", 4);
        if (!end) break;
        *end = 0;
        int is_post = !strncmp(request, "POST ", 5);
        size_t size = (size_t)(end + 4 - request) + (is_post ? body_count(request) : 0);
        if (size > count - at) {
            *end = '\r';
            break;
        }
        if (!(is_post ? negotiate() : upgrade(c, request))) return ENDED;
        at += size;
    }
    return (long)at;
}

// --- Frames (RFC 6455 §5.2) ---------------------------------------------------------------------

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

static void answer_message(struct connection *c, int opcode, unsigned char *masked, size_t count,
                           uint32_t key) {
    if (opcode == PONG) return;
    if (opcode == CLOSE || opcode == PING || c->role == ECHOING) {
        int answer = opcode == PING ? PONG : opcode;
        output_count += write_frame_header(output + output_count, answer, count);
        unmask(output + output_count, masked, count, key);
        output_count += count;
        return;
    }
    unmask(masked, masked, count, key);
    if (c->role == HUB) {
        answer_records(masked, count);
    } else if (is_handshake(masked, count)) {
        c->role = HUB;
        answer_handshake();
    } else {
        c->role = ECHOING;
        answer_message(c, opcode, masked, count, 0);
    }
}

long answer_frames(struct connection *c, unsigned char *bytes, size_t count) {
    size_t at = 0;
    while (count - at >= 6) {
        unsigned char *frame = bytes + at;
        size_t length = frame[1] & 0x7F, header = 6;
        if (length == 126) {
            if (count - at < 8) break;
            length = (size_t)frame[2] << 8 | frame[3], header = 8;
        } else if (length == 127) {
            return ENDED;
        }
        if (!(frame[1] & 0x80)) return ENDED;
        if (count - at < header + length) break;
        uint32_t key;
        memcpy(&key, frame + header - 4, 4);
        int opcode = frame[0] & 0x0F;
        answer_message(c, opcode, frame + header, length, key);
        if (opcode == CLOSE) return ENDED;
        at += header + length;
    }
    return (long)at;
}
