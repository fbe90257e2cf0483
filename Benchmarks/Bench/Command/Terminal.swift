// Terminal: lines for people, on stderr; stdout is the report's.
//
// Thread: any; a line is one write.  Allocates: the line.

import CLinux
import Glibc

enum Terminal {
    static func note(_ text: String) { write("\(text)\n", to: STDERR_FILENO) }

    static func error(_ text: String) { write("bench: \(text)\n", to: STDERR_FILENO) }

    static func result(_ text: String) { write("\(text)\n", to: STDOUT_FILENO) }

    private static func write(_ text: String, to descriptor: Int32) {
        var text = text
        text.withUTF8 { bytes in
            var written = 0
            while written < bytes.count {
                let count = clinux_write(
                    descriptor, bytes.baseAddress! + written, bytes.count - written)
                guard count > 0 else { return }
                written += count
            }
        }
    }
}
