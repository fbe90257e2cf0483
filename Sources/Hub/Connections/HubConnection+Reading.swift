// HubConnection+Reading: from bytes, cut anywhere, to messages, as far as order lets them be read.
//
//   bytes ─▶ canRead? ─▶ MessageFramer ─▶ record ─▶ handshake, or message ─▶ dispatch
//              └ no: held, and the socket is paused, until readOn
//
// Thread: the connection's loop.  Allocates: for what is held, and per message what it has.
// Source: SignalR HubProtocol.

import Loop

extension HubConnection {
    /// Goes on with what is held, as far as it may be read.
    func readOn() {
        startBlocked()
        if canRead, !held.isEmpty {
            var bytes: [UInt8] = []
            swap(&bytes, &held)
            bytes.withUnsafeBytes { read($0) }
        }
        if held.isEmpty, canRead { link.resumeReading() }
        takePosts()
        rearm()
    }

    func read(_ bytes: UnsafeRawBufferPointer) {
        var offset = 0
        while canRead {
            let isRead =
                machine.isAwaitingHandshake
                ? readHandshake(bytes, &offset) : readMessage(bytes, &offset)
            if !isRead { return }
        }
        if machine.isOpen && offset < bytes.count {
            hold(UnsafeRawBufferPointer(rebasing: bytes[offset...]))
        }
    }

    /// False when nothing more is to be read.
    private func readHandshake(_ bytes: UnsafeRawBufferPointer, _ offset: inout Int) -> Bool {
        let (supported, formats) = (options.protocols, transport.formats)
        var version: Int64 = 0
        let outcome = framer.next(in: bytes, from: &offset) { record in
            Result { () throws(HandshakeError) in
                let request = try HandshakeRequest.parse(record)
                version = request.version
                return try request.resolve(supported: supported, formats: formats)
            }
        }
        switch outcome {
        case .record(let result):
            if case .success(let chosen) = result, version > 1 { enableResumption(chosen) }
            run(machine.handshakeReceived(result))
            return true
        case .incomplete: break
        case .tooLong: run(machine.violated(tooLong))
        case .malformed: run(machine.violated(.malformedLengthPrefix))
        }
        return false
    }

    /// False when nothing more is to be read.
    private func readMessage(_ bytes: UnsafeRawBufferPointer, _ offset: inout Int) -> Bool {
        let hubProtocol = hubProtocol
        let outcome = framer.next(in: bytes, from: &offset) { record in
            Result { () throws(HubProtocolError) in try hubProtocol.decode(record) }
        }
        switch outcome {
        case .record(.success(let message)):
            meter()
            message.map(dispatch)
            return true
        case .incomplete: break
        case .record(.failure(let error)): run(machine.violated(error))
        case .tooLong: run(machine.violated(tooLong))
        case .malformed: run(machine.violated(.malformedLengthPrefix))
        }
        return false
    }

    private var tooLong: HubProtocolError {
        .recordTooLong(byteCountMax: options.messageByteCountMax ?? 0)
    }

    /// Keeps at most what is left of one WebSocket message and the one behind it, or of some POSTs.
    func hold(_ bytes: UnsafeRawBufferPointer) {
        guard machine.isOpen else { return }
        held.append(contentsOf: bytes)
        link.pauseReading()
    }

    // MARK: Messages

    private func dispatch(_ message: HubMessage) {
        if case .resumable(let resumption) = link, resumption.isEnabled, message.isTracked,
            resumption.received() == .repeated
        {
            return
        }
        switch message {
        case .invocation(let invocation): call(invocation, wantsStream: false)
        case .streamInvocation(let invocation): call(invocation, wantsStream: true)
        case .streamItem(_, let streamID, let item): push(item, to: streamID)
        case .completion(let completion): completed(completion)
        case .cancelInvocation(_, let id): calls?.cancel(id)
        case .ping: pinged()
        case .close(let close): run(machine.closeReceived(error: close.error))
        case .ack(let number): acknowledged(number)
        case .sequence(let number): sequenceReceived(number)
        }
    }

    func pinged() {
        run(machine.pingReceived(at: now))
        rearm()
    }
}
