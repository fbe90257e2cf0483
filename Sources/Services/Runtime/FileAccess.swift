// FileAccess: the few small files read at start.
//
// Thread: any; blocks.  Allocates: the text.  Source: man 2 open, man 2 read, man 2 stat.

import CLinux
import Glibc

enum FileAccess {
    /// A configuration file or a secret is never larger.
    private static let byteCountMax = 1 << 20

    static func read(_ path: String) -> Result<String, ConfigurationSources.SystemReadError> {
        let file = open(path, O_RDONLY | O_CLOEXEC)
        guard file >= 0 else { return .failure(.init(reason: errorText(errno))) }
        defer { _ = clinux_close(file) }
        var bytes: [UInt8] = []
        var chunk = [UInt8](repeating: 0, count: 16 * 1024)
        while true {
            let count = chunk.withUnsafeMutableBytes { clinux_read(file, $0.baseAddress, $0.count) }
            if count == -Int(EINTR) { continue }
            if count < 0 { return .failure(.init(reason: errorText(Int32(-count)))) }
            if count == 0 { break }
            bytes += chunk.prefix(count)
            if bytes.count > byteCountMax { return .failure(.init(reason: "is larger than 1 MiB")) }
        }
        guard let text = String(validating: bytes, as: UTF8.self) else {
            return .failure(.init(reason: "is not UTF-8 text"))
        }
        return .success(text)
    }

    static func isDirectory(_ path: String) -> Bool {
        var status = stat()
        return stat(path, &status) == 0 && status.st_mode & S_IFMT == S_IFDIR
    }

    static func exists(_ path: String) -> Bool { access(path, F_OK) == 0 }

    private static func errorText(_ code: Int32) -> String {
        strerror(code).map { String(cString: $0) } ?? "errno \(code)"
    }
}
