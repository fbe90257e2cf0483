// ClientAnswer+Completion: a client's answer on its way between pods.
//
//   owner:  ClientAnswer ─▶ Completion ─▶ record ─▶ [ protocol, record ] ─▶ internal:return:ASKER
//   asker:  ClientAnswer ◀─ Completion ◀─ record without its framing ◀─────────┘
//
// The record is of a protocol that the asker has asked in, so that it can read it, and of the one the
// client has answered in if that is among them, so that no value changes its format on the way.
//
// Thread: pure functions, any thread.  Allocates: the record.
// Source: ASP.NET Core SignalR, RedisHubLifetimeManager and ClientResultsManager; texts as .NET 8.

/// Why a client's answer cannot be read; the text is for whoever asked.
enum CompletionProblem: Error, Equatable {
    case unknownProtocol(String)
    case undecodable(String)

    func text(connectionID: String) -> String {
        switch self {
        case .unknownProtocol(let name):
            "Connection '\(connectionID)' answered in a protocol not known here: '\(name)'."
        case .undecodable(let detail):
            "Client result of connection '\(connectionID)' wasn't deserializable: \(detail)"
        }
    }
}

extension ClientAnswer {
    /// What .NET writes where a client has gone before it answered.
    private static let disconnectedText = "Connection disconnected."

    /// What the pod of the client publishes; nil where it has nothing to say: the asker finds out
    /// that nobody holds the connection.
    func envelope(answering question: ClientQuestion) -> CompletionEnvelope? {
        let outcome: Completion.Outcome
        switch self {
        case .result(let value): outcome = .result(value)
        case .error(let text), .unavailable(let text): outcome = .error(text)
        case .disconnected: outcome = .error(Self.disconnectedText)
        case .unknown: return nil
        }
        let asked = HubProtocol.allCases.filter { question.invocation.record(for: $0) != nil }
        let hubProtocol = asked.first { $0.transferFormat == preferredFormat } ?? asked.first
        // Whoever asks in none of our protocols still gets an answer; all pods speak JSON.
        let chosen = hubProtocol ?? .json
        return CompletionEnvelope(
            protocolName: chosen.name, record: Self.record(outcome, of: question, in: chosen))
    }

    /// An answer that the asker's protocol has no form for is an error, which always has one.
    private static func record(
        _ outcome: Completion.Outcome, of question: ClientQuestion, in hubProtocol: HubProtocol
    ) -> [UInt8] {
        func written(_ outcome: Completion.Outcome) throws(HubValueError) -> [UInt8] {
            try hubProtocol.encode(
                .completion(Completion(invocationID: question.invocationID, outcome: outcome)))
        }
        do throws(HubValueError) {
            return try written(outcome)
        } catch {
            return (try? written(.error("\(error)"))) ?? []
        }
    }

    /// Of the value, whose protocol is the only one with this format.
    private var preferredFormat: TransferFormat {
        guard case .result(let value) = self else { return .text }
        if case .json = value { return .text }
        return .binary
    }

    /// What the asker makes of a completion.
    init(_ outcome: Completion.Outcome, connectionID: String) {
        switch outcome {
        case .result(let value): self = .result(value)
        case .void: self = .result(.null)
        case .error(Self.disconnectedText): self = .disconnected(connectionID: connectionID)
        case .error(let text): self = .error(text)
        }
    }
}

extension CompletionEnvelope {
    /// The completion in the record.
    func completion() throws(CompletionProblem) -> Completion {
        guard let hubProtocol = HubProtocol(envelopeName: protocolName) else {
            throw .unknownProtocol(protocolName)
        }
        let decoded = record.withUnsafeBytes { record in
            Result { () throws(CompletionProblem) -> HubMessage? in
                guard let message = Self.unframed(record, hubProtocol.transferFormat) else {
                    throw .undecodable("its framing is wrong.")
                }
                do throws(HubProtocolError) {
                    return try hubProtocol.decode(message)
                } catch {
                    throw .undecodable(error.detail)
                }
            }
        }
        guard case .completion(let completion) = try decoded.get() else {
            throw .undecodable("it is no completion.")
        }
        return completion
    }

    /// The record without the separator behind a text, or the length in front of a binary. Nil if
    /// the length is another one.
    private static func unframed(
        _ record: UnsafeRawBufferPointer, _ format: TransferFormat
    ) -> UnsafeRawBufferPointer? {
        switch format {
        case .text:
            let hasSeparator = record.last == JSONHubProtocol.recordSeparator
            return UnsafeRawBufferPointer(rebasing: record.dropLast(hasSeparator ? 1 : 0))
        case .binary:
            // Seven bits a byte, the lowest first; five of them hold any length there is.
            var byteCount = 0
            for (index, byte) in record.prefix(5).enumerated() {
                byteCount |= Int(byte & 0x7F) << (7 * index)
                guard byte & 0x80 == 0 else { continue }
                let message = record.dropFirst(index + 1)
                return message.count == byteCount
                    ? UnsafeRawBufferPointer(rebasing: message) : nil
            }
            return nil
        }
    }

    /// Runs of the letters that ids are made of, as long as an id: where nothing else can be read,
    /// one of them names the question.
    var possibleInvocationIDs: [String] {
        record.split { byte in
            switch byte {
            case UInt8(ascii: "A")...UInt8(ascii: "Z"), UInt8(ascii: "a")...UInt8(ascii: "z"),
                UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "-"), UInt8(ascii: "_"):
                false
            default: true
            }
        }
        .filter { $0.count == Self.invocationIDByteCount }
        .map { String(decoding: $0, as: UTF8.self) }
    }

    /// 16 bytes in base64url.
    private static let invocationIDByteCount = 22
}
