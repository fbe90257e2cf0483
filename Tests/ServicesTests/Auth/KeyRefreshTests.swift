import Loop
import Testing
import TestSupport
import WS

@testable import Services

/// A refresh plan and its clock.
private final class Plan {
    let clock = FakeClock()
    let random = SeededRandom(seed: 1)
    var refresh: KeyRefresh

    init() { refresh = KeyRefresh(KeyRefreshTimes(), now: clock.monotonicNow) }

    func begins(isKeyMissing: Bool = false) -> Bool {
        refresh.begins(at: clock.monotonicNow, isKeyMissing: isKeyMissing)
    }

    /// One whole refresh.
    func succeed(maxAge: Duration? = nil) {
        refresh.metadataRead()
        refresh.keysRead(maxAge: maxAge, at: clock.monotonicNow)
    }

    func fail() { refresh.failed(at: clock.monotonicNow, random: random) }

    /// Whole seconds until the next refresh begins, asked every second.
    func secondsToNext(isKeyMissing: Bool = false) -> Int {
        for second in 0...100_000 {
            if begins(isKeyMissing: isKeyMissing) { return second }
            clock.advance(by: .seconds(1))
        }
        return -1
    }
}

@Suite struct KeyRefreshTests {
    @Test func `the first refresh is due at once, and only one runs at a time`() {
        let plan = Plan()
        #expect(plan.begins())
        #expect(!plan.begins())
        plan.clock.advance(by: .seconds(86_400))
        #expect(!plan.begins(isKeyMissing: true))
        plan.refresh.metadataRead()
        #expect(!plan.begins(isKeyMissing: true))
    }

    @Test(
        arguments: [
            (nil, 3600), (.seconds(0), 300), (.seconds(299), 300), (.seconds(301), 301),
            (.seconds(86_400), 86_400), (.seconds(1_000_000), 86_400),
        ] as [(Duration?, Int)])
    func `the next one comes when the authority says, within bounds`(
        maxAge: Duration?, seconds: Int
    ) {
        let plan = Plan()
        #expect(plan.begins())
        plan.succeed(maxAge: maxAge)
        #expect(plan.secondsToNext() == seconds)
    }

    @Test func `a missing key brings it forward, thirty seconds behind the last one`() {
        let plan = Plan()
        #expect(plan.begins())
        plan.succeed()
        #expect(plan.secondsToNext(isKeyMissing: true) == 30)
        plan.succeed()
        plan.clock.advance(by: .seconds(31))
        #expect(plan.begins(isKeyMissing: true))
    }

    @Test func `a flood of missing keys is one refresh per interval`() {
        let plan = Plan()
        var count = 0
        for _ in 0..<3000 {
            if plan.begins(isKeyMissing: true) {
                count += 1
                plan.succeed()
            }
            plan.clock.advance(by: .milliseconds(100))
        }
        // 300 seconds, the first refresh at their start.
        #expect(count == 10)
    }

    @Test func `a key missed once is not forgotten before its refresh`() {
        let plan = Plan()
        #expect(plan.begins())
        plan.succeed()
        plan.clock.advance(by: .seconds(1))
        #expect(!plan.begins(isKeyMissing: true))
        #expect(plan.secondsToNext() == 29)
    }

    @Test func `failures are followed by growing pauses, a success by the usual one`() {
        let plan = Plan()
        #expect(plan.begins())
        var pauses: [Int] = []
        for _ in 0..<9 {
            plan.fail()
            pauses.append(plan.secondsToNext())
        }
        for (pause, least) in zip(pauses, [1, 2, 4, 8, 16, 32, 60, 60, 60]) {
            #expect((least...least + least / 4 + 1).contains(pause))
        }
        plan.succeed()
        #expect(plan.secondsToNext() == 3600)
        plan.refresh.metadataRead()
        plan.fail()
        #expect(plan.secondsToNext() <= 2)
    }

    @Test func `a missing key shortens no pause below its own interval`() {
        let plan = Plan()
        #expect(plan.begins())
        for _ in 0..<8 {
            plan.fail()
            _ = plan.secondsToNext()
        }
        plan.fail()
        #expect(plan.secondsToNext(isKeyMissing: true) == 30)
    }
}

@Suite struct AuthorityMetadataTests {
    private func parse(
        _ text: String, pinned: String? = nil, requiresTLS: Bool = true
    ) throws(KeyFetchError) -> AuthorityMetadata {
        try AuthorityMetadata(
            parsing: Array(text.utf8), pinnedIssuer: pinned, requiresTLS: requiresTLS)
    }

    private let good = #"{"issuer":"https://a/t","jwks_uri":"https://b/keys","other":[1]}"#

    @Test func `the issuer is the document's, and the keys may be elsewhere`() throws {
        let metadata = try parse(good)
        #expect(metadata.issuer == "https://a/t")
        #expect(metadata.keys.description == "https://b/keys")
        #expect(try parse(good, pinned: "https://a/t") == metadata)
    }

    @Test func `another issuer than the pinned one is refused`() {
        #expect(throws: KeyFetchError.self) { try parse(good, pinned: "https://a/t/") }
    }

    @Test func `keys in the clear are for development only`() throws {
        let text = #"{"issuer":"i","jwks_uri":"http://b/keys"}"#
        #expect(throws: KeyFetchError.self) { try parse(text) }
        #expect(try parse(text, requiresTLS: false).keys.description == "http://b/keys")
    }

    @Test(arguments: [
        "", "[]", "{}", #"{"issuer":"i"}"#, #"{"jwks_uri":"https://b/"}"#,
        #"{"issuer":"","jwks_uri":"https://b/"}"#, #"{"issuer":1,"jwks_uri":"https://b/"}"#,
        #"{"issuer":"i","jwks_uri":"/keys"}"#, #"{"issuer":"i","jwks_uri":7}"#,
        #"{"issuer":"i","issuer":"j","jwks_uri":"https://b/"}"#,
    ])
    func `anything less is refused`(text: String) {
        #expect(throws: KeyFetchError.self) { try parse(text) }
    }
}
