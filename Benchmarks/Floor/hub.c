// hub: as much of SignalR's JSON protocol as its clients need to stay, and a broadcast.
//
//   {"protocol":"json","version":1}                                  ─▶ {}
//   {"type":1,"invocationId":"7","target":"Echo","arguments":["x"]}  ─▶ {"type":3,…,"result":"x"}
//   {"type":6}                                                       ─▶ nothing
//   Redis ─▶ one frame ─▶ one write to each connection; a full socket costs its connection
//
// Records end with 0x1E. JSON is looked at as clients write it: without blanks, members in order.

#define _GNU_SOURCE
#include "floor.h"
#include <stdio.h>
#include <string.h>
#include <time.h>

enum {
    TEXT = 1,
    SEPARATOR = 0x1E,
    KEEP_ALIVE = 15000, // ms between pings; clients leave after 30 s of silence
};

static const char empty_record[] = "{}\x1e", ping_record[] = "{\"type\":6}\x1e";

// --- Answers ------------------------------------------------------------------------------------

int is_handshake(const unsigned char *message, size_t count) {
    return count && message[count - 1] == SEPARATOR &&
           memmem(message, count, "\"protocol\":", 11) != NULL;
}

void answer_handshake(void) {
    output_count += write_frame_header(output + output_count, TEXT, sizeof empty_record - 1);
    memcpy(output + output_count, empty_record, sizeof empty_record - 1);
    output_count += sizeof empty_record - 1;
}

// What stands behind the first `before`, up to the record's end; NULL if there is no `before`.
static const char *behind(const char *record, size_t count, const char *before) {
    const char *found = memmem(record, count, before, strlen(before));
    return found ? found + strlen(before) : NULL;
}

static void answer_record(const char *record, size_t count) {
    static char completion[PAYLOAD_MAX + 512];
    const char *end = record + count;
    const char *id = behind(record, count, "\"invocationId\":\"");
    const char *argument = behind(record, count, "\"arguments\":[");
    if (!id || !argument || !behind(record, count, "\"target\":\"Echo\"")) return;
    const char *id_end = memchr(id, '"', (size_t)(end - id));
    const char *argument_end = memrchr(argument, ']', (size_t)(end - argument));
    if (!id_end || !argument_end) return;
    int length = snprintf(completion, sizeof completion,
                          "{\"type\":3,\"invocationId\":\"%.*s\",\"result\":%.*s}%c",
                          (int)(id_end - id), id, (int)(argument_end - argument), argument,
                          SEPARATOR);
    if (length > PAYLOAD_MAX) return;
    output_count += write_frame_header(output + output_count, TEXT, (size_t)length);
    memcpy(output + output_count, completion, (size_t)length);
    output_count += (size_t)length;
}

void answer_records(const unsigned char *message, size_t count) {
    const unsigned char *end, *from = message;
    while ((end = memchr(from, SEPARATOR, (size_t)(message + count - from)))) {
        answer_record((const char *)from, (size_t)(end - from));
        from = end + 1;
    }
}

// --- To everybody -------------------------------------------------------------------------------

static size_t prepare(unsigned char *frame, const void *records, size_t count) {
    size_t header = write_frame_header(frame, TEXT, count);
    memcpy(frame + header, records, count);
    return header + count;
}

void broadcast(const unsigned char *records, size_t count) {
    static unsigned char frame[PAYLOAD_MAX + 4];
    static unsigned long dropped;
    if (count > PAYLOAD_MAX) return;
    size_t frame_count = prepare(frame, records, count);
    unsigned long dropped_before = dropped;
    for (int fd = 0; fd <= descriptor_max; fd++) {
        if (connections[fd].role != HUB || transmit(fd, frame, frame_count)) continue;
        drop(fd);
        dropped++;
    }
    if (dropped > dropped_before)
        fprintf(stderr, "floor: dropped for full sockets, in all: %lu\n", dropped);
}

// Walks over the table once per KEEP_ALIVE, as evenly as it is called.
void ping_those_due(void) {
    static int64_t began;
    static int next;
    static unsigned char frame[16];
    struct timespec time;
    clock_gettime(CLOCK_MONOTONIC_COARSE, &time);
    int64_t now = time.tv_sec * 1000 + time.tv_nsec / 1000000;
    int is_over = now - began >= KEEP_ALIVE;
    int until = is_over ? descriptor_max : (int)((now - began) * descriptor_max / KEEP_ALIVE);
    size_t count = prepare(frame, ping_record, sizeof ping_record - 1);
    for (; next <= until; next++)
        if (connections[next].role == HUB && !transmit(next, frame, count)) drop(next);
    if (is_over) began = now, next = 0;
}
