// GuardedBytes: memory with a page on either side that nobody may touch.
//
//   │ no access │ … input │ no access │      once with the input at its end,
//   │ no access │ input … │ no access │      once at its beginning
//
// A read outside of the input, which a release build does not check, ends the process here.
//
// Thread: one.  Allocates: its pages, once.  Source: man 2 mmap, man 2 mprotect.

import Glibc

package final class GuardedBytes {
    private static let pageByteCount = 4096

    private let base: UnsafeMutableRawPointer
    private let byteCountMax: Int

    /// - Parameter byteCountMax: of an input; rounded up to pages.
    package init(byteCountMax: Int) {
        let page = Self.pageByteCount
        self.byteCountMax = (byteCountMax + page - 1) / page * page
        let mapped = mmap(
            nil, self.byteCountMax + 2 * page, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0)
        guard let mapped, mapped != MAP_FAILED else { fatalError("mmap: \(errno)") }
        base = mapped + page
        guard mprotect(base, self.byteCountMax, PROT_READ | PROT_WRITE) == 0 else {
            fatalError("mprotect: \(errno)")
        }
    }

    deinit { munmap(base - Self.pageByteCount, byteCountMax + 2 * Self.pageByteCount) }

    /// Calls `body` with the input at the end of the memory, and if that gives nil at its beginning.
    package func with<T>(
        _ input: UnsafeRawBufferPointer, _ body: (UnsafeRawBufferPointer) -> T?
    ) -> T? {
        precondition(input.count <= byteCountMax)
        for start in [base + byteCountMax - input.count, base] {
            if let source = input.baseAddress {
                start.copyMemory(from: source, byteCount: input.count)
            }
            if let result = body(UnsafeRawBufferPointer(start: start, count: input.count)) {
                return result
            }
        }
        return nil
    }
}
