// Terminal: lines for the person at the terminal; answers on stdout, complaints on stderr.
//
// Thread: any; one write per call.  Allocates: the line.

import CLinux
import Glibc

enum Terminal {
    enum Stream: Int32 {
        case standardOutput = 1
        case standardError = 2
    }

    static func say(_ text: String, to stream: Stream = .standardOutput) {
        var bytes = Array(text.utf8)
        if bytes.last != UInt8(ascii: "\n") { bytes.append(UInt8(ascii: "\n")) }
        var rest = bytes[...]
        while !rest.isEmpty {
            let count = rest.withUnsafeBytes {
                clinux_write(stream.rawValue, $0.baseAddress, $0.count)
            }
            if count == -Int(EINTR) { continue }
            // The reader of a closed pipe wants no more.
            guard count > 0 else { return }
            rest = rest.dropFirst(count)
        }
    }

    static func complain(_ text: String) { say("contoso: \(text)", to: .standardError) }
}
