// LineChannel: lines over a pipe, read and written by threads that may wait.
//
//   loop ── post ──▶ [reports] ── thread: JSON ──▶ pipe           pipe ── thread: lines ──▶ body
//
// Thread: `post` from any.  Allocates: per line.

import CLinux
import Glibc
import Loop

enum LineReader {
    /// Calls `body` with each line, without its newline, until the pipe ends.
    static func read(_ descriptor: Int32, _ body: (ArraySlice<UInt8>) -> Void) {
        var pending: [UInt8] = []
        var buffer = [UInt8](repeating: 0, count: 64 * 1024)
        while true {
            let count = clinux_read(descriptor, &buffer, buffer.count)
            if count == -Int(EINTR) { continue }
            guard count > 0 else { return }
            pending += buffer[..<count]
            while let end = pending.firstIndex(of: UInt8(ascii: "\n")) {
                body(pending[..<end])
                pending.removeSubrange(...end)
            }
        }
    }
}

/// Writes values as lines, on a thread of its own.
final class LineWriter<Value: Encodable & Sendable>: Sendable {
    private struct State {
        var values: [Value] = []
        var isClosed = false
    }

    private let state = Monitor(State())
    private let thread: NativeThread

    /// - Parameter descriptor: blocking; the caller's to close, after `close`.
    init(_ descriptor: Int32) {
        let state = state
        thread = NativeThread(name: "reports") {
            while true {
                let values = state.wait { state -> [Value]? in
                    if state.values.isEmpty { return state.isClosed ? [] : nil }
                    defer { state.values = [] }
                    return state.values
                }
                guard let values, !values.isEmpty else { return }
                for value in values where !Self.write(JSONLine.encode(value), to: descriptor) {
                    return
                }
            }
        }
    }

    func post(_ value: Value) { state.update { $0.values.append(value) } }

    /// Returns when everything posted is written.
    func close() {
        state.update { $0.isClosed = true }
        thread.join()
    }

    /// False when the reader is gone.
    private static func write(_ line: [UInt8], to descriptor: Int32) -> Bool {
        var written = 0
        while written < line.count {
            let count = line[written...].withUnsafeBytes {
                clinux_write(descriptor, $0.baseAddress, $0.count)
            }
            if count == -Int(EINTR) { continue }
            guard count > 0 else { return false }
            written += count
        }
        return true
    }
}
