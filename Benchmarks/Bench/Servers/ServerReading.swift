// ServerReading: the memory and the CPU time of another process, at one moment.
//
//   /proc/PID/statm ─▶ resident pages        /proc/PID/task/*/schedstat ─▶ nanoseconds on a CPU
//   /proc/PID/status ─▶ the most of them
//
// schedstat and not stat: stat counts in ticks of 10 ms. A thread that has ended takes its time with
// it; our servers and the floor start all of theirs before the first connection.
//
// Thread: any.  Allocates: the texts.  Source: man 5 proc; kernel Documentation/scheduler/sched-stats.

import Glibc

struct ServerReading: Equatable, Sendable {
    var processorNanoseconds: UInt64
    var residentByteCount: Int
    /// The most since its start.
    var residentPeakByteCount: Int

    /// Nil if the process does not exist, or is somebody else's.
    init?(process: Int32) {
        guard let pages = Self.numbers(in: "/proc/\(process)/statm"), pages.count > 1,
            let tasks = opendir("/proc/\(process)/task")
        else { return nil }
        defer { closedir(tasks) }
        residentByteCount = Int(pages[1]) * Int(sysconf(Int32(_SC_PAGESIZE)))
        residentPeakByteCount =
            Self.kibibytes("VmHWM", in: "/proc/\(process)/status") * 1024
        processorNanoseconds = 0
        while let entry = readdir(tasks) {
            let name = withUnsafePointer(to: &entry.pointee.d_name) {
                $0.withMemoryRebound(to: CChar.self, capacity: 256) { String(cString: $0) }
            }
            guard Int(name) != nil else { continue }
            let times = Self.numbers(in: "/proc/\(process)/task/\(name)/schedstat")
            processorNanoseconds += times?.first ?? 0
        }
    }

    private static func numbers(in path: String) -> [UInt64]? {
        words(in: path)?.compactMap { UInt64($0) }
    }

    /// The number behind a name; 0 without one.
    private static func kibibytes(_ name: String, in path: String) -> Int {
        guard let words = words(in: path), let place = words.firstIndex(of: name + ":"),
            place + 1 < words.count
        else { return 0 }
        return Int(words[place + 1]) ?? 0
    }

    private static func words(in path: String) -> [String]? {
        guard let file = fopen(path, "r") else { return nil }
        defer { fclose(file) }
        var bytes = [UInt8](repeating: 0, count: 4096)
        let count = fread(&bytes, 1, bytes.count, file)
        return bytes[..<count].split { $0 == 0x20 || $0 == 0x0A || $0 == 0x09 }
            .map { String(decoding: $0, as: UTF8.self) }
    }
}

/// A process whose use is part of the result.
struct WatchedServer: Sendable {
    let name: String
    let process: Int32
    /// Of 127.0.0.1, where it serves its metrics; nil: it does not, or nobody knows.
    var metricsPort: UInt16?
}
