import Faults
import Glibc
import Testing

@testable import Loop

/// What a server asks of the kernel before it serves: an error says which call it was, and nothing of
/// the half-made loop is left.
@Suite("Faults at start") struct StartFaultTests {
    private static let shortages = [EMFILE, ENFILE, ENOMEM]

    @Test(arguments: [SystemCall.epollCreate, .eventfd, .open], shortages)
    func `a loop that cannot be made leaves no descriptor`(call: SystemCall, code: Int32) {
        let plan = FaultPlan()
        plan.arm(call, .fails(code))

        let error = #expect(throws: SystemError.self) {
            _ = try plan.watching { try Reactor() }
        }

        #expect(error?.code == code)
        #expect(plan.hitCount == 1)
        #expect(plan.openDescriptorCount == 0)
    }

    @Test(arguments: [ENOMEM, ENOSPC])
    func `a loop that cannot watch its own waker leaves no descriptor`(code: Int32) {
        let plan = FaultPlan()
        plan.arm(.epollAdd, .fails(code))

        #expect(throws: SystemError(code: code, call: "epoll_ctl(ADD)")) {
            _ = try plan.watching { try Reactor() }
        }

        #expect(plan.openDescriptorCount == 0)
    }

    @Test(
        arguments: [
            (SystemCall.socket, [EMFILE, ENFILE, ENOBUFS, ENOMEM, EACCES, EAFNOSUPPORT]),
            (.bind, [EADDRINUSE, EACCES, EADDRNOTAVAIL]),
            (.listen, [EADDRINUSE]),
            (.epollAdd, [ENOMEM, ENOSPC]),
            (.getsockname, [ENOBUFS]),
        ])
    func `an address that cannot be listened on is named, and can be had later`(
        call: SystemCall, codes: [Int32]
    ) throws {
        let plan = FaultPlan()
        try plan.watching {
            let reactor = try Reactor()
            let descriptorCount = plan.openDescriptorCount
            for code in codes {
                plan.arm(call, .fails(code))
                let error = #expect(throws: ListenError.self) {
                    try reactor.listen(host: "127.0.0.1", port: 0) { _ in EchoBack() }
                }
                plan.disarm()
                #expect(error?.error.code == code)
                #expect(error?.description.contains("127.0.0.1:0") == true)
                #expect(plan.openDescriptorCount == descriptorCount)
            }
            #expect(plan.hitCount == codes.count)

            try reactor.listen(host: "127.0.0.1", port: 0) { _ in EchoBack() }
            #expect(plan.openDescriptorCount == descriptorCount + 1)
            reactor.stopAccepting()
        }
        #expect(plan.openDescriptorCount == 0)
    }

    @Test func `options that a listener cannot have do not keep it from listening`() throws {
        let plan = FaultPlan()
        try plan.watching {
            let reactor = try Reactor()
            plan.arm(.setsockopt, .fails(ENOPROTOOPT), times: 10)
            try reactor.listen(host: "127.0.0.1", port: 0) { _ in EchoBack() }
            reactor.stopAccepting()
        }
        #expect(plan.hitCount == 8)
    }

    @Test(arguments: [SystemCall.socket, .bind])
    func `a port that cannot be probed is reported`(call: SystemCall) {
        let plan = FaultPlan()
        plan.arm(call, .fails(EADDRINUSE))
        #expect(throws: ListenError.self) {
            try plan.watching { try Reactor.checkPortIsFree(host: "127.0.0.1", port: 0) }
        }
        #expect(plan.openDescriptorCount == 0)
    }
}
