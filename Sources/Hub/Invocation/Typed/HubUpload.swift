// HubUpload: what a client streams up, as a sequence that a method reads.
//
//   hub.method("Sum") { (call, numbers: HubUpload<Int>) in try await numbers.reduce(0, +) }
//
//   item that decodes ─▶ element       client's completion            ─▶ end
//   item that does not ─▶ throws       its error, or the connection's ─▶ throws HubException
//
// The client is read no further than `HubOptions.uploadItemCountMax` items ahead of the method.
//
// Thread: any, one reader at a time.  Allocates: a wait per item that is not there yet.
// Source: SignalR HubProtocol, "Streaming"; texts as .NET 8.

import Synchronization

/// A parameter of a method that stands for a stream of its caller's. Streams are matched with
/// `HubUpload` parameters in their order, and are not among the arguments.
public struct HubUpload<Element: Decodable>: AsyncSequence, Sendable {
    private let reader: UploadReader

    public struct AsyncIterator: AsyncIteratorProtocol {
        fileprivate let reader: UploadReader
        private var hasEnded = false

        fileprivate init(reader: UploadReader) { self.reader = reader }

        /// - Throws: `HubException`; `CancellationError` if the call is cancelled while it waits.
        public mutating func next() async throws -> Element? {
            if hasEnded { return nil }
            do {
                switch try await reader.next() {
                case .item(let item): return try item.decode()
                case .finished:
                    hasEnded = true
                    return nil
                case .failed(let text): throw HubException(text)
                }
            } catch is BindingFailure {
                hasEnded = true
                throw HubException("Failed to bind Stream message.")
            } catch {
                hasEnded = true
                throw error
            }
        }
    }

    /// Every iterator goes on where the one before has stopped.
    public func makeAsyncIterator() -> AsyncIterator { AsyncIterator(reader: reader) }
}

/// `Decodable` puts it among the parameters of a method; it is never made that way.
extension HubUpload: Decodable, UploadParameter {
    public init(from decoder: any Decoder) throws {
        throw DecodingError.dataCorrupted(
            .init(codingPath: decoder.codingPath, debugDescription: "an upload is no argument"))
    }

    init(reading buffer: HubUploadBuffer) { reader = UploadReader(buffer) }
}

/// How `HubParameters` tells an upload from an argument.
protocol UploadParameter {
    init(reading buffer: HubUploadBuffer)
}

/// Asks the buffer for one event at a time.
private final class UploadReader: Sendable {
    private let buffer: HubUploadBuffer
    /// Asked for and not arrived yet, or arrived after its reader was cancelled.
    private let pending = Mutex<LateValue<HubUploadBuffer.Event>?>(nil)

    init(_ buffer: HubUploadBuffer) { self.buffer = buffer }

    func next() async throws(CancellationError) -> HubUploadBuffer.Event {
        let (late, isNew) = pending.withLock { pending in
            let isNew = pending == nil
            let late = pending ?? LateValue()
            pending = late
            return (late, isNew)
        }
        if isNew { buffer.next { late.give($0) } }
        guard let event = await late.value() else { throw CancellationError() }
        pending.withLock { $0 = nil }
        return event
    }
}
