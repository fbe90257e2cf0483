// ProcessorTime: how much CPU another process has used.
//
// Thread: one.  Source: man 5 proc (/proc/PID/stat, fields utime and stime, in clock ticks).

import Glibc

struct ProcessorTime {
    private let process: Int32
    private let ticksAtStart: UInt64

    /// Nil without a process, or if it does not exist.
    init?(process: Int32?) {
        guard let process, let ticks = Self.ticks(of: process) else { return nil }
        self.process = process
        ticksAtStart = ticks
    }

    /// User and system time since init, all threads; nil if the process has ended.
    func elapsedMicroseconds() -> Double? {
        guard let ticks = Self.ticks(of: process) else { return nil }
        return Double(ticks - ticksAtStart) * 1e6 / Double(sysconf(Int32(_SC_CLK_TCK)))
    }

    private static func ticks(of process: Int32) -> UInt64? {
        guard let file = fopen("/proc/\(process)/stat", "r") else { return nil }
        defer { fclose(file) }
        var bytes = [UInt8](repeating: 0, count: 1024)
        let count = fread(&bytes, 1, bytes.count, file)
        // The second field is the name in parentheses, which may hold blanks and parentheses.
        guard let end = bytes[..<count].lastIndex(of: UInt8(ascii: ")")) else { return nil }
        let fields = bytes[(end + 1)..<count].split(separator: UInt8(ascii: " "))
        guard fields.count > 12, let user = number(fields[11]), let system = number(fields[12])
        else { return nil }
        return user + system
    }

    private static func number(_ digits: ArraySlice<UInt8>) -> UInt64? {
        UInt64(String(decoding: digits, as: UTF8.self))
    }
}
