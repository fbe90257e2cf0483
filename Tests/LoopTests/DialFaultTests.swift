import Faults
import Glibc
import TestSupport
import Testing

@testable import Loop

/// The calls of an outbound connection fail with what their manual pages name: the dial fails, says
/// why, leaves no descriptor, and the next one succeeds.
@Suite("Dial faults", .timeLimit(.minutes(3)), .blocking) struct DialFaultTests {
    @Test(
        arguments: [
            (SystemCall.socket, [EMFILE, ENFILE, ENOBUFS, ENOMEM], DialError.Kind.noResources),
            (.connect, [EAGAIN, EADDRNOTAVAIL, ENOBUFS], .noResources),
            (.connect, [ECONNREFUSED, ENETUNREACH, EHOSTUNREACH, EACCES, EPERM], .refused),
            (.connect, [ETIMEDOUT], .timedOut),
            (.epollAdd, [ENOMEM, ENOSPC], .noResources),
            (.getsockopt, [ENOBUFS, ENOMEM], .noResources),
        ])
    func `a dial fails with the reason and the next one opens`(
        call: SystemCall, codes: [Int32], kind: DialError.Kind
    ) throws {
        let server = try LoopHarness(echoingWith: nil)
        let plan = FaultPlan()
        let dials = try DialHarness(plan: plan)
        let descriptorCount = plan.openDescriptorCount

        for (round, code) in codes.enumerated() {
            plan.arm(call, .fails(code))
            dials.dial(Endpoint(host: "127.0.0.1", port: server.port))
            let failure = try #require(dials.events(round + 1).last?.failure)
            plan.disarm()
            #expect(failure.kind == kind)
            let reason = String(cString: strerror(code)).lowercased()
            #expect(failure.description.contains(reason))
            #expect(plan.holds(descriptors: descriptorCount))
        }
        #expect(plan.hitCount == codes.count)

        dials.dial(Endpoint(host: "127.0.0.1", port: server.port))
        #expect(dials.opens(1))
        dials.stop()
        #expect(plan.openDescriptorCount == 0)
    }

    @Test func `of two addresses the second is tried when the first has no socket`() throws {
        let server = try LoopHarness(echoingWith: nil)
        let plan = FaultPlan()
        let address = try #require(SocketAddress(numeric: "127.0.0.1", port: server.port))
        let dials = try DialHarness(plan: plan) { _, _ in .success([address, address]) }

        plan.arm(.socket, .fails(EMFILE))
        dials.dial(Endpoint(host: "two.example", port: server.port))

        #expect(dials.opens(1))
        #expect(plan.hitCount == 1)
        dials.stop()
        #expect(plan.openDescriptorCount == 0)
    }

    @Test(arguments: [ECONNRESET, ETIMEDOUT, ENOMEM])
    func `a connection that breaks in its TLS handshake fails the dial`(code: Int32) throws {
        let certificate = try TestCertificate()
        let server = try LoopHarness(
            echoingWith: TLSIdentity(
                certificateFile: certificate.certificateFile, keyFile: certificate.keyFile))
        let plan = FaultPlan()
        let dials = try DialHarness(plan: plan)
        let descriptorCount = plan.openDescriptorCount
        var settings = TLSClientContext.Settings()
        settings.authorityFile = certificate.certificateFile
        let context = try TLSClientContext(settings)

        for (round, call) in [SystemCall.send, .recv].enumerated() {
            plan.arm(call, .fails(code))
            dials.dial(Endpoint(host: "127.0.0.1", port: server.port, tls: context))
            #expect(dials.events(round + 1).last?.failure?.kind == .tls)
            plan.disarm()
            #expect(plan.holds(descriptors: descriptorCount))
        }
        #expect(plan.hitCount == 2)

        dials.dial(Endpoint(host: "127.0.0.1", port: server.port, tls: context))
        #expect(dials.opens(1))
        dials.stop()
        #expect(plan.openDescriptorCount == 0)
    }
}
