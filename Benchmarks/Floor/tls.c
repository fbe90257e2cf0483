// tls: OpenSSL between two buffers that all connections share.
//
//   recv ─▶ wire.in ─▶ BIO take ─▶ SSL_read        SSL_write ─▶ BIO give ─▶ wire.out ─▶ one send
//
// Cheaper than SSL_set_fd, which reads the head and the body of a record with a call each, and than
// a pair of memory BIOs, which belong to each connection. Nothing stays in the buffers between two
// events, and the give side always has room, so that SSL_write never has to be repeated.
//
// Settings as ours: TLS 1.2 and 1.3, AEAD, stateless tickets, no session cache, and OpenSSL's own
// buffers (33 KB a connection) freed while it is idle.

#include "floor.h"
#include <errno.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

static struct {
    unsigned char in[BUFFER], out[OUTPUT + BUFFER];
    size_t in_at, in_count, out_count;
} wire;

static SSL_CTX *context;
static BIO *bio; // one for all: it has no state but `wire`

static int take(BIO *self, char *bytes, int room) {
    size_t left = wire.in_count - wire.in_at, count = left < (size_t)room ? left : (size_t)room;
    BIO_clear_retry_flags(self);
    if (!count) {
        BIO_set_retry_read(self);
        return -1;
    }
    memcpy(bytes, wire.in + wire.in_at, count);
    wire.in_at += count;
    return (int)count;
}

static int give(BIO *self, const char *bytes, int count) {
    (void)self;
    if (sizeof wire.out - wire.out_count < (size_t)count) return -1;
    memcpy(wire.out + wire.out_count, bytes, (size_t)count);
    wire.out_count += (size_t)count;
    return count;
}

static long control(BIO *self, int command, long number, void *pointer) {
    (void)self, (void)number, (void)pointer;
    return command == BIO_CTRL_FLUSH;
}

void tls_open(const char *certificate_file, const char *key_file) {
    context = SSL_CTX_new(TLS_server_method());
    SSL_CTX_set_mode(context, SSL_MODE_RELEASE_BUFFERS | SSL_MODE_ENABLE_PARTIAL_WRITE);
    SSL_CTX_set_session_cache_mode(context, SSL_SESS_CACHE_OFF);
    SSL_CTX_set_options(context, SSL_OP_NO_RENEGOTIATION | SSL_OP_NO_COMPRESSION |
                                     SSL_OP_CIPHER_SERVER_PREFERENCE);
    SSL_CTX_set_min_proto_version(context, TLS1_2_VERSION);
    SSL_CTX_set_cipher_list(context, "ECDHE+AESGCM:ECDHE+CHACHA20");
    SSL_CTX_set1_groups_list(context, "X25519:P-256:P-384");
    SSL_CTX_set_num_tickets(context, 1);
    if (SSL_CTX_use_certificate_chain_file(context, certificate_file) != 1 ||
        SSL_CTX_use_PrivateKey_file(context, key_file, SSL_FILETYPE_PEM) != 1) {
        fprintf(stderr, "floor: --tls wants two PEM files that belong together, not %s and %s\n",
                certificate_file, key_file);
        exit(1);
    }
    BIO_METHOD *method = BIO_meth_new(BIO_get_new_index() | BIO_TYPE_SOURCE_SINK, "wire");
    BIO_meth_set_read(method, take);
    BIO_meth_set_write(method, give);
    BIO_meth_set_ctrl(method, control);
    bio = BIO_new(method);
    BIO_set_init(bio, 1);
}

SSL *tls_accept(void) {
    SSL *tls = SSL_new(context);
    BIO_up_ref(bio);
    BIO_up_ref(bio);
    SSL_set0_rbio(tls, bio);
    SSL_set0_wbio(tls, bio);
    SSL_set_accept_state(tls);
    return tls;
}

ssize_t tls_receive(int fd, SSL *tls, unsigned char *bytes, size_t room) {
    ssize_t received = recv(fd, wire.in, sizeof wire.in, 0);
    if (received <= 0) return received;
    wire.in_at = 0, wire.in_count = (size_t)received;
    size_t total = 0;
    do {
        int count = SSL_read(tls, bytes + total, (int)(room - total));
        if (count > 0) {
            total += (size_t)count;
        } else if (SSL_get_error(tls, count) == SSL_ERROR_WANT_READ) {
            break;
        } else {
            ERR_clear_error();
            wire.out_count = 0;
            return 0;
        }
    } while (wire.in_at < wire.in_count || SSL_pending(tls));
    if (total) return (ssize_t)total;
    errno = EAGAIN;
    return -1;
}

int tls_transmit(int fd, SSL *tls, const unsigned char *bytes, size_t count) {
    while (count) {
        int sealed = SSL_write(tls, bytes, (int)count);
        if (sealed <= 0) break;
        bytes += sealed, count -= (size_t)sealed;
    }
    size_t sealed_count = wire.out_count;
    wire.out_count = 0;
    if (count) ERR_clear_error();
    if (!sealed_count) return !count;
    return send(fd, wire.out, sealed_count, MSG_NOSIGNAL) == (ssize_t)sealed_count && !count;
}
