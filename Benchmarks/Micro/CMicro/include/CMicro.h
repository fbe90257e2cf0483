// CMicro: what a micro benchmark needs of C: a value the optimiser cannot see through, the thread's
// own clock, and a count of the heap's allocations.
//
// Thread: any; the count is the calling thread's.  Allocates: never.

#ifndef CMICRO_H
#define CMICRO_H

#include <stdint.h>

/// The memory at `pointer` may have changed, as far as the optimiser knows: what was computed from
/// it before has to be computed again. Costs no instruction.
static inline void cmicro_clobber(const void *pointer) {
    __asm__ volatile("" : : "r"(pointer) : "memory");
}

/// Processor time of the calling thread, in nanoseconds; it stands still while others have the core.
uint64_t cmicro_thread_ns(void);

/// Calls of malloc and its kin by this thread; negative where a sanitizer has the heap.
int64_t cmicro_allocation_count(void);

#endif
