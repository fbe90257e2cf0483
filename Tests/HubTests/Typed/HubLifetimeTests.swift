import Testing

@testable import Hub

@Suite("HubLifetime") struct HubLifetimeTests {
    @Test func `a connection is accepted when its callback returns`() async throws {
        let hub = HubStand { hub in
            hub.onConnected { connection in
                try await connection.clients.caller.send("Hello", connection.connectionID)
                try await connection.groups.join(connection.connectionID, "g")
            }
        }
        let decided = Noted<ConnectDecision>()
        hub.methods.onConnected(hub.caller, .sample { decided.note($0) })

        #expect(await decided.first(1) == [.accept])
        #expect(hub.received.values == [#"{"type":1,"target":"Hello","arguments":["me"]}"#])
        #expect(hub.backplane.changes.values.count == 1)
    }

    @Test func `what it throws refuses the connection`() async throws {
        let hub = HubStand { hub in
            hub.onConnected { connection in throw HubException("full") }
        }
        let decided = Noted<ConnectDecision>()
        hub.methods.onConnected(hub.caller, .sample { decided.note($0) })

        #expect(await decided.first(1) == [.failed(.hubException("full"))])
    }

    @Test func `aborting refuses it without an error`() async throws {
        let hub = HubStand { hub in
            hub.onConnected { connection in connection.abort() }
        }
        let decided = Noted<ConnectDecision>()
        hub.methods.onConnected(hub.caller, .sample { decided.note($0) })

        #expect(await decided.first(1) == [.abort])
    }

    @Test(
        arguments: [
            (HubEnd.clientGone, nil), (.connectionLost, nil), (.aborted, nil), (.shutdown, nil),
            (.retired, nil), (.authenticationExpired, nil), (.closedByClient(error: nil), nil),
            (.closedByClient(error: "x"), "HubException: x"),
            (
                .protocolViolation(.terminatedInsideRecord),
                "HubConnectionError: Connection terminated while reading a message."
            ),
            (
                .clientTimedOut,
                "HubConnectionError: Client hasn't sent a message/ping within the configured "
                    + "ClientTimeoutInterval."
            ),
        ] as [(HubEnd, String?)])
    func `the end has an error if the client has made one`(
        end: HubEnd, told: String?
    ) async throws {
        let ended = Noted<String?>()
        let hub = HubStand { hub in
            hub.onDisconnected { connection, error in
                try await connection.clients.others.send("Gone", connection.userID)
                ended.note(error.map { "\(type(of: $0)): \($0)" })
            }
        }
        hub.methods.onDisconnected(hub.caller, end)

        #expect(await ended.first(1) == [told])
        #expect(
            hub.backplane.sent.values == [
                .init(
                    target: .allExcept(["me"]),
                    record: #"{"type":1,"target":"Gone","arguments":["ann"]}"#)
            ])
    }
}
