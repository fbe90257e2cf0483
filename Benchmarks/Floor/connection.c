// connection: who is there, and the way out to them.
//
//   answers ─▶ output ─┐
//   a broadcast ───────┴─▶ transmit ─▶ one send, through TLS where there is any; or the end

#include "floor.h"
#include <openssl/ssl.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

struct connection connections[DESCRIPTORS];
int descriptor_max;
unsigned char output[OUTPUT];
size_t output_count;

int transmit(int fd, const unsigned char *bytes, size_t count) {
    if (connections[fd].tls) return tls_transmit(fd, connections[fd].tls, bytes, count);
    return !count || send(fd, bytes, count, MSG_NOSIGNAL) == (ssize_t)count;
}

void drop(int fd) {
    SSL_free(connections[fd].tls);
    free(connections[fd].rest);
    connections[fd] = (struct connection){0};
    close(fd);
}
