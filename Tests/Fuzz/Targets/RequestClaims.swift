// RequestClaims: a connection's requests are the same, however their bytes are cut into packets, and no
// head that is accepted could be read in another way.
//
//   first byte: where to cut │ the rest: requests with their bodies, one behind the other
//
// Thread: any.  Allocates: heads and bodies.  Source: RFC 9112 §2.2, §3.2, §6.

import WS

enum RequestClaims {
    private struct Taken: Equatable {
        var head: [UInt8]
        var fields: [Field]
        var framing: BodyFraming
        var version: HTTPVersion
        var keepsAlive: Bool
        var body: [UInt8] = []
    }

    private struct Field: Equatable {
        let name: [UInt8]
        let value: [UInt8]
    }

    private struct Outcome: Equatable {
        var requests: [Taken] = []
        var error: HTTPError?
    }

    /// Of one body; what is announced beyond it is no business of the parsers.
    private static let bodyByteCountMax = 1024

    static func check(_ bytes: UnsafeRawBufferPointer) throws(Violation) {
        guard let first = bytes.first else { return }
        try checkHeadInPlace(UnsafeRawBufferPointer(rebasing: bytes[1...]))
        let outcome = try Pieces.requireSame(
            Array(bytes[1...]), step: 1 + Int(first % 32), read)
        for request in outcome.requests { try checkMeaning(of: request) }
    }

    /// The guarded bytes themselves: a read outside of them ends the process.
    private static func checkHeadInPlace(_ bytes: UnsafeRawBufferPointer) throws(Violation) {
        var parser = RequestParser(limits: HTTPLimits())
        guard
            case .complete(let head) = parser.parse(bytes.assumingMemoryBound(to: UInt8.self).span)
        else { return }
        try require(head.byteCount <= bytes.count, "a head lies within the bytes")
        for field in head.fields {
            for range in [field.nameRange, field.valueRange] {
                try require(
                    Int(range.start) + Int(range.count) <= head.byteCount,
                    "a field lies within its head")
            }
        }
    }

    /// Feeds the requests as a connection does: a head from its start again, a body as it comes.
    private static func read(_ pieces: [ArraySlice<UInt8>]) throws(Violation) -> Outcome {
        var outcome = Outcome()
        var parser = RequestParser(limits: HTTPLimits())
        var body: Body?
        var kept: [UInt8] = []
        for piece in pieces {
            kept += piece
            do throws(HTTPError) {
                while true {
                    if body != nil {
                        kept.removeFirst(try body!.take(kept))
                        guard body!.isComplete else { break }
                        outcome.requests[outcome.requests.count - 1].body = body!.bytes
                        body = nil
                    }
                    switch parser.parse(kept.span) {
                    case .incomplete: break
                    case .malformed(let error): throw error
                    case .complete(let head):
                        outcome.requests.append(taken(head, kept))
                        kept.removeFirst(head.byteCount)
                        body = try Body(head.framing)
                        continue
                    }
                    break
                }
            } catch {
                outcome.error = error
                return outcome
            }
        }
        return outcome
    }

    private static func taken(_ head: RequestHead, _ bytes: [UInt8]) -> Taken {
        func text(_ range: ByteRange) -> [UInt8] {
            Array(bytes[Int(range.start)..<Int(range.start) + Int(range.count)])
        }
        return Taken(
            head: Array(bytes[..<head.byteCount]),
            fields: head.fields.map { Field(name: text($0.nameRange), value: text($0.valueRange)) },
            framing: head.framing, version: head.version, keepsAlive: head.keepsAlive)
    }

    private struct Body {
        private var missing = 0
        private var decoder: ChunkedDecoder?
        private(set) var bytes: [UInt8] = []

        init(_ framing: BodyFraming) throws(HTTPError) {
            switch framing {
            case .none: break
            case .length(let count):
                if count > bodyByteCountMax { throw .bodyTooLarge }
                missing = count
            case .chunked:
                decoder = ChunkedDecoder(
                    limits: HTTPLimits(), bodyByteCountMax: bodyByteCountMax)
            }
        }

        var isComplete: Bool { decoder.map(\.isComplete) ?? (missing == 0) }

        mutating func take(_ input: [UInt8]) throws(HTTPError) -> Int {
            if decoder != nil { return try decoder!.decode(input.span, into: &bytes) }
            let count = min(missing, input.count)
            bytes += input.prefix(count)
            missing -= count
            return count
        }
    }

    // MARK: What was accepted

    private static func checkMeaning(of request: Taken) throws(Violation) {
        var previous: UInt8 = 0
        for byte in request.head {
            try require((byte == 0x0A) == (previous == 0x0D), "every line ends with CR LF")
            try require(
                byte >= 0x20 && byte != 0x7F || [0x09, 0x0A, 0x0D].contains(byte),
                "no control byte is accepted")
            previous = byte
        }
        func count(_ name: String) -> Int {
            request.fields.count { String(decoding: $0.name, as: UTF8.self).lowercased() == name }
        }
        try require(
            count("host") == 1 || request.version == .http10 && count("host") == 0,
            "one host, if not HTTP/1.0")
        try require(
            count("content-length") + count("transfer-encoding") <= 1, "one way to frame a body")
        switch request.framing {
        case .chunked: try require(count("transfer-encoding") == 1, "chunked is said")
        case .length: try require(count("content-length") == 1, "a length is said")
        case .none:
            try require(
                count("content-length") + count("transfer-encoding") == 0,
                "what frames a body is not overlooked")
        }
        try checkReturn(of: request)
    }

    /// Written again from what was understood, it is understood in the same way.
    private static func checkReturn(of request: Taken) throws(Violation) {
        let line = request.head.drop { $0 == 0x0D || $0 == 0x0A }.prefix { $0 != 0x0D }
        var written = Array(line) + [0x0D, 0x0A]
        for field in request.fields {
            written += field.name + [0x3A, 0x20] + field.value + [0x0D, 0x0A]
        }
        written += [0x0D, 0x0A]
        let withoutBody = try read([written[...]])
        guard withoutBody.error == nil || withoutBody.error == .bodyTooLarge,
            withoutBody.requests.count == 1, let back = withoutBody.requests.first
        else { throw Violation("a head that is written and read is one head") }
        try require(
            back.fields == request.fields && back.framing == request.framing
                && back.version == request.version && back.keepsAlive == request.keepsAlive,
            "a head that is written and read is the same")
    }
}
