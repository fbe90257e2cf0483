import Faults
import Glibc
import TestSupport
import Testing

@testable import Loop

/// Every call of the serving loop fails at its first, second, third … time, with everything that its
/// manual page or the kernel's source says it can fail with.
@Suite("System call faults", .timeLimit(.minutes(5)), .blocking) struct SystemCallFaultTests {
    /// What a fault may cost the connection it meets.
    enum Cost: Sendable { case nothing, theConnection }

    struct Case: Sendable, CustomTestStringConvertible {
        let call: SystemCall
        let fault: Fault
        let cost: Cost
        let isEncrypted: Bool

        var testDescription: String { "\(call) \(fault), \(isEncrypted ? "TLS" : "plain")" }
    }

    /// A peer, a router or a firewall that gives a connection up; the last four come from ICMP.
    private static let peerGone = [
        ECONNRESET, ETIMEDOUT, EHOSTUNREACH, ENETUNREACH, ECONNREFUSED, EACCES, EPROTO,
    ]

    private static let table: [(SystemCall, Cost, [Fault])] = [
        (.accept, .nothing, [EINTR, EAGAIN, ECONNABORTED, EPERM, EPROTO].map { .fails($0) }),
        (.accept, .theConnection, [EMFILE, ENFILE, ENOBUFS, ENOMEM].map { .fails($0) }),
        (.epollAdd, .theConnection, [ENOMEM, ENOSPC].map { .fails($0) }),
        (.epollWait, .nothing, [.fails(EINTR)]),
        (.recv, .nothing, [.fails(EINTR), .fails(EAGAIN), .moves(1)]),
        (.recv, .theConnection, (peerGone + [ENOMEM, ENOBUFS]).map { .fails($0) }),
        (.send, .nothing, [.fails(EINTR), .fails(EAGAIN), .moves(1)]),
        (.send, .theConnection, (peerGone + [EPIPE, EPERM, ENOMEM, ENOBUFS]).map { .fails($0) }),
        (.sendmsg, .nothing, [.fails(EINTR), .fails(EAGAIN), .moves(1)]),
        (.sendmsg, .theConnection, (peerGone + [EPIPE, ENOMEM, ENOBUFS]).map { .fails($0) }),
        (.close, .nothing, [EINTR, EIO].map { .fails($0) }),
    ]

    private static let cases = table.flatMap { call, cost, faults in
        faults.flatMap { fault in
            [false, true].map { Case(call: call, fault: fault, cost: cost, isEncrypted: $0) }
        }
    }

    @Test(arguments: cases)
    func `costs nobody, or the connection it meets and no other`(_ given: Case) throws {
        let server = try makeServer(isEncrypted: given.isEncrypted)

        for nth in 1...4 {
            server.plan.arm(given.call, given.fault, nth: nth)
            let outcome = try #require(try server.exchange(), "descriptors are left open")

            if nth == 1 { #expect(outcome.hitCount == 1, "the fault met nobody") }
            // Behind the victim nobody waits to be accepted.
            let meetsNobody = outcome.hitCount == 0 || given.call == .accept && nth > 1
            if given.cost == .nothing || meetsNobody {
                #expect(outcome.isComplete, "number \(nth)")
                #expect(outcome.reasons == [.finished], "number \(nth)")
            } else {
                // Before the connection was opened there is nobody to tell.
                #expect([[], [.peerGone]].contains(outcome.reasons), "number \(nth)")
            }
            #expect(try server.servesOthers(), "number \(nth)")
        }
        #expect(server.stop() == 0)
    }

    @Test(arguments: [false, true])
    func `bytes that come and go one by one arrive all the same`(isEncrypted: Bool) throws {
        let server = try makeServer(isEncrypted: isEncrypted)

        server.plan.arm(.recv, .moves(1), times: 500)
        server.plan.arm(.send, .moves(1), nth: 2, times: 500)
        server.plan.arm(.sendmsg, .moves(1), times: 500)
        let outcome = try #require(try server.exchange())

        #expect(outcome.hitCount > 100)
        #expect(outcome.isComplete)
        #expect(outcome.reasons == [.finished])
        #expect(server.stop() == 0)
    }

    @Test func `a process out of descriptors refuses while it has a reserve, then lets wait`()
        throws
    {
        let server = try makeServer(isEncrypted: false)

        // The reserve is given up to refuse, and cannot be had again.
        server.plan.arm(.accept, .fails(EMFILE))
        server.plan.arm(.open, .fails(EMFILE))
        server.idleDescriptorCount = 2
        let refused = try #require(try server.exchange())
        #expect(!refused.isComplete)
        #expect(refused.hitCount == 2)
        #expect(try server.servesOthers())

        // Without it there is no room to refuse in: the connection waits until there is.
        server.plan.arm(.accept, .fails(EMFILE))
        server.plan.arm(.open, .fails(EMFILE))
        let late = try #require(try server.exchange())
        #expect(late == FaultyEcho.Exchange(isComplete: true, reasons: [.finished], hitCount: 2))

        // It comes back with the first descriptor that can be had.
        server.plan.arm(.accept, .fails(EMFILE))
        server.idleDescriptorCount = 3
        let again = try #require(try server.exchange())
        #expect(again == FaultyEcho.Exchange(isComplete: true, reasons: [.finished], hitCount: 1))
        #expect(try server.servesOthers())
        #expect(server.stop() == 0)
    }

    @Test(arguments: [SystemCall.read, .write], [EINTR, EAGAIN])
    func `a loop is woken though its eventfd fails`(call: SystemCall, code: Int32) throws {
        // EAGAIN of a write says that the counter is full, and so that the loop is awake.
        if call == .write, code == EAGAIN { return }
        let server = try makeServer(isEncrypted: false)

        for number in 1...20 {
            server.plan.arm(call, .fails(code), nth: 1 + number % 2)
            #expect(server.plan.watching { server.wakes(with: number) })
            server.plan.disarm()
        }

        #expect(server.plan.hitCount > 0)
        #expect(server.stop() == 0)
    }

    @Test func `an interruption does not end the wait for a refused peer`() throws {
        final class Refuser: ConnectionHandler {
            override func opened(_ connection: Connection) {
                connection.send("no")
                connection.closeAfterFlush(lingering: true)
            }
        }
        let plan = FaultPlan()
        let harness = try LoopHarness { reactor in
            plan.watch()
            return try reactor.listen(host: "127.0.0.1", port: 0) { _ in Refuser() }
        }
        let client = try harness.connect()
        #expect(try client.receiveToEnd() == Array("no".utf8))

        plan.arm(.recv, .fails(EINTR))
        let countBefore = plan.callCount(of: .recv)
        try client.send("more")

        // The interrupted call is made again, on a connection that is still there.
        var rounds = 0
        while plan.callCount(of: .recv) < countBefore + 2, rounds < 30_000 {
            usleep(1000)
            rounds += 1
        }
        #expect(plan.callCount(of: .recv) == countBefore + 2)
        #expect(plan.hitCount == 1)
    }

    @Test func `a reset that cannot be had is a close`() throws {
        final class Cutter: ConnectionHandler {
            override func opened(_ connection: Connection) { connection.abort() }
        }
        let plan = FaultPlan()
        let harness = try LoopHarness { reactor in
            plan.watch()
            return try reactor.listen(host: "127.0.0.1", port: 0) { _ in Cutter() }
        }

        plan.arm(.setsockopt, .fails(ENOMEM))
        #expect(try harness.connect().receiveToEnd().isEmpty)

        #expect(plan.hitCount == 1)
        #expect(plan.holds(descriptors: 1))
    }

    @Test(arguments: [SystemCall.getpeername, .shutdown])
    func `a peer that cannot be named or told of the end is served and let go`(
        call: SystemCall
    ) throws {
        final class Teller: ConnectionHandler {
            override func opened(_ connection: Connection) {
                connection.send(connection.peerAddress == .unknown ? "you" : "known")
                connection.closeAfterFlush(lingering: true)
            }
            override func received(
                _ bytes: UnsafeMutableRawBufferPointer, on connection: Connection
            ) -> Int { bytes.count }
        }
        var limits = Limits()
        limits.lingerTimeout = .milliseconds(100)
        let plan = FaultPlan()
        let harness = try LoopHarness(limits: limits) { reactor in
            plan.watch()
            return try reactor.listen(host: "127.0.0.1", port: 0) { _ in Teller() }
        }

        plan.arm(call, .fails(ENOTCONN))
        let client = try harness.connect()
        let answer = try client.receiveToEnd()

        #expect(answer == Array((call == .getpeername ? "you" : "known").utf8))
        #expect(plan.holds(descriptors: 1))
        #expect(plan.hitCount == 1)
    }

    @Test func `random bytes are filled through interruptions and short answers`() {
        let plan = FaultPlan()
        plan.arm(.getrandom, .fails(EINTR), times: 2)
        plan.arm(.getrandom, .moves(3), nth: 3, times: 5)

        let bytes = plan.watching { SystemRandom().bytes(64) }

        #expect(plan.hitCount == 7)
        #expect(plan.callCount(of: .getrandom) == 8)
        // Of 64 random bytes about 0.25 are zero.
        #expect(bytes.count { $0 == 0 } < 16)
    }

    private static let certificate = Result { try TestCertificate() }

    private func makeServer(isEncrypted: Bool) throws -> FaultyEcho {
        guard isEncrypted else { return try FaultyEcho(identity: nil) }
        let certificate = try Self.certificate.get()
        return try FaultyEcho(
            identity: TLSIdentity(
                certificateFile: certificate.certificateFile, keyFile: certificate.keyFile))
    }
}
