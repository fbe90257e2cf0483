import Testing

@testable import Services

#if CRASH_POINTS
    @Suite("CrashPoint") struct CrashPointTests {
        @Test func `there are the fifteen points of the checker`() {
            #expect(CrashPoint.allCases.count == 15)
        }

        @Test func `the process ends at the counted visit with 137 and says where`() async {
            let result = await #expect(
                processExitsWith: .exitCode(137), observing: [\.standardErrorContent]
            ) {
                let armed = ArmedCrashPoint(environment: "relay.afterConfirm:2")
                armed?.reach(.relayBeforePublish)
                armed?.reach(.relayAfterConfirm)
                armed?.reach(.relayBeforePublish)
                armed?.reach(.relayAfterConfirm)
            }
            let output = String(decoding: result?.standardErrorContent ?? [], as: UTF8.self)
            #expect(output.contains("crash point relay.afterConfirm reached"))
        }

        @Test func `other points and earlier visits pass`() throws {
            let armed = try #require(ArmedCrashPoint(environment: "accept.beforeReply:2"))
            for point in CrashPoint.allCases { armed.reach(point) }
            #expect(ArmedCrashPoint(environment: nil) == nil)
        }

        @Test(arguments: ["accept.beforereply", "drain.middle:0", "drain.middle:x"])
        func `a value that aims at nothing is refused`(value: String) async {
            await #expect(processExitsWith: .failure) { [value] in
                _ = ArmedCrashPoint(environment: value)
            }
        }
    }
#endif
