// clock: the calling thread's own clock.
//
// Thread: any.  Source: man 2 clock_gettime, CLOCK_THREAD_CPUTIME_ID.

#define _GNU_SOURCE

#include "CMicro.h"

#include <time.h>

uint64_t cmicro_thread_ns(void) {
    struct timespec now;
    // Cannot fail: the clock exists since Linux 2.6.12.
    (void)clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
    return (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
}
