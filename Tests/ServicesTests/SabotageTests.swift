import Testing

@testable import Services

#if CRASH_POINTS
    @Suite("Sabotage") struct SabotageTests {
        @Test func `nothing is sabotaged unless the environment says so`() {
            #expect(Sabotage(environment: nil) == nil)
            #expect(Sabotage(environment: "") == nil)
            for sabotage in Sabotage.allCases { #expect(!Sabotage.isOn(sabotage)) }
        }

        @Test(arguments: Sabotage.allCases) func `each has a name`(sabotage: Sabotage) {
            #expect(Sabotage(environment: sabotage.rawValue) == sabotage)
        }

        @Test func `a name that breaks nothing is refused`() async {
            await #expect(processExitsWith: .failure) { _ = Sabotage(environment: "relayoff") }
        }
    }
#endif
