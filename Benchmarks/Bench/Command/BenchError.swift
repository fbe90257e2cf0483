// BenchError: why bench stops, in the three kinds its exit code tells apart.
//
//   UsageError ─▶ 2      BenchError ─▶ 1      a broken threshold ─▶ 99
//
// Thread: pure values.  Allocates: the text.

/// A command line that makes no sense; the text names the flag and what to write instead.
struct UsageError: Error, Equatable, CustomStringConvertible {
    let description: String
}

/// A run that could not be done; the text says what failed, where and what to do.
struct BenchError: Error, CustomStringConvertible {
    let description: String
}
