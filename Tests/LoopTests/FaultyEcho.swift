// FaultyEcho: an echo server whose loop's system calls are under a plan.
//
//   bystander ══╗
//               ╠══▶ loop, under the plan          the fault is for the victim; the bystander and
//   victim ═════╝                                  whoever comes next must not notice
//
// Thread: made and used by a test's.

import COpenSSL
import Faults
import TestSupport

@testable import Loop

final class FaultyEcho {
    let plan = FaultPlan()
    /// How connections have ended since the last exchange began.
    private let reasons = Monitor<[CloseReason]>([])
    /// Bytes that the loop has taken of the client at work; `max` when that has ended.
    private let taken = Monitor(0)
    private let group = LoopGroup()
    private let address: String
    private let isEncrypted: Bool
    private let bystander: EchoClient
    private let messages: Mailbox<Int>
    private let received = Monitor(0)
    /// The listener, the bystander, and the reserve unless that is lost.
    var idleDescriptorCount = 3

    init(identity: TLSIdentity?) throws {
        let bound = Monitor("")
        let made = Monitor<Mailbox<Int>?>(nil)
        let (plan, reasons, taken, received) = (plan, reasons, taken, received)
        try group.start(count: 1, limits: Limits()) { reactor, _ in
            plan.watch()
            plan.adopt(reactor.reserve)
            let mailbox = reactor.makeMailbox(of: Int.self) { number in
                received.update { $0 = number }
            }
            made.update { $0 = mailbox }
            let address = try reactor.listen(host: "127.0.0.1", port: 0, identity: identity) { _ in
                Echo(reasons, taken)
            }
            bound.update { $0 = address }
        }
        address = bound.withLock { $0 }
        messages = made.withLock { $0! }
        isEncrypted = identity != nil
        bystander = try EchoClient(to: address, isEncrypted: isEncrypted)
        try bystander.echo(byteCount: 1, taken)
    }

    deinit { group.stop() }

    /// How the victim's exchange went.
    struct Exchange: Equatable {
        /// Everything came back.
        var isComplete: Bool
        /// Of every connection that has ended; empty if none has been opened.
        var reasons: [CloseReason]
        var hitCount: Int
    }

    /// A client connects, sends everything before it reads anything, and leaves, while what is armed
    /// strikes. By default it is more than the sockets hold. Nil if the loop has not closed its descriptors within thirty seconds.
    func exchange(byteCount: Int = 400_000) throws -> Exchange? {
        reasons.update { $0 = [] }
        let hitsBefore = plan.hitCount
        var isComplete = false
        do {
            let victim = try EchoClient(to: address, isEncrypted: isEncrypted)
            try victim.echo(byteCount: byteCount, taken)
            isComplete = true
        } catch is ClientError {
            // Whether it may end is the test's to judge.
        }
        guard plan.holds(descriptors: idleDescriptorCount) else { return nil }
        let hitCount = plan.hitCount - hitsBefore
        plan.disarm()
        return Exchange(
            isComplete: isComplete, reasons: reasons.withLock { $0 }, hitCount: hitCount)
    }

    /// True if the connection of before the fault, and one of after it, are served.
    func servesOthers() throws -> Bool {
        try bystander.echo(byteCount: 1000, taken)
        let next = try exchange(byteCount: 1000)
        return next == Exchange(isComplete: true, reasons: [.finished], hitCount: 0)
    }

    /// Posts a message from this thread; false if the loop has not had it after thirty seconds.
    func wakes(with number: Int) -> Bool {
        messages.post(number)
        return received.wait(atMost: .seconds(30)) { $0 == number ? true : nil } ?? false
    }

    /// Ends the loop; returns how many of its descriptors are open then.
    func stop() -> Int {
        group.stop()
        return plan.openDescriptorCount
    }
}

private final class Echo: ConnectionHandler {
    private let reasons: Monitor<[CloseReason]>
    private let taken: Monitor<Int>

    init(_ reasons: Monitor<[CloseReason]>, _ taken: Monitor<Int>) {
        self.reasons = reasons
        self.taken = taken
    }

    override func received(
        _ bytes: UnsafeMutableRawBufferPointer, on connection: Connection
    ) -> Int {
        connection.send(UnsafeRawBufferPointer(bytes))
        taken.update { $0 += bytes.count }
        return bytes.count
    }

    override func closed(_ connection: Connection, reason: CloseReason) {
        reasons.update { $0.append(reason) }
        taken.update { $0 = .max / 2 }
    }
}

/// A client that knows what must come back.
private struct EchoClient {
    private enum Transport {
        case plain(BlockingClient)
        case encrypted(TLSClient)
    }
    private let transport: Transport
    /// Fixed, so that the kernel holds less than an exchange.
    private static let receiveBufferByteCount = 32_768

    init(to address: String, isEncrypted: Bool) throws {
        if isEncrypted {
            transport = .encrypted(
                try TLSClient(
                    to: address, receiveBufferByteCount: Self.receiveBufferByteCount))
        } else {
            transport = .plain(
                try BlockingClient(
                    to: address, receiveBufferByteCount: Self.receiveBufferByteCount))
        }
    }

    func echo(byteCount: Int, _ taken: Monitor<Int>) throws {
        taken.update { $0 = 0 }
        let sent = (0..<byteCount).map { UInt8(truncatingIfNeeded: $0 &* 31 &+ $0 >> 8) }
        let answer: [UInt8]
        switch transport {
        case .plain(let client):
            try client.send(sent)
            waitUntilTaken(byteCount, taken, client)
            answer = try client.receive(exactly: byteCount)
        case .encrypted(let client):
            try client.send(sent)
            waitUntilTaken(byteCount, taken, client.socket)
            answer = try client.receive(exactly: byteCount)
        }
        if answer != sent { throw WrongEcho() }
    }

    /// Reads nothing before the server has taken everything: so its sends must meet a full socket.
    private func waitUntilTaken(_ byteCount: Int, _ taken: Monitor<Int>, _ client: BlockingClient) {
        for _ in 0..<3000 {
            let isTaken = taken.wait(atMost: .milliseconds(10)) { $0 >= byteCount ? true : nil }
            // A connection that the server has never opened has nobody to tell us.
            if isTaken == true || client.hasEnded { return }
        }
    }
}

/// Not a client's error: nothing excuses wrong bytes.
struct WrongEcho: Error {}
