// ScratchDirectory: a directory of one run, gone with it.
//
// Thread: the coordinator's.  Allocates: paths.  Source: man 3 mkdtemp.

import Glibc

final class ScratchDirectory {
    let path: String

    init() throws(BenchError) {
        let parent = getenv("TMPDIR").map { String(cString: $0) } ?? "/tmp"
        var template = Array("\(parent)/bench-XXXXXX".utf8CString)
        guard mkdtemp(&template) != nil else {
            throw BenchError(description: "cannot make a directory in \(parent); set TMPDIR")
        }
        path = String(decoding: template.dropLast().map(UInt8.init(bitPattern:)), as: UTF8.self)
        Leftovers.add(directory: path)
    }

    deinit {
        Self.remove(path)
        Leftovers.remove(directory: path)
    }

    /// With everything in it.
    static func remove(_ path: String) {
        // A link is not followed: it is unlinked here.
        guard unlink(path) != 0, let directory = opendir(path) else { return }
        while let entry = readdir(directory) {
            let name = withUnsafePointer(to: &entry.pointee.d_name) {
                $0.withMemoryRebound(to: CChar.self, capacity: 256) { String(cString: $0) }
            }
            if name != ".", name != ".." { remove("\(path)/\(name)") }
        }
        closedir(directory)
        rmdir(path)
    }

    func file(_ name: String) -> String { "\(path)/\(name)" }

    /// The text of a file that may not be there yet.
    static func text(of path: String) -> String {
        guard let file = fopen(path, "r") else { return "" }
        defer { fclose(file) }
        var text: [UInt8] = []
        var buffer = [UInt8](repeating: 0, count: 4096)
        while true {
            let count = fread(&buffer, 1, buffer.count, file)
            if count == 0 { return String(decoding: text, as: UTF8.self) }
            text += buffer[..<count]
        }
    }
}
