// heap: malloc and its kin, counted and passed on to glibc's own.
//
// A symbol of the executable comes before libc's, so the Swift runtime, OpenSSL and SQLite allocate
// through these, too. One increment of a thread's own integer is all that is added.
//
// Thread: any; each counts for itself.
// Source: glibc manual, "Replacing malloc"; __libc_malloc and its kin are exported for this.

#include "CMicro.h"

#include <stddef.h>

#if defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer)
#define CMICRO_HEAP_IS_TAKEN 1
#endif
#endif

#ifdef CMICRO_HEAP_IS_TAKEN

int64_t cmicro_allocation_count(void) { return -1; }

#else

#include <errno.h>

extern void *__libc_malloc(size_t);
extern void *__libc_calloc(size_t, size_t);
extern void *__libc_realloc(void *, size_t);
extern void *__libc_memalign(size_t, size_t);
extern void __libc_free(void *);

static __thread int64_t allocation_count;

int64_t cmicro_allocation_count(void) { return allocation_count; }

void *malloc(size_t size) {
    allocation_count++;
    return __libc_malloc(size);
}

void *calloc(size_t count, size_t size) {
    allocation_count++;
    return __libc_calloc(count, size);
}

/// Growing in place counts as well: who calls it could not know that it would be in place.
void *realloc(void *old, size_t size) {
    allocation_count++;
    return __libc_realloc(old, size);
}

void *memalign(size_t alignment, size_t size) {
    allocation_count++;
    return __libc_memalign(alignment, size);
}

void *aligned_alloc(size_t alignment, size_t size) { return memalign(alignment, size); }

int posix_memalign(void **result, size_t alignment, size_t size) {
    if (alignment % sizeof(void *) != 0 || (alignment & (alignment - 1)) != 0) return EINVAL;
    void *block = memalign(alignment, size);
    if (block == NULL) return ENOMEM;
    *result = block;
    return 0;
}

void free(void *block) { __libc_free(block); }

#endif
