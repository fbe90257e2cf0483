// HostFacts: the machine and the code that a result comes from.
//
// Thread: any, before or after the clock runs.  Allocates: texts.
// Source: man 2 uname, man 5 proc (/proc/cpuinfo).

import Glibc
import Measure

extension RunResult.Host {
    /// This machine.
    static var current: RunResult.Host {
        var names = utsname()
        uname(&names)
        return RunResult.Host(
            name: text(names.nodename), kernel: "\(text(names.sysname)) \(text(names.release))",
            processor: processorName ?? "unknown",
            coreCount: max(1, sysconf(Int32(_SC_NPROCESSORS_ONLN))),
            memoryByteCount: sysconf(Int32(_SC_PHYS_PAGES)) * sysconf(Int32(_SC_PAGESIZE)))
    }

    private static func text<Characters>(_ characters: Characters) -> String {
        withUnsafeBytes(of: characters) { bytes in
            String(decoding: bytes.prefix { $0 != 0 }, as: UTF8.self)
        }
    }

    private static var processorName: String? {
        guard let file = fopen("/proc/cpuinfo", "r") else { return nil }
        defer { fclose(file) }
        var line = [CChar](repeating: 0, count: 512)
        while fgets(&line, Int32(line.count), file) != nil {
            let text = String(
                decoding: line.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self)
            guard text.hasPrefix("model name"), let colon = text.firstIndex(of: ":") else {
                continue
            }
            return String(text[text.index(after: colon)...].drop { $0 == " " }.dropLast())
        }
        return nil
    }
}

enum Repository {
    /// The directory of this executable; bench looks for the servers there.
    static var binaryDirectory: String {
        binary.lastIndex(of: "/").map { String(binary[..<$0]) } ?? "."
    }

    /// The path of this executable.
    static var binary: String {
        var bytes = [UInt8](repeating: 0, count: 4096)
        let count = bytes.withUnsafeMutableBytes {
            readlink(
                "/proc/self/exe", $0.baseAddress!.assumingMemoryBound(to: CChar.self), $0.count)
        }
        return String(decoding: bytes.prefix(max(0, count)), as: UTF8.self)
    }

    /// Of the repository the executable lies in; nil outside of one.
    static func commit() -> String? {
        let command = "git -C '\(binaryDirectory)' rev-parse HEAD 2>/dev/null"
        guard let pipe = popen(command, "r") else { return nil }
        defer { pclose(pipe) }
        var bytes = [UInt8](repeating: 0, count: 64)
        let count = fread(&bytes, 1, bytes.count, pipe)
        return count >= 40 ? String(decoding: bytes[..<40], as: UTF8.self) : nil
    }
}

extension CommandLine {
    /// Without what is secret.
    static var safeArguments: [String] {
        var isSecret = false
        return arguments.dropFirst().map { argument in
            defer { isSecret = ["--token", "--token-secret", "-H", "--header"].contains(argument) }
            if isSecret { return "…" }
            for flag in ["--token=", "--token-secret=", "--header="] where argument.hasPrefix(flag)
            {
                return flag + "…"
            }
            return argument
        }
    }
}
