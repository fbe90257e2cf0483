import Synchronization
import Testing

@testable import Hub

@Suite("HubDispatcher") struct HubDispatcherTests {
    @Test(arguments: ["Register", "register", "REGISTER"])
    func `a method is found in any case`(name: String) {
        #expect(decide(name, ["\"x\""]) == nil)
    }

    @Test func `an unknown method is named as it was called`() {
        #expect(
            decide("nope", [])
                == "Failed to invoke 'nope' due to an error on the server. "
                + "HubException: Method does not exist.")
    }

    @Test(arguments: [0, 2])
    func `another number of arguments is a binding failure`(count: Int) {
        let arguments = Array(repeating: "1", count: count)
        let base = "Failed to invoke 'register' due to an error on the server."
        #expect(decide("register", arguments) == base)
        #expect(
            decide("register", arguments, details: true)
                == base + " InvalidDataException: Invocation provides \(count) argument(s) "
                + "but target expects 1.")
    }

    @Test func `a stream call of a plain method is refused`() {
        #expect(
            decide("Register", ["1"], wantsStream: true)
                == "The client attempted to invoke the non-streaming 'Register' method "
                + "with a streaming invocation.")
    }

    @Test func `stream ids are counted`() {
        #expect(
            decide("Register", ["1"], streams: ["a", "b"])
                == "An unexpected error occurred invoking 'Register' on the server. HubException: "
                + "Client sent 2 stream(s), Hub method expects 0.")
    }

    @Test(
        arguments: [
            (.void, false, .result(.null)), (.result(json("7")), false, .result(json("7"))),
            (
                .hubException("Missing user identifier"), false,
                .error(
                    "An unexpected error occurred invoking 'M' on the server. "
                        + "HubException: Missing user identifier")
            ),
            (
                .failure(detail: "disk"), false,
                .error("An unexpected error occurred invoking 'M' on the server.")
            ),
            (
                .failure(detail: "disk"), true,
                .error("An unexpected error occurred invoking 'M' on the server. Exception: disk")
            ),
        ] as [(HubOutcome, Bool, Completion.Outcome)])
    func `each outcome has its completion`(
        outcome: HubOutcome, details: Bool, expected: Completion.Outcome
    ) {
        let completion = dispatcher(details).completion(id: "1", target: "M", outcome: outcome)
        #expect(completion == Completion(invocationID: "1", outcome: expected))
    }

    @Test func `arguments of another type are binding failures`() throws {
        let arguments = HubArguments(["\"a\\n\"", "7", "true", "null", "[1]"].map(json))

        #expect(try arguments.string(0) == "a\n")
        #expect(try arguments.integer(1) == 7)
        #expect(try arguments.bool(2))
        #expect(try arguments.optionalString(3) == nil)
        #expect(arguments[4] == json("[1]"))
        #expect(throws: BindingFailure.type) { try arguments.string(1) }
        #expect(throws: BindingFailure.type) { try arguments.string(3) }
        #expect(throws: BindingFailure.type) { try arguments.integer(0) }
        #expect(throws: BindingFailure.type) { try arguments.bool(4) }
        #expect(
            dispatcher(true).text(for: .type, target: "M")
                == "Failed to invoke 'M' due to an error on the server. InvalidDataException: "
                + "Error binding arguments. Make sure that the types of the provided values match "
                + "the types of the hub method being invoked.")
    }

    @Test func `two methods that differ in case only are a programmer's error`() async {
        await #expect(processExitsWith: .failure) {
            var hub = HubMethods()
            hub.method("Ping", arity: 0) { _ in }
            hub.method("PING", arity: 0) { _ in }
        }
    }

    private func dispatcher(_ details: Bool) -> HubDispatcher {
        var hub = HubMethods()
        hub.method("Register", arity: 1) { call in call.reply.void() }
        return HubDispatcher(methods: hub, enableDetailedErrors: details)
    }

    private func decide(
        _ target: String, _ arguments: [String], wantsStream: Bool = false, streams: [String] = [],
        details: Bool = false
    ) -> String? {
        let invocation = Invocation(
            target: target, arguments: arguments.map(json), invocationID: "1", streamIDs: streams)
        switch dispatcher(details).decide(invocation, wantsStream: wantsStream) {
        case .call: return nil
        case .refuse(let text): return text
        }
    }
}

@Suite("HubReply") struct HubReplyTests {
    private final class Inbox: Sendable {
        private let outcomes = Mutex<[HubOutcome]>([])
        var seen: [HubOutcome] { outcomes.withLock { $0 } }
        func append(_ outcome: HubOutcome) { outcomes.withLock { $0.append(outcome) } }
    }

    @Test func `an answer inside the method is handed over, not posted`() {
        let inbox = Inbox()
        let reply = HubReply { inbox.append($0) }
        reply.void()
        reply.hubException("late")

        #expect(reply.methodReturned() == .void)
        #expect(inbox.seen.isEmpty)
    }

    @Test func `an answer after the method is posted once`() {
        let inbox = Inbox()
        let reply = HubReply { inbox.append($0) }
        #expect(reply.methodReturned() == nil)
        reply.result(json("1"))
        reply.void()

        #expect(inbox.seen == [.result(json("1"))])
    }

    @Test func `a method that forgets its answer fails`() {
        let inbox = Inbox()
        do {
            let reply = HubReply { inbox.append($0) }
            #expect(reply.methodReturned() == nil)
        }
        #expect(inbox.seen == [.failure(detail: "The method gave no answer.")])
    }

    @Test func `a discarded reply says nothing`() {
        let inbox = Inbox()
        do {
            let reply = HubReply { inbox.append($0) }
            reply.discard()
            reply.void()
        }
        #expect(inbox.seen.isEmpty)
    }
}
