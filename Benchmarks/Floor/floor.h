// floor.h: what the parts of the floor know of each other.
//
//   main.c ──▶ websocket.c ─▶ hub.c ─▶ frame.c         bytes that came, and the answers to them
//      └─────▶ redis.c ─────▶ hub.c ─▶ connection.c    messages for everybody
//                                          └─▶ tls.c   the way out
//
// One thread. Every buffer is shared by all connections and touched only as far as it is used; a
// connection that is idle has 24 bytes here, and under TLS what OpenSSL keeps of it.

#ifndef FLOOR_H
#define FLOOR_H

#include <errno.h>
#include <openssl/types.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/types.h>

enum {
    BUFFER = 256 * 1024,     // bytes of one recv, and of what is kept until it is whole
    RECORD = 16 * 1024,      // bytes of one TLS record (RFC 8446 §5.1)
    OUTPUT = 2 * BUFFER,     // bytes of the answers to one recv
    PAYLOAD_MAX = 64 * 1024, // bytes of one message
    DESCRIPTORS = 65536,
};

//   REQUESTING ── upgrade ──▶ UNDECIDED ── first message ──▶ ECHOING | HUB
enum role { CLOSED, REQUESTING, UNDECIDED, ECHOING, HUB };

struct connection {
    SSL *tls;            // NULL on a plain listener; owned
    unsigned char *rest; // received and not yet a whole request or frame; owned
    uint32_t rest_count;
    uint8_t role;
};

// By descriptor. Those above `descriptor_max` were never used.
extern struct connection connections[DESCRIPTORS];
extern int descriptor_max;

// The answers to what was received last: appended to, then sent as one.
extern unsigned char output[OUTPUT];
extern size_t output_count;

// What a reader of bytes says instead of how many it has used: the connection shall end.
enum { ENDED = -1 };

static inline _Noreturn void fail(const char *what) {
    fprintf(stderr, "floor: %s: %s\n", what, strerror(errno));
    exit(1);
}

// connection.c

// One write. 0 if the socket did not take all of it.
int transmit(int fd, const unsigned char *bytes, size_t count);
void drop(int fd);

// tls.c

void tls_open(const char *certificate_file, const char *key_file);
SSL *tls_accept(void);
// Like recv: 0 at the end, -1 while there is no plaintext; `room` is at least BUFFER + RECORD.
ssize_t tls_receive(int fd, SSL *tls, unsigned char *bytes, size_t room);
// Seals and sends, also what a handshake has to say.
int tls_transmit(int fd, SSL *tls, const unsigned char *bytes, size_t count);

// websocket.c

// Both append to `output` and return the bytes used, or ENDED. `bytes` is writable and may be
// followed by one more byte.
long answer_requests(struct connection *c, char *bytes, size_t count);
long answer_frames(struct connection *c, unsigned char *bytes, size_t count);

// frame.c

// Writes 2 or 4 bytes; returns how many. Opcodes: RFC 6455 §5.2.
size_t write_frame_header(unsigned char *out, int opcode, size_t length);

// hub.c

// Whether this is the first message of a SignalR client, `{"protocol":"json",…}`.
int is_handshake(const unsigned char *message, size_t count);
void answer_handshake(void);
void answer_records(const unsigned char *message, size_t count);
void broadcast(const unsigned char *records, size_t count);
void ping_those_due(void);

// redis.c

// HOST:PORT; the descriptor to poll.
int redis_open(const char *address);
void redis_readable(void);

#endif
