// ProcessFigures: what the kernel says of this process.
//
//   /proc/self/stat    4711 (contoso) S 1 … utime stime … threads … start vsize rss …
//   /proc/self/limits  Max open files   20000   20000   files
//   /proc/self/fd      one entry per descriptor
//   /proc/stat         btime 1763750000
//
// Thread: any; a few system calls.  Allocates: the texts.  Source: man 5 proc.

import Glibc

struct ProcessFigures: Equatable, Sendable {
    /// User and system time together.
    var processorSeconds = 0.0
    var residentByteCount = 0
    var virtualByteCount = 0
    var threadCount = 0
    /// Seconds since 1970-01-01T00:00:00Z, as exact as the kernel's boot time: whole seconds.
    var startedAt = 0.0
    var descriptorCount = 0
    var descriptorCountMax = 0

    /// Nil where there is no `/proc`.
    static func now() -> ProcessFigures? {
        guard case .success(let stat) = FileAccess.read("/proc/self/stat"),
            case .success(let limits) = FileAccess.read("/proc/self/limits"),
            case .success(let system) = FileAccess.read("/proc/stat"),
            var figures = ProcessFigures(
                stat: stat, limits: limits, system: system,
                ticksPerSecond: sysconf(Int32(_SC_CLK_TCK)), pageByteCount: Int(getpagesize()))
        else { return nil }
        figures.descriptorCount = descriptorCount()
        return figures
    }

    /// Reads the three files' texts; nil if one of them is not what the kernel writes.
    init?(
        stat: String, limits: String, system: String, ticksPerSecond: Int, pageByteCount: Int
    ) {
        // The name stands in parentheses and may hold blanks and parentheses itself.
        guard let nameEnd = stat.lastIndex(of: ")") else { return nil }
        let fields = stat[stat.index(after: nameEnd)...].split { $0 == " " || $0 == "\n" }
        // The state is field 3 of the manual and comes first here.
        func field(_ number: Int) -> Int? {
            fields.count > number - 3 ? Int(fields[number - 3]) : nil
        }
        guard let userTicks = field(14), let systemTicks = field(15), let threads = field(20),
            let startTicks = field(22), let virtualSize = field(23), let residentPages = field(24),
            let bootTime = Self.number(behind: "btime ", in: system)
        else { return nil }
        processorSeconds = Double(userTicks + systemTicks) / Double(ticksPerSecond)
        threadCount = threads
        startedAt = Double(bootTime) + Double(startTicks) / Double(ticksPerSecond)
        virtualByteCount = virtualSize
        residentByteCount = residentPages * pageByteCount
        // "unlimited" is no number and stays 0.
        descriptorCountMax = Self.number(behind: "Max open files ", in: limits) ?? 0
    }

    /// The number that follows `name` at the beginning of a line.
    private static func number(behind name: String, in text: String) -> Int? {
        for line in text.split(separator: "\n") where line.hasPrefix(name) {
            return line.dropFirst(name.count).split(separator: " ").first.flatMap { Int($0) }
        }
        return nil
    }

    private static func descriptorCount() -> Int {
        guard let directory = opendir("/proc/self/fd") else { return 0 }
        defer { closedir(directory) }
        var count = 0
        while readdir(directory) != nil { count += 1 }
        // Not ".", "..", nor the descriptor we look with.
        return max(0, count - 3)
    }
}
